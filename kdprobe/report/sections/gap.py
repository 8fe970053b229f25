"""Which teacher size serves a student best, and is it smaller than the largest?"""

from collections.abc import Iterable
from dataclasses import replace

from kdprobe.core.result import Measurement
from kdprobe.core.section import Card, Content, Finding, Section
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import Gap, beside, gaps, near
from kdprobe.report.evidence.groups import short_names
from kdprobe.report.sections._gap_answer import answer, doubt, next_of
from kdprobe.report.sections._gap_figures import figure, sketch
from kdprobe.report.sections._gap_tables import besides, choices, claims, laws, shapes, temperatures
from kdprobe.report.sections._gap_words import contradicted, copied, lacking, missing, prose, seeds_of, small, small_gain, unlimited
from kdprobe.report.sections._scores import gap_scores
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT
from kdprobe.verdicts.gap import NO_LARGEST, UNITS_FOR_A_VERDICT

MEASURED = " (nats after one temperature a model, or variances of the target)"


def draw(evidence: Evidence) -> Content:
    """Draw a card and a figure a task × student, and one table of all readings."""
    found, around = gaps(evidence), beside(evidence)
    cards: dict[str, list[Gap]] = {}
    for gap in found:
        cards.setdefault(gap.headline, []).append(gap)
    groups = list(cards.values())
    # of many settings each has its card, and every seed is in the table of cells
    drawn = [group for group in groups if group[0].scope == group[0].arm and any(len(gap.curve.sizes) for gap in group)]
    return Content(
        cards=tuple(
            replace(card(group, around, f"c{i}"), next=next_of(evidence, group), scores=gap_scores(evidence, group))
            for i, group in enumerate(groups)
        ),
        words=prose(found, around),
        figures=tuple(figure(group, around, f"g{i}") for i, group in enumerate(drawn)),
        tables=(*besides(around), claims(found), *temperatures((*found, *around)), *choices(evidence), *laws(found), *shapes(found)),
    )


def card(group: list[Gap], around: list[Gap], prefix: str) -> Card:
    """What the first screen says of a student; `around` is what stands beside it."""
    first = group[0]
    return Card(
        headline=first.headline,
        findings=(*(_help(gap, near(gap, around)) for gap in group), *(_finding(gap, near(gap, around)) for gap in group)),
        figure=sketch(group, prefix) if any(gap.gains for gap in group) else None,
        answer=answer(group),
    )


ALL_FAILED = "All its runs failed: see what failed, below."


def _help(gap: Gap, around: list[Gap]) -> Finding:
    """Whether any teacher helps: the first thing to know of a best one."""
    reading, (noun, names) = gap.helps, short_names(gap.curve.teachers)
    if gap.control and not names:
        sentence, number = f"A control, {gap.control}. {ALL_FAILED}", ""
    elif gap.control:
        number = words.result(reading.gain) if reading.gain else ""
        sentence = f"A control, {gap.control}: what it gains did not come from the teacher that it is read against" + (
            f" (at most {number})." if number else "."
        )
    elif gap.copied:
        sentence, number = copied(gap), ""
    elif reading.gain is None:
        sentence, number = f"{words.counted(reading.n, 'seed')}: {reading.qualifier}.", ""
    else:
        under = f"under {noun} {names[reading.best]}"
        number = f"{words.result(reading.gain)} {under}"
        sentence = f"Largest gain over the untaught twin: {number} ({seeds_of(gap)}).{small_gain(gap)}"
        if reading.harmful:
            sentence = (
                f"The student is worse than its untaught twin under every teacher; least so {under}: {words.result(reading.gain)} "
                f"({seeds_of(gap)})."
            )
        elif reading.verdict == "CONTRADICTED" and reading.upper <= 0:
            sentence += " Under no teacher is it above 0 (95 % limit)."
        elif reading.verdict == "CONTRADICTED":
            limit = words.limit(reading.upper, words.decimals(reading.margin) + 1)
            sentence += f" Under no teacher is it more than {limit} {gap.unit} (95 % limit), which is negligible."
    if unlimited(gap):
        sentence += f" That it is negligible cannot be said while runs are missing: {lacking(gap)}."
    elsewhere = [
        f"{other.beside} {words.result(other.helps.gain)}: {other.helps.verdict}" for other in around if other.helps.gain is not None
    ]
    return Finding(
        claim="teaching helps",
        scope=gap.scope,
        verdict=reading.verdict,
        qualifier="; ".join(filter(None, (reading.qualifier, "not shown to exceed a control" if doubt(gap) else ""))),
        measures=f"largest gain over the untaught twin{MEASURED}",
        number=number,
        sentences=(copied(gap),)
        if gap.copied
        else (_at(gap, sentence), *_controls(gap), *([f"{words.capitalised('; '.join(elsewhere))}."] if elsewhere else [])),
    )


def _at(gap: Gap, sentence: str) -> str:
    """Begin a sentence with the setting that it speaks of: at another one it may say the opposite."""
    if not gap.setting or not gap.curve.teachers:
        return sentence
    return f"{words.capitalised(gap.setting)}: {sentence[:1].lower()}{sentence[1:]}"


def _controls(gap: Gap) -> Iterable[str]:
    """What its controls gain without the teacher."""
    for control in gap.controls:
        gain, beyond = words.result(control.gain), words.result(control.beyond)
        yield f"Control, {control.title}: {gain}; the student beyond it: {beyond}."


def _finding(gap: Gap, around: list[Gap]) -> Finding:
    reading = gap.reading
    if gap.control:
        return Finding(
            claim="capacity gap",
            scope=gap.scope,
            verdict=reading.verdict,
            qualifier=reading.qualifier,
            sentences=("A control: nothing is claimed of the teachers that it is read against.",),
        )
    number = _best(gap) + words.result(reading.deficit) if reading.deficit else ""
    told, *rest = _sentences(gap)
    return Finding(
        claim="capacity gap",
        scope=gap.scope,
        verdict=reading.verdict,
        qualifier=reading.qualifier,
        measures=("" if reading.direction_only else "best sizes (95 % set); ") + "what the largest costs against the best smaller one",
        number=number,
        sentences=(copied(gap),) if gap.copied else (_at(gap, told), *rest, *_otherwise(gap), *_elsewhere(around)),
        change_our_mind=_change_our_mind(gap),
    )


def _best(gap: Gap) -> str:
    """The sizes that may be best, before anything else: it is what the page is asked."""
    if gap.reading.direction_only:
        return ""
    noun, names = short_names(gap.curve.teachers)
    best = gap.reading.best_set
    if len(best) == len(names):
        return f"any {noun}; "
    return f"{noun} {words.span(names, best)}; "


def _sentences(gap: Gap) -> Iterable[str]:
    reading, curve = gap.reading, gap.curve
    noun, names = short_names(curve.teachers)
    seeds = seeds_of(gap)
    if not names:
        yield ALL_FAILED
        return
    if gap.copied:
        yield copied(gap)
        return
    if reading.deficit is None or reading.edge is None:
        yield f"{words.counted(len(names), f'teacher {noun}')}, {seeds}: {reading.qualifier}."
        yield from missing(gap)
        return
    rival = f"{noun} {names[reading.rival]}"
    best = "Least harmful" if gap.helps.harmful else "Best"
    if len(reading.best_set) == len(names):
        yield f"All teacher sizes may be best: none of {noun} {names[0]}…{names[-1]} is ruled out ({seeds})."
    elif reading.direction_only:
        left = words.span(names, reading.best_set)
        stay = "is" if len(reading.best_set) == 1 else "are"
        yield f"{seeds} are too few to name the best teachers: {noun} {left} of {names[0]}…{names[-1]} {stay} not ruled out."
    else:
        start = f"{best} teacher is {noun}" if len(reading.best_set) == 1 else f"{best} teachers are {noun}s"
        yield f"{start} {words.span(names, reading.best_set)} of {names[0]}…{names[-1]} (95 % set, {seeds})."
    if reading.verdict in ("SUPPORTED", "NOT APPLICABLE"):
        yield f"The largest costs {words.result(reading.deficit)} against {rival}."
        yield from small(gap)
        if isinstance(reading.ratio, Measurement) and reading.ratio.kind == "estimate":
            most = "loses least" if gap.helps.harmful else "gains most"
            yield f"At this setting the student {most} under a teacher of {words.result(reading.ratio)} times its size."
        if reading.verdict == "NOT APPLICABLE":
            own = words.compared(reading.edge, "lower by {}", "higher by {}")
            yield f"But it is not shown to be the better model: its own loss is {own}."
    elif reading.verdict == "CONTRADICTED":
        yield contradicted(gap, rival)
    elif reading.qualifier.startswith("direction only"):
        yield f"A direction only: the largest costs {words.result(reading.deficit)} against {rival}."
    else:
        adjusted = f", {words.p_told(reading.p)} over the claims of this page" if reading.deficit.low > 0 else ""
        yield f"Whether the largest costs anything against {rival} is not settled: {words.result(reading.deficit)}{adjusted}."
    yield from missing(gap)


def _elsewhere(around: list[Gap]) -> Iterable[str]:
    """What the verdict is at other settings: a gap at one T is not to be believed."""
    told = [
        f"{other.beside} the largest costs {words.result(other.reading.deficit)}: {other.reading.verdict}"
        for other in around
        if other.reading.deficit is not None
    ]
    if told:
        yield f"{words.capitalised('; '.join(told))}."


def _otherwise(gap: Gap) -> Iterable[str]:
    """The verdict in accuracy or R², and in the NLL as it is."""
    metric = {"classification": "accuracy", "regression": "R²"}[gap.kind]
    told = []
    for name, found in ((f"In {metric}", gap.second), ("in NLL as it is", gap.raw)):
        if found is not None and found.deficit is not None:
            told.append(f"{name} it costs {words.result(found.deficit)}: {found.verdict}")
    if told:
        yield f"{words.capitalised('; '.join(told))}."


def _change_our_mind(gap: Gap) -> str:
    reading, (noun, names) = gap.reading, short_names(gap.curve.teachers)
    if not names:
        return "runs that finish."
    if gap.copied or reading.qualifier == NO_LARGEST:
        return "seeds of their own for all runs." if gap.copied else f"runs of {words.listed(list(gap.curve.lacking))} that finish."
    if reading.deficit is None:
        return f"two teacher sizes and {SEEDS_FOR_A_VERDICT} seeds."
    if reading.n < SEEDS_FOR_A_VERDICT:
        return f"{SEEDS_FOR_A_VERDICT} seeds (now {reading.n})."
    if reading.verdict == "SUPPORTED":
        return f"{words.listed(gap.fixed)} tuned for each teacher size, if {noun} {names[-1]} then catches up."
    if reading.verdict == "CONTRADICTED":
        return f"teachers beyond {noun} {names[-1]}, if the curve turns down there."
    if reading.verdict == "NOT APPLICABLE":
        return f"a teacher of {noun} {names[-1]} that is itself better than {noun} {names[reading.rival]}."
    if reading.direction_only:
        return f"{UNITS_FOR_A_VERDICT} draws of labelled rows (now {reading.units})."
    if reading.needed is None:
        return f"more than 1,000 {'draws' if reading.clustered else 'seeds'} at this spread."
    unit, now = ("draws", len(reading.gain)) if reading.clustered else ("seeds", reading.n)
    return f"about {reading.needed} {unit}, if mean and spread stay (now {now})."


GAP = Section(name="gap", question="Which teacher size serves this student best?", plans=("gap",), draw=draw, order=10)

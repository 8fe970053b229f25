"""Which teacher size serves a student best, and is it smaller than the largest?"""

from collections.abc import Iterable

import numpy as np

from kdprobe.core.result import Measurement
from kdprobe.core.section import Card, Content, Figure, Finding, Section
from kdprobe.report import words
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import Gap, gaps
from kdprobe.report.evidence.groups import axis, short_names
from kdprobe.report.sections._gap_tables import choices, claims, laws, shapes
from kdprobe.report.theme.plots import Panel, Role, Series, panels
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT, contrast

CLAIM = "a smaller teacher serves better than the largest"
ROLES: tuple[Role, ...] = ("one", "two", "three", "four")


def draw(evidence: Evidence) -> Content:
    """Draw a card and a figure a task × student, and one table of all readings."""
    found = gaps(evidence)
    cards: dict[str, list[Gap]] = {}
    for gap in found:
        cards.setdefault(gap.headline, []).append(gap)
    groups = list(cards.values())
    # of many settings each has its card, and every seed is in the table of cells
    drawn = [group for group in groups if group[0].scope == group[0].arm and any(len(gap.curve.sizes) for gap in group)]
    return Content(
        cards=tuple(card(group, f"c{i}") for i, group in enumerate(groups)),
        words=_words(found),
        figures=tuple(_figure(group, f"g{i}") for i, group in enumerate(drawn)),
        tables=(claims(found), *choices(evidence), *laws(found), *shapes(found)),
    )


def card(group: list[Gap], prefix: str) -> Card:
    """What the first screen says of a student."""
    first = group[0]
    return Card(
        headline=first.headline,
        findings=(*(_help(gap) for gap in group), *(_finding(gap) for gap in group)),
        figure=_sketch(group, prefix) if any(gap.gains for gap in group) else None,
    )


def _help(gap: Gap) -> Finding:
    """Whether any teacher helps: the first thing to know of a best one."""
    reading, (noun, names) = gap.helps, short_names(gap.curve.teachers)
    if gap.control:
        number = words.result(reading.gain) if reading.gain else ""
        sentence = f"A control, {gap.control}: what it gains is not what teaching gives" + (f" (at most {number})." if number else ".")
    elif reading.gain is None:
        sentence, number = f"{words.counted(reading.n, 'seed')}: {reading.qualifier}.", ""
    else:
        under = f"under {noun} {names[reading.best]}"
        number = f"{words.result(reading.gain)} {under}"
        sentence = f"Largest gain over the untaught twin: {number} ({_seeds(gap)})."
        if reading.harmful:
            sentence = (
                f"The student is worse than its untaught twin under every teacher; least so {under}: {words.result(reading.gain)} "
                f"({_seeds(gap)})."
            )
        elif reading.verdict == "CONTRADICTED":
            limit = words.number(reading.upper, words.decimals(reading.margin) + 1)
            sentence += f" Under no teacher is it more than {limit} {gap.unit} (95 % limit), which is negligible."
    return Finding(
        claim="teaching helps",
        scope=gap.scope,
        verdict=reading.verdict,
        qualifier=reading.qualifier,
        measures="largest gain over the untaught twin",
        number=number,
        sentences=(sentence,),
    )


def _seeds(gap: Gap) -> str:
    curve = gap.curve
    return words.counted(curve.seeds, "seed") + (f" in {words.counted(len(curve.values['gain']), 'draw')}" if curve.clustered else "")


def _finding(gap: Gap) -> Finding:
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
    if gap.calibrated is not None and gap.calibrated.deficit is not None:
        number += f"; calibrated {words.result(gap.calibrated.deficit)}: {gap.calibrated.verdict.lower()}"
    return Finding(
        claim="capacity gap",
        scope=gap.scope,
        verdict=reading.verdict,
        qualifier=reading.qualifier,
        measures=("" if reading.direction_only else "best sizes (95 % set); ") + "what the largest costs against the best smaller one",
        number=number,
        sentences=tuple(_sentences(gap)),
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
    seeds = _seeds(gap)
    if not names:
        yield "All its runs failed: see what failed, below."
        return
    if reading.deficit is None or reading.edge is None:
        yield f"{words.counted(len(names), f'teacher {noun}')}, {seeds}: {reading.qualifier}."
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
        yield f"The largest costs {words.result(reading.deficit)} against {rival}{_split(gap)}."
        if isinstance(reading.ratio, Measurement) and reading.ratio.kind == "estimate":
            most = "loses least" if gap.helps.harmful else "gains most"
            yield f"At this setting the student {most} under a teacher of {words.result(reading.ratio)} times its size."
        if reading.verdict == "NOT APPLICABLE":
            yield f"But it is not shown to be the better model: its own loss is lower by {words.result(reading.edge)}."
    elif reading.verdict == "CONTRADICTED":
        places = words.decimals(reading.margin) + 1
        yield (
            f"The largest costs {words.result(reading.deficit)} against {rival}: no smaller one serves better by more than "
            f"{words.number(max(reading.upper, 0.0), places)} {gap.unit} (95 % limit; below "
            f"{words.number(reading.margin, places)} is negligible)."
        )
    elif reading.qualifier.startswith("direction only"):
        yield f"A direction only: the largest costs {words.result(reading.deficit)} against {rival}."
    else:
        adjusted = f", p = {words.p_value(reading.p)} over the claims of this page" if reading.deficit.low > 0 else ""
        yield f"Whether the largest costs anything against {rival} is not settled: {words.result(reading.deficit)}{adjusted}."
    yield from _calibrated(gap)
    if curve.left_out or curve.missing:
        missing = f", and {words.listed(curve.missing)}" if curve.missing else ""
        yield f"Left out: {words.counted(curve.left_out, 'seed')} with a missing run{missing}."


def _calibrated(gap: Gap) -> Iterable[str]:
    """What stays of the gap once no model is over-confident, so that nobody stops at the first number."""
    found, (noun, names) = gap.calibrated, short_names(gap.curve.teachers)
    if found is None or found.deficit is None:
        return
    yield (
        f"After one temperature a model: {found.verdict}; the largest costs {words.result(found.deficit)} against "
        f"{noun} {names[found.rival]}, the best mean is under {noun} {names[found.best]}."
    )


def _change_our_mind(gap: Gap) -> str:
    reading, (noun, names) = gap.reading, short_names(gap.curve.teachers)
    if not names:
        return "runs that finish."
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
    if reading.needed is None:
        return "more than 1,000 seeds at this spread."
    unit, now = ("draws", len(reading.gain)) if reading.clustered else ("seeds", reading.n)
    return f"about {reading.needed} {unit}, if mean and spread stay (now {now})."


def _split(gap: Gap) -> str:
    """How much of a deficit is over-confidence, how much discrimination."""
    if gap.inherited is None or gap.discrimination is None or gap.inherited.low <= 0:
        return ""
    rest = words.result(gap.discrimination)
    return f": {words.result(gap.inherited)} is over-confidence that one temperature removes, {rest} discrimination"


def _words(found: list[Gap]) -> tuple[str, ...]:
    family = sum(gap.reading.deficit is not None and not gap.reading.direction_only and not gap.control for gap in found)
    unit = "draws of labelled rows, each the mean of its seeds" if any(gap.curve.clustered for gap in found) else "seeds"
    calibrated = (
        "NLL rewards calibration. Calibrated NLL divides each model's logits by one temperature fitted on validation rows; the area "
        "between the two curves is over-confidence that the student inherited from its teacher, relative to its twin.",
    )
    return (
        "Each panel shows what distillation gains over training the same student alone (loss of the paired twin minus loss of the "
        f"student, on probe rows that no similarity was measured on) against the size of its teacher. Thin lines are {unit}; marks are "
        f"means with 95 % intervals over {unit.partition(' ')[0]}. The teachers' own loss stands below on the same axis: a capacity gap "
        "needs a larger teacher that is better itself and serves worse.",
        f"The claim is that {CLAIM}. It is made where (a) the best smaller teacher is shown to serve better: a sign-flip test over all "
        "smaller sizes, which needs no more than symmetry, and a simultaneous bootstrap interval that excludes 0; and (b) the largest "
        f"teacher is itself shown to be the better model. Over the claims of this kind on the page ({family} with {SEEDS_FOR_A_VERDICT} "
        "seeds or more) p values are Holm-adjusted. A best size at the grid's edge (c) gives a bound in place of a ratio, a curve that may "
        "have two humps (d) gives none. A deficit below a fifth of the twins' seed-to-seed standard deviation is called negligible. How "
        "often such a verdict is wrong is measured on simulated sweeps: see the end of this page.",
        *(calibrated if any(gap.calibrated is not None for gap in found) else ()),
    )


def _ratio_ticks(ratios: np.ndarray) -> list[str]:
    return [f"{ratio:.0f}" if ratio >= 9.5 else f"{ratio:.1f}" for ratio in ratios]


def series_of(gap: Gap, name: str, label: str, role: Role, *, seeds: bool) -> Series:
    """One line of a figure: means over seeds with their intervals."""
    values = gap.curve.values[name]
    mean = values.mean(axis=0)
    low, high = contrast(values.T).interval() if len(values) > 1 else (np.full_like(mean, np.nan),) * 2
    at = np.log2(gap.curve.sizes / gap.student_size)
    return Series(label=label, role=role, x=at, mean=mean, low=low, high=high, seeds=values if seeds else None)


def _law(gap: Gap, name: str) -> list[Series]:
    """The truth, where it is known."""
    if gap.law is None:
        return []
    truth, nowhere = getattr(gap.law, name), np.full(len(gap.curve.sizes), np.nan)
    return [Series(label="law", role="four", x=np.log2(gap.curve.sizes / gap.student_size), mean=truth, low=nowhere, high=nowhere)]


def _sketch(group: list[Gap], prefix: str) -> Figure:
    """The curves of a card: one line an arm, without seeds."""
    first = group[0]
    series = tuple(series_of(gap, "gain", gap.arm, role, seeds=False) for gap, role in zip(group, ROLES, strict=False) if gap.gains)
    if len(group) == 1:
        series = (series_of(first, "gain", first.metric, "one", seeds=False),)
        if "gain_calibrated" in first.curve.values:
            series = (*series, series_of(first, "gain_calibrated", "calibrated", "two", seeds=False))
    ratios = axis([gap.curve for gap in group if gap.gains])[0] / first.student_size
    svg = panels(
        [Panel(title=f"Gain over the twin ({first.unit})", series=series, zero="no gain")],
        x=np.log2(ratios), ticks=_ratio_ticks(ratios), x_label="teacher size / student size",
        prefix=prefix, title=f"Gain of {first.student} on {first.task} by teacher size", height=112,
        description=". ".join(f"{gap.arm}: {_in_numbers(gap)}" for gap in group),
    )  # fmt: skip
    return Figure(svg=svg)


def _figure(group: list[Gap], prefix: str) -> Figure:
    # an arm whose runs all failed has no curve; its card says so
    group = [gap for gap in group if len(gap.curve.sizes)]
    first = group[0]
    rows = []
    for gap in group:
        series = [series_of(gap, "gain", gap.metric, "one", seeds=True)]
        if "gain_calibrated" in gap.curve.values:
            series.append(series_of(gap, "gain_calibrated", "calibrated", "two", seeds=True))
        series += _law(gap, "gain")
        title = f"{gap.arm}: gain ({gap.unit})"
        rows.append(Panel(title=title, series=tuple(series), scale="gain", zero="no gain", shaded=True))
    teacher = [series_of(first, "teacher_loss", first.metric, "three", seeds=True)]
    if "teacher_loss_calibrated" in first.curve.values:
        teacher.append(series_of(first, "teacher_loss_calibrated", "calibrated", "four", seeds=False))
    teacher += _law(first, "teacher_loss")
    rows.append(Panel(title=f"the teacher's own loss ({first.unit})", series=tuple(teacher)))
    sizes, teachers = axis([gap.curve for gap in group])
    (name, names), ratios = short_names(teachers), sizes / first.student_size
    svg = panels(
        rows, x=np.log2(ratios), x_label=f"teacher size / student size, teacher {name}",
        ticks=[f"{ratio}\n{short}" for ratio, short in zip(_ratio_ticks(ratios), names, strict=True)], prefix=prefix,
        title=f"{first.task}, student {first.student}: gain by teacher size, every seed, with the teachers' own loss",
        description=". ".join(f"{gap.arm}: {_in_numbers(gap)}" for gap in group),
    )  # fmt: skip
    shaded = ". Grey: inherited over-confidence" if first.calibrated is not None else ""
    return Figure(svg=svg, caption=f"{first.task} · student {first.student}{shaded}")


def _in_numbers(gap: Gap) -> str:
    noun, names = short_names(gap.curve.teachers)
    return ", ".join(f"{noun} {name} {words.result(gain)}" for name, gain in zip(names, gap.gains, strict=False)) or "no interval"


GAP = Section(name="gap", question="Which teacher size serves this student best?", plans=("gap",), draw=draw, order=10)

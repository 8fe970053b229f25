"""What a comparison allows to be concluded, and what it does not, in plain words."""

from kdprobe.compare.compared import Compared
from kdprobe.compare.judge import LEAST, Judged, judged, spread
from kdprobe.compare.words_gain import nothing_to_gain, performance
from kdprobe.compare.words_transfer import named, transfer
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.words import decimals, number, over_seeds
from kdprobe.stats.paired import LEVEL, SEEDS_FOR_A_VERDICT

CLAIMS = {
    "agreement_top1": ("the student names the teacher's class on {} of {rows}", 100.0, "%"),
    "r2": ("the student's predictions reach an R² of {} against the teacher's on {rows}", 1.0, ""),
    "cka": ("the last hidden layers have a CKA of {} on {rows}", 1.0, ""),
    "cka_output": ("the outputs have a CKA of {} on {rows}", 1.0, ""),
}
"""What the main similarity of a comparison says, best first: the first one that was not refused is told."""


def sentence(comparison: Compared) -> str:
    """Return all that a comparison says, in one paragraph."""
    return " ".join(paragraphs(comparison))


def paragraphs(comparison: Compared) -> list[str]:
    """Return what a comparison says: what teaching bought, how alike they are, what is this teacher's own, and the limits."""
    warned = " ".join(f"Warning: {warning}" for warning in comparison.warnings)
    said = [f(comparison) for f in (nothing_to_gain, performance, _similarity, transfer, _others, _limits)]
    return [part for part in (warned, *said) if part]


def _similarity(comparison: Compared) -> str:
    rows = f"{comparison.n:,} row{'s' if comparison.n != 1 else ''}"
    rows += f", on average over {comparison.seeds} seeds" if comparison.seeds else ""
    name = _main(comparison)
    if name is None:
        reasons = {r.reason for results in comparison.results.values() for r in results.values() if isinstance(r, Refusal)}
        return f"On {rows} no similarity of student and teacher could be measured: {'; '.join(sorted(reasons)) or 'no probe applies'}."
    claim, scale, unit = CLAIMS[name]
    text = claim.format(_told(comparison.results[name]["own"], scale, unit, comparison.seeds), rows=rows)
    text = f"{text[0].upper()}{text[1:]}."
    if not comparison.twins:
        return text
    one = len(comparison.twins) == 1
    twins = f"{'The twin' if one else f'The {len(comparison.twins)} twins'}, which never saw the teacher,"
    baseline, difference = (comparison.results[name][key] for key in ("baseline", "difference"))
    if isinstance(baseline, Refusal) or isinstance(difference, Refusal):
        refused = baseline if isinstance(baseline, Refusal) else difference
        return f"{text} What twins have of it could not be measured: {refused}."
    average = "" if one else " on average"
    apart = _told(difference, scale, "points" if unit else "", comparison.seeds)
    found = judged(comparison, "difference")
    told = _judged(found[name], len(found), scale, "points" if unit else "", comparison.seeds)
    untaught = _told(baseline, scale, unit, comparison.seeds)
    return f"{text} {twins} {'reaches' if one else 'reach'} {untaught}{average}: a difference of {apart}. {told}"


def _main(comparison: Compared) -> str | None:
    """The similarity that is told first."""
    return next((name for name in CLAIMS if isinstance(comparison.results.get(name, {}).get("own"), Measurement)), None)


def _others(comparison: Compared) -> str:
    """Similarities that do differ from the twins', so that one that does not is not taken for all."""
    found = judged(comparison, "difference")
    main = _main(comparison)
    shown = {name: one for name, one in found.items() if name != main and one.shown}
    if not shown:
        return ""
    by = "new seeds" if comparison.seeds else "new rows or one more twin"
    return (
        f"Other measures that differ from the twins' by more than {by} would give, of {len(found)} that were looked at (false discovery "
        f"rate {100 * LEVEL:.0f} %): {named(comparison, shown)}."
    )


def _judged(one: Judged, measures: int, scale: float, unit: str, seeds: int) -> str:
    """Whether the difference stands out from new rows and from new twins."""
    found = one.found
    over = "Over new seeds" if seeds else "On new rows"
    if not one.on_rows:
        nothing = "by this measure nothing shows that teaching made the student more like this teacher"
        return f"{over} the difference may as well be zero: {nothing}."
    more = "more" if found.value > 0 else "less"
    among = f"among {measures} measures that were looked at, chance alone may give as much (false discovery rate {100 * LEVEL:.0f} %)"
    if seeds:
        if one.p is None:
            return f"That is {more}, but only a direction: below {SEEDS_FOR_A_VERDICT} seeds no word is given."
        return f"That is {more} than new seeds would give by chance." if one.shown else f"By itself that is {more}; {among}."
    reach = spread(found)
    if reach is None:
        few = "one twin" if found.details["twins"] == 1 else f"{found.details['twins']:.0f} twins"
        return (
            f"That it is {more} is no accident of these rows, but {few} cannot tell how much one untaught network differs from the next:"
            " pass three or more."
        )
    width = scale * reach
    one_more = f"one more twin (±{number(width, decimals(2 * width))}{' ' if unit else ''}{unit} at 95 %)"
    if abs(found.value) <= reach:
        return f"That is within the reach of {one_more}: the student may be {more} like the teacher by chance of training alone."
    if not one.shown:
        return f"By itself that is {more} than new rows or {one_more} would give; {among}."
    return f"That is {more} than new rows or {one_more} would give."


def _limits(comparison: Compared) -> str:
    if comparison.seeds:
        checkpoint = f"Intervals are over {comparison.seeds} seeds: they speak of this recipe, on these rows."
    else:
        checkpoint = "Intervals are over rows, for these weights: they do not cover another training run."
    if not comparison.twins:
        return (
            "That is similarity, not transfer: networks that never saw the teacher can be as similar, so nothing here says what the student"
            " took over. Pass twins=, the student's network trained on the same rows without the teacher"
            f"{' (one for each student)' if comparison.seeds else ' (three or more)'}, to see what teaching added. {checkpoint}"
        )
    if comparison.siblings or comparison.seeds:
        return checkpoint
    return (
        "Even a difference is not yet transfer from this teacher: any teacher of its kind, or simply a better network, may give the same."
        f" Only sibling teachers, the same recipe from other seeds, can tell: pass {LEAST} or more as siblings=, or see `kdprobe sweep`."
        f" {checkpoint}"
    )


def _told(result: Result, scale: float, unit: str, seeds: int) -> str:
    assert isinstance(result, Measurement)
    return over_seeds(scale * result.value, scale * result.low, scale * result.high, unit, seeds=seeds)

"""What a comparison allows to be concluded, and what it does not, in plain words."""

import math

from scipy.special import stdtrit

from kdprobe.compare.compared import Compared
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.words import decimals, interval, listed, number

CLAIMS = {
    "agreement_top1": ("the student names the teacher's class on {} of {rows}", 100.0, "%"),
    "r2": ("the student's predictions reach an R² of {} against the teacher's on {rows}", 1.0, ""),
    "cka": ("the last hidden layers have a CKA of {} on {rows}", 1.0, ""),
    "cka_output": ("the outputs have a CKA of {} on {rows}", 1.0, ""),
}
"""What the main similarity of a comparison says, best first: the first one that was not refused is told."""


def sentence(comparison: Compared) -> str:
    """Return the paragraph that a comparison starts with."""
    told = [_similarity(comparison), _gain(comparison), _limits(comparison)]
    return " ".join(part for part in told if part)


def _similarity(comparison: Compared) -> str:
    rows = f"{comparison.n:,} row{'s' if comparison.n != 1 else ''}"
    name = next((name for name in CLAIMS if _measured(comparison, name, "own")), None)
    if name is None:
        reasons = {r.reason for results in comparison.results.values() for r in results.values() if isinstance(r, Refusal)}
        return f"On {rows} no similarity of student and teacher could be measured: {'; '.join(sorted(reasons)) or 'no probe applies'}."
    claim, scale, unit = CLAIMS[name]
    text = claim.format(_told(comparison.results[name]["own"], scale, unit), rows=rows)
    text = f"{text[0].upper()}{text[1:]}."
    if not comparison.twins:
        return text
    twins = f"{'The twin' if len(comparison.twins) == 1 else f'The {len(comparison.twins)} twins'}, which never saw the teacher,"
    baseline, difference = (comparison.results[name][key] for key in ("baseline", "difference"))
    if isinstance(baseline, Refusal) or isinstance(difference, Refusal):
        refused = baseline if isinstance(baseline, Refusal) else difference
        return f"{text} What twins have of it could not be measured: {refused}."
    reach = "reaches" if len(comparison.twins) == 1 else "reach"
    average = "" if len(comparison.twins) == 1 else " on average"
    apart = _told(difference, scale, "points" if unit else "")
    judged = _judged(difference, scale, "points" if unit else "")
    others = _others(comparison, name)
    return f"{text} {twins} {reach} {_told(baseline, scale, unit)}{average}: a difference of {apart}. {judged}{others}"


def _others(comparison: Compared, told: str) -> str:
    """Similarities that do differ from the twins', so that one that does not is not taken for all."""
    known = available("probes")
    differing = []
    for name, results in comparison.results.items():
        difference = results.get("difference")
        if name != told and isinstance(difference, Measurement) and not difference.low <= 0 <= difference.high:
            differing.append(f"{known[name].title if name in known else name} {_told(difference, 1.0, difference.unit)}")
    return f" Other measures do differ from the twins' on new rows: {listed(differing)}." if differing else ""


def _judged(difference: Result, scale: float, unit: str) -> str:
    """Whether the difference stands out from new rows and from new twins."""
    assert isinstance(difference, Measurement)
    if difference.low <= 0 <= difference.high:
        nothing = "by this measure nothing shows that teaching made the student more like this teacher"
        return f"On new rows the difference may as well be zero: {nothing}."
    more = "more" if difference.value > 0 else "less"
    reach = spread(difference)
    if reach is None:
        few = "one twin" if difference.details["twins"] == 1 else f"{difference.details['twins']:.0f} twins"
        return (
            f"That it is {more} is no accident of these rows, but {few} cannot tell how much one untaught network differs from the next:"
            " pass three or more."
        )
    width = scale * reach
    one_more = f"one more twin (±{number(width, decimals(2 * width))}{' ' if unit else ''}{unit} at 95 %)"
    if abs(difference.value) <= reach:
        return f"That is within the reach of {one_more}: the student may be {more} like the teacher by chance of training alone."
    return f"That is {more} than new rows or {one_more} would give."


def spread(difference: Measurement) -> float | None:
    """Return how far one more untaught network may lie from the mean of the twins, at 95 %; None with fewer than three twins.

    Half the width of Student's prediction interval, t(k-1)·sd·√(1 + 1/k) with k twins.
    """
    k = difference.details.get("twins", 0)
    if k < 3:
        return None
    return float(stdtrit(k - 1, 0.975)) * difference.details["twin_sd"] * math.sqrt(1 + 1 / k)


def _gain(comparison: Compared) -> str:
    gain = comparison.results.get("gain", {}).get("panel")
    if not comparison.twins or not isinstance(gain, Measurement):
        return ""
    than = "its twin's" if len(comparison.twins) == 1 else "its twins' mean"
    size = _told(gain if gain.value >= 0 else _negated(gain), 1.0, gain.unit)
    loss = f"The student's loss is {size} {'lower' if gain.value >= 0 else 'higher'} than {than}"
    if gain.low <= 0 <= gain.high:
        return f"{loss}: on new rows that may be no difference."
    return f"{loss}."


def _negated(result: Measurement) -> Measurement:
    return Measurement(value=-result.value, low=-result.high, high=-result.low, n=result.n, unit=result.unit)


def _limits(comparison: Compared) -> str:
    checkpoint = "Intervals are over rows, for these weights: they do not cover another training run."
    if not comparison.twins:
        return (
            "That is similarity, not transfer: networks that never saw the teacher can be as similar, so nothing here says what the student"
            " took over. Pass twins=, the student's network trained on the same rows without the teacher (three or more), to see what"
            f" teaching added. {checkpoint}"
        )
    return (
        "Even a difference is not yet transfer from this teacher: any teacher of its kind, or simply a better network, may give the same."
        f" Only sibling teachers, as trained by `kdprobe sweep`, can tell. {checkpoint}"
    )


def _measured(comparison: Compared, probe: str, key: str) -> bool:
    return isinstance(comparison.results.get(probe, {}).get(key), Measurement)


def _told(result: Result, scale: float, unit: str) -> str:
    assert isinstance(result, Measurement)
    return interval(scale * result.value, scale * result.low, scale * result.high, unit)

"""What teaching bought, in plain words: loss, loss at one's own temperature, accuracy; and a warning where it did harm."""

from kdprobe.compare.compared import Compared
from kdprobe.compare.judge import LEAST, PERFORMANCE, Judged, judged
from kdprobe.core.result import Measurement
from kdprobe.core.words import listed, over_seeds

NAMES = {"gain": "loss", "gain_calibrated": "loss at its own best temperature", "gain_second": "accuracy"}


def nothing_to_gain(comparison: Compared) -> str:
    """Say that the teacher is not shown to be better than networks that had no teacher; "" where it is, or that was not measured."""
    lead = comparison.lead
    if not isinstance(lead, Measurement) or lead.low > 0:
        return ""
    loss = NAMES["gain_calibrated"] if "loss at its own temperature" in next(iter(comparison.scores.values()), {}) else NAMES["gain"]
    worse = lead.value < 0
    value, low, high = (-lead.value, -lead.high, -lead.low) if worse else (lead.value, lead.low, lead.high)
    size = over_seeds(value, low, high, lead.unit, seeds=comparison.seeds)
    return (
        f"By these {'seeds' if comparison.seeds else 'rows'} the teacher is no better than {_untaught(comparison)}: nothing to gain is "
        f"shown ({loss} {size} {'higher' if worse else 'lower'})."
    )


def _untaught(comparison: Compared) -> str:
    if comparison.seeds:
        return "the twins, which had no teacher"
    return "the twin, which had no teacher" if len(comparison.twins) == 1 else "the mean of the twins, which had no teacher"


def performance(comparison: Compared) -> str:
    """Return the sentences on loss and accuracy, a warning of harm first; "" where they were not measured."""
    found = judged(comparison, "panel", PERFORMANCE)
    if not comparison.twins or not found:
        return ""
    parts = [part(comparison, name, one.found) for name, one in found.items()]
    told = f"Against {beside(comparison)}, the student's {listed(parts)}."
    return " ".join(text for text in (_harm(comparison, found), told, _sure(comparison, found)) if text)


def beside(comparison: Compared) -> str:
    """What the student is held against."""
    if comparison.seeds:
        return "its twins, seed by seed"
    return "its twins' mean" if len(comparison.twins) > 1 else "its twin"


def part(comparison: Compared, name: str, found: Measurement) -> str:
    """Such as "loss is 0.31 nats [0.20, 0.42] lower"; a gain in loss is a fall of it."""
    value, low, high = (found.value, found.low, found.high) if found.value >= 0 else (-found.value, -found.high, -found.low)
    up = (found.value >= 0) == (name == "gain_second")
    points = name == "gain_second" and comparison.kind == "classification"
    if points:
        value, low, high = 100 * value, 100 * low, 100 * high
    size = over_seeds(value, low, high, "points" if points else found.unit, seeds=comparison.seeds)
    return f"{measure(comparison, name)} is {size} {'higher' if up else 'lower'}"


def measure(comparison: Compared, name: str) -> str:
    """What a probe of performance is called in a sentence."""
    if name == "gain_second" and comparison.kind == "regression":
        return "R²"
    return NAMES[name]


def read(found: dict[str, Judged]) -> dict[str, Judged]:
    """What says whether teaching helped: of classifiers the raw loss is one of temperature too, which a single number mends."""
    return {name: one for name, one in found.items() if name != "gain" or "gain_calibrated" not in found}


def _harm(comparison: Compared, found: dict[str, Judged]) -> str:
    """Say that a student is worse than its untaught twins: a lower raw loss can hide it."""
    worse = {name: one for name, one in found.items() if one.found.value < 0 and one.on_rows}
    worse = {name: one for name, one in worse.items() if name in read(found)}
    if not worse:
        return ""
    of = listed([measure(comparison, name) for name in worse])
    twins = "its twins, which had no teacher" if len(comparison.twins) > 1 else "its twin, which had no teacher"
    if any(one.shown for one in worse.values()):
        warning = f"Warning: the student is worse than {twins}, in {of}."
    elif comparison.seeds:
        warning = f"Warning: the student does worse than {twins}, in {of}; of so few seeds that is a direction only."
    else:
        doubt = "one more twin might too" if len(comparison.twins) >= LEAST else f"{few(comparison)} cannot tell whether one more would too"
        warning = f"Warning: on these rows the student does worse than {twins}, in {of}, though {doubt}."
    raw = found.get("gain")
    if raw is not None and raw.found.value > 0 and raw.on_rows:
        warning += " Its lower raw loss is no knowledge: it is of the temperature that its probabilities are given at."
    return warning


def _sure(comparison: Compared, found: dict[str, Judged]) -> str:
    """Say which of the numbers are more than chance, by the rule of all differences."""
    if comparison.seeds or len(comparison.twins) >= LEAST:
        shown = [measure(comparison, name) for name, one in found.items() if one.shown]
        by = "new seeds would give by chance" if comparison.seeds else "new rows or one more twin would give"
        if comparison.seeds and all(one.p is None for one in found.values()):
            return "That is a direction: so few seeds allow no word."
        if not shown:
            return f"None of that is more than {by}." if len(found) > 1 else f"That is no more than {by}."
        return f"More than {by}: {listed(shown)}." if len(shown) < len(found) else f"That is more than {by}."
    doubtful = [measure(comparison, name) for name, one in found.items() if not one.on_rows]
    many = "" if len(doubtful) == len(found) else f" in {listed(doubtful)}"
    rows = f"On new rows there may be no difference{many}. " if doubtful else ""
    return f"{rows}How much one untaught network differs from the next, {few(comparison)} cannot tell."


def few(comparison: Compared) -> str:
    """How many twins there are, where they are too few."""
    return "one twin" if len(comparison.twins) == 1 else f"{len(comparison.twins)} twins"

"""Tables, figures and the five sentences of `knowledge_transferred.py`."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from _knowledge_claims import above, over_sets, rung_of
from _knowledge_data import Trained

from kdprobe.core.section import Column, Figure, Table
from kdprobe.report import words
from kdprobe.report.sections._dose_gates import gates_table
from kdprobe.report.theme.plane import Point, plane
from kdprobe.stats.intervals import wilson
from kdprobe.stats.multiplicity import holm
from kdprobe.stats.paired import LEVEL, contrast

GATES = {"weights": "G2 over weights", "rows": "G2 over rows", "specific": "G3"}


def amount(one: Trained) -> np.ndarray:
    """(seeds,) what is this teacher's own of the fullest dose, in agreement or R²."""
    assert one.found.fullest is not None, "a plan of doses has one"
    return one.found.fullest.specific[one.found.primary]


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    found = contrast(values).measurement()
    return found.value, found.low, found.high


def sets_table(sets: Sequence[Trained]) -> Table:
    """One row a set: amount, gain, trend, controls."""
    return Table(
        caption="Every set at its fullest dose, all unlabelled rows: amount, gain, trend over the weight, and controls",
        columns=(
            Column(key="set", title="data"),
            Column(key="of", title="rows × columns"),
            Column(key="moved", title="moved", shown="interval", explains="agreement (R²) with the teacher, less what other twins reach"),
            Column(key="own", title="teacher-specific", shown="interval", explains="own teacher minus siblings, less the same of its twin"),
            Column(key="arrived", title="is it there?", explains="verdict of the sweep's own page for this set alone"),
            Column(key="gain", title="gain", shown="interval", explains="over the twin: calibrated NLL in nats, MSE in target variances"),
            Column(key="score", title="score", shown="interval", explains="accuracy or R², student less twin"),
            Column(key="trend", title="grows with α?", explains="teacher-specific part, Page's test"),
            Column(key="controls", title="controls within", explains="shown to stay within a fifth of full teaching, each by itself"),
            Column(key="equal", title="untaught, equal loss: moved", shown="interval", explains="as “moved”, of the untaught control"),
            Column(key="equal_gain", title="its gain", shown="interval", explains="over the twin"),
            Column(key="seeds", title="seeds", shown="number"),
        ),
        rows=tuple(_row(one) for one in sets),
    )


def _row(one: Trained) -> dict[str, Any]:
    found, full = one.found, one.found.fullest
    assert full is not None, "a plan of doses has one"
    controls = found.controls
    kept = "" if controls is None or not controls.shares else f"{len(controls.shares) - len(controls.named)} of {len(controls.shares)}"
    if controls is not None and not controls.shares:
        kept = controls.verdict
    equal = rung_of(one, "schemes", "untaught_same_loss")
    return {
        "set": f"{one.name}, {one.kind}", "of": f"{one.rows:,} × {one.features}", "moved": _triple(full.moved[found.primary]),
        "own": _triple(amount(one)), "arrived": found.arrived.verdict if found.arrived else "", "gain": _triple(full.gain),
        "score": _triple(full.score), "trend": found.by_weight.verdict if found.by_weight else "", "controls": kept,
        "equal": None if equal is None else _triple(equal.moved[found.primary]),
        "equal_gain": None if equal is None else _triple(equal.gain), "seeds": found.seeds,
    }  # fmt: skip


def passes(sets: Sequence[Trained]) -> dict[str, dict[str, tuple[int, int]]]:
    """Likeness -> gate -> (sets that it passes on, sets that could be asked)."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for row in (row for one in sets for row in gates_table([one.found]).rows):
        counts = found.setdefault(row["probe"], dict.fromkeys((*GATES, "all"), (0, 0)))
        # refused is not passed: nothing was shown of it
        told = {name: row[name].startswith("pass") for name in GATES if row[name]}
        for name, passed in {**told, "all": all(told.values()) and len(told) == len(GATES)}.items():
            counts[name] = (counts[name][0] + passed, counts[name][1] + 1)
    return found


def metrics_table(sets: Sequence[Trained]) -> Table:
    """One row a likeness: on how many sets it passes each gate, those of the most sets first."""
    found = passes(sets)
    rows = [
        {"probe": probe, **{name: f"{k} of {n}" if n else "" for name, (k, n) in counts.items()}}
        for probe, counts in sorted(found.items(), key=lambda one: (-one[1]["all"][0] / max(one[1]["all"][1], 1), one[0]))
    ]
    columns = (
        Column(key="probe", title="likeness, teacher-specific part"),
        Column(key="weights", title=GATES["weights"], explains="grows with the weight of the teacher, from the untaught twin on (Page)"),
        Column(key="rows", title=GATES["rows"], explains="grows with the number of unlabelled rows"),
        Column(
            key="specific", title=GATES["specific"], explains="every control stays within a fifth of full teaching (two one-sided tests)"
        ),
        Column(key="all", title="all three"),
    )
    caption = "Metric × gate: sets on which a likeness passes. G1, G4, G5 and G6 need a thousand held-out twins and rows of their own: "
    return Table(caption=f"{caption}kdprobe gates NAME asks them", columns=columns, rows=tuple(rows))


def figures(sets: Sequence[Trained]) -> tuple[Figure, ...]:
    """Amount and quality of every set at its fullest dose, one plane a kind of task."""
    units = {"classification": ("agreement", "nats"), "regression": ("R²", "target variances")}
    found = []
    for kind, (likeness, unit) in units.items():
        own = [one for one in sets if one.kind == kind]
        if not own:
            continue
        points = [_point(one) for one in own]
        svg = plane(
            points, x_label=f"{likeness} with the own teacher − with siblings", y_label=f"gain over the untaught twin ({unit})",
            prefix=f"k{kind[0]}", title=f"{words.capitalised(kind)}: amount transferred and what it is worth",
            description=". ".join(
                f"{p.label}: amount {words.interval(*p.x)}, gain {words.interval(*p.y, unit)}" for p in points
            ),
        )  # fmt: skip
        caption = (
            "Each set at its fullest dose. Up is better than the untaught twin, right is more of this very teacher. Small dots are seeds."
        )
        found.append(Figure(svg=svg, caption=caption))
    return tuple(found)


def _point(one: Trained) -> Point:
    full = one.found.fullest
    assert full is not None, "a plan of doses has one"
    own = amount(one)
    return Point(label=one.name, role="one", x=_triple(own), y=_triple(full.gain), seeds=np.stack([own, full.gain], axis=1))


def answer(sets: Sequence[Trained]) -> tuple[str, ...]:
    """What was transferred, how much and how good, in five sentences. Intervals are over sets unless something else is said."""
    fullest = [one.found.fullest for one in sets if one.found.fullest is not None]
    share = over_sets(one.twin.mean() / one.student.mean() for one in sets)
    moved = over_sets(full.moved[one.found.primary].mean() for one, full in zip(sets, fullest, strict=True))
    own = over_sets(amount(one).mean() for one in sets)
    arrived = _shown(sets, [above(amount(one)) for one in sets])
    better = _shown(sets, [above(full.gain) for full in fullest])
    worse = _shown(sets, [above(-full.gain) for full in fullest])
    return (
        f"Likeness is no measure of transfer: a twin that never saw the teacher has {share} of the likeness "
        "that a fully taught student has.",
        f"All unlabelled rows bring the student {moved} (agreement or R²) nearer to its teacher than other twins are; own teacher minus "
        f"siblings, less the same of its twin, is {own}, and only this is called transferred.",
        f"A teacher-specific part above nothing is shown on {arrived}.",
        f"As for quality, students are shown to gain over their twins on {better}, and to lose on {worse}; in accuracy or R² the "
        f"difference is {over_sets(full.score.mean() for full in fullest)}.",
        _metric(sets),
    )


def _shown(sets: Sequence[Trained], p: Iterable[float]) -> str:
    """Sets where something is shown, Holm-adjusted over them, with Wilson's interval of their share."""
    count = int(np.sum(holm(list(p)) < LEVEL))
    found = wilson(count / len(sets), len(sets), quantile=1.96, units=len(sets))
    ends = f"95 % interval of the share {100 * found.low:.0f} to {100 * found.high:.0f} %"
    return f"{count} of {words.counted(len(sets), 'set')} ({ends})"


def _metric(sets: Sequence[Trained]) -> str:
    found = passes(sets)
    everywhere = [probe for probe, counts in found.items() if counts["all"][0] == counts["all"][1] > 0]
    if everywhere:
        return f"Dose over weights, dose over rows and specificity are passed on every set by {words.listed(everywhere)}."
    best = max(found, key=lambda probe: found[probe]["all"][0] / max(found[probe]["all"][1], 1))
    passed, asked = found[best]["all"]
    share = wilson(passed / asked, asked, quantile=1.96, units=asked)
    return (
        f"No likeness passes dose over weights, dose over rows and specificity on every set; the furthest comes {best}, on {passed} "
        f"of {asked} (95 % interval of the share {100 * share.low:.0f} to {100 * share.high:.0f} %)."
    )

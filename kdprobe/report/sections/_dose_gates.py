"""Which likenesses may be called transfer: metric × gate, as far as the doses and controls of a sweep can tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kdprobe.core.section import Column, Table
from kdprobe.report.evidence.doses import Doses
from kdprobe.report.evidence.transfers import title_of
from kdprobe.verdicts.gates import Gate, dose, specificity


def gates_table(found: Sequence[Doses]) -> Table:
    """One row a student and likeness: dose (G2) over weights and over rows, specificity (G3) over all controls."""
    rows = tuple(_row(one, probe) for one in found for probe in one.probes)
    return Table(
        caption="Metric × gate on this sweep: a metric may be called transfer only if it passes every one. Needing a thousand held-out "
        "twins and rows of their own, the others are asked by kdprobe gates NAME",
        columns=COLUMNS,
        rows=rows,
    )


def _row(found: Doses, probe: str) -> dict[str, Any]:
    full = found.fullest
    assert full is not None, "its probes are those of the fullest dose"
    controls = {rung.name: rung.specific[probe] for rung in found.strangers if probe in rung.specific}
    through = [_dose(found, probe, "weights"), _dose(found, probe, "rows")]
    through.append(specificity(full.specific[probe], controls) if controls else None)
    names = ("weights", "rows", "specific")
    told = {name: "" if gate is None else _told(gate) for name, gate in zip(names, through, strict=True)}
    beyond = [name for name, values in controls.items() if not _within(full.specific[probe], values)]
    kept = f"{len(controls) - len(beyond)} of {len(controls)}" if controls else ""
    return {"student": f"{found.task} · {found.student}", "probe": title_of(probe), **told, "kept": kept}


def _within(full: np.ndarray, values: np.ndarray) -> bool:
    return specificity(full, {"": values}).outcome == "pass"


def _dose(found: Doses, probe: str, of: Any) -> Gate | None:
    rungs = [rung for rung in found.of(of) if probe in rung.specific]
    # less its own contrast the untaught twin, of which every reading is nothing then, is the weakest dose
    least = [np.zeros(found.seeds)] if found.placebo else []
    values = [*least, *(rung.specific[probe] for rung in rungs)]
    # Page's test needs three doses
    return dose(np.stack(values, axis=1)) if rungs and len(values) > 2 else None


def _told(gate: Gate) -> str:
    return gate.outcome if gate.number is None else f"{gate.outcome} (p {'< 0.001' if gate.number < 0.001 else f'= {gate.number:.3f}'})"


COLUMNS = (
    Column(key="student", title="student"),
    Column(key="probe", title="likeness"),
    Column(key="weights", title="G2, weights", explains="grows with the weight of the teacher, from the untaught twin on (Page)"),
    Column(key="rows", title="G2, rows", explains="grows with the number of unlabelled rows"),
    Column(key="specific", title="G3", explains="every control stays within a fifth of full teaching (two one-sided tests)"),
    Column(key="kept", title="controls within", explains="shown to stay within a fifth of full teaching, each by itself"),
)

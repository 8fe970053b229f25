"""What of a plan a folder holds already, without changing it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kdprobe.sweep.plan import Plan
from kdprobe.sweep.provenance import sealed_plan
from kdprobe.sweep.units import measure_units
from kdprobe.zoo.folder import INDEX, check_folder
from kdprobe.zoo.index import Index
from kdprobe.zoo.soundness import require_sound


class Holdings(NamedTuple):
    """Models of a plan that are trained, and its units of measuring that are done."""

    models: int
    all_models: int
    measured: int
    all_measured: int

    @property
    def all(self) -> bool:
        """Whether running the plan would do nothing."""
        return (self.models, self.measured) == (self.all_models, self.all_measured)


def held(plan: Plan, out: Path, probes: Sequence[str]) -> Holdings | None:
    """Count what a folder holds of a plan; None where it is no zoo.

    Parameters
    ----------
    probes
        Names of the probes that the sweep would run.

    Raises
    ------
    DataError
        If the folder's index cannot be read.
    PlanError
        If it holds results of another plan.
    """
    check_folder(out)
    if not (out / INDEX).exists() or (out / INDEX).stat().st_size == 0:
        return None
    index = Index(out / INDEX)
    try:
        require_sound(index)
        sealed_plan(index, plan)
        grid = plan.grid(plan.data())
        wanted = {job.id for job in grid.jobs}
        units = {unit.id for unit in measure_units(grid, tuple(probes))} if probes else set[str]()
        done = {row["model_id"] for row in index.rows("SELECT model_id FROM models WHERE status = 'done'")}
        measured = {row["unit_id"] for row in index.rows("SELECT unit_id FROM units WHERE status = 'done'")}
    finally:
        index.close()
    return Holdings(len(wanted & done), len(wanted), len(units & measured), len(units))

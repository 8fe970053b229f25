"""From axes to jobs: a plan's cells, each with its student, its twin and all that they need, compiled once."""

from collections.abc import Mapping

from kdprobe.sweep.cells import Cell
from kdprobe.sweep.jobs import CellJobs
from kdprobe.training.job import Job

Data = Mapping[tuple[str, int], str]
"""(task, draw) -> content hash of its split."""


class Grid:
    """A plan's cells with their jobs.

    Parameters
    ----------
    cells
        Every student, in a fixed order.
    data
        (task, draw) -> content hash of its split.
    """

    def __init__(self, cells: tuple[Cell, ...], data: Data):
        self.cells, self.data = cells, data
        self._students: dict[Cell, Job] = {}
        self._twins: dict[Cell, str] = {}
        jobs: dict[str, Job] = {}
        for cell in cells:
            stages = CellJobs(cell, data[cell.task, cell.draw])
            for job in stages.all():
                jobs.setdefault(job.id, job)
            self._students[cell], self._twins[cell] = stages.job("student"), stages.job("twin").id
        self.jobs: list[Job] = sorted(jobs.values(), key=lambda job: job.role == "student")
        """Every model of the plan, students last."""

    def student(self, cell: Cell) -> Job:
        """The job of a cell's student."""
        return self._students[cell]

    def twin_id(self, cell: Cell) -> str:
        """Id of a cell's paired twin: same seed, initialisation and number of steps, no teacher."""
        return self._twins[cell]

"""What one probe says of one model beside one teacher: the cells that all contrasts are made of."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.probe import Probe
from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Panel, Trace
from kdprobe.core.views import NotKept
from kdprobe.core.words import said
from kdprobe.measures.rows import same_outputs


class Cell(NamedTuple):
    """A model and the teacher that it is read against, by their names.

    Parameters
    ----------
    beside
        The twin that a probe of panels reads it with; "" for probes of pairs.
    """

    model: str
    teacher: str
    beside: str = ""


class Cast(NamedTuple):
    """Who is who among the traces.

    Parameters
    ----------
    students
        One, or one a seed.
    teachers
        Of these students, in their order; those that only serve as siblings come last.
    twins
        Untaught: of one student any number, of several one for each.
    target
        (n,) classes or (n, c) values; else why there is none.
    samples
        The same models on some of the rows, of which more was kept: asked where numbers of all rows are not enough.
    """

    students: tuple[Trace, ...]
    teachers: tuple[Trace, ...]
    twins: tuple[Trace, ...]
    target: np.ndarray | Refusal
    samples: "tuple[Cast, ...]" = ()

    @property
    def traces(self) -> tuple[Trace, ...]:
        """All of them."""
        return (*self.students, *self.teachers, *self.twins)

    def answer(self, probe: Probe, cell: Cell) -> "tuple[Cast, Result]":
        """What a probe says, and who was asked: this cast, or the first of the samples that has what the probe reads."""
        refused = Refusal(reason="nothing was kept")
        for cast in (self, *self.samples):
            try:
                return cast, cast._answer(probe, cell)
            except NotKept as error:
                refused = Refusal(reason=str(error), advice="it reads whole outputs: compare models of fewer classes, or on fewer rows")
        return self, refused

    def ask(self, probe: Probe, cell: Cell) -> Result:
        """Ask a probe of pairs of the two traces, and one of panels with the twin beside and all others as references.

        A twin that is itself the model, or the paired one of several students, is no reference: its noise is the model's own.
        """
        return self.answer(probe, cell)[1]

    def _answer(self, probe: Probe, cell: Cell) -> Result:
        if "target" in probe.needs and isinstance(self.target, Refusal):
            return self.target
        named = {trace.name: trace for trace in self.traces}
        model, teacher, target = named[cell.model], named[cell.teacher], None if isinstance(self.target, Refusal) else self.target
        if not probe.panel:
            return asked(probe, model, teacher, target)
        # of one student the twins are exchangeable: a likeness takes them all for references, as `kdprobe.transfer_coefficient` does; of
        # several the paired one may share its seed
        exchangeable = len(self.students) == 1 or model in self.twins
        out = {cell.model} if probe.likeness and exchangeable else {cell.model, cell.beside}
        references = tuple(twin for twin in self.twins if twin.name not in out)
        siblings = tuple(other for other in self.teachers if other is not teacher)
        panel = Panel(student=model, teacher=teacher, twin=named[cell.beside], reference_twins=references, siblings=siblings)
        return asked(probe, panel, target)


def asked(probe: Probe, *arguments: Panel | Trace | np.ndarray | None) -> Result:
    """Ask a probe; what it raises becomes a refusal."""
    try:
        return probe(*arguments)
    except NotKept:
        raise
    except DataError as error:
        # one probe that cannot read these models must not take the others with it
        return Refusal(reason=str(error))
    except Exception as error:
        # nor a plug-in's mistake the rest of the comparison
        return Refusal(reason=f"probe {probe.name!r} broke: {type(error).__name__}: {said(error)}", advice="mend the probe and run again")


def check_different(group: Sequence[Trace], of: str) -> None:
    """Refuse one network given as several: the spread between them would be taken for that of trainings."""
    for place, one in enumerate(group):
        for other in group[:place]:
            if same_outputs(one, other):
                raise DataError(f"{other.name} and {one.name} give the same outputs on every row: pass {of} of different trainings")

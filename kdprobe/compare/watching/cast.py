"""All models of a watch on its rows: each is read again once its weights have moved, the others are remembered."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kdprobe.compare.asked import Asked
from kdprobe.compare.cells import Cast, check_different
from kdprobe.compare.stream.traces import traces_of
from kdprobe.compare.traces import NO_TARGET
from kdprobe.compare.watching.as_found import Weights, is_module, is_one_model, weights_of
from kdprobe.core.errors import PlanError
from kdprobe.core.result import Refusal
from kdprobe.core.trace import Trace
from kdprobe.measures.rows import same_outputs

STUDENT, TEACHER = "student", "teacher"


class Watched:
    """A student, its teacher and twins, by their names.

    Parameters
    ----------
    asked
        How they are read, on rows that are held.
    models
        Name -> model, "teacher" and "student" first.
    """

    def __init__(self, asked: Asked, models: Mapping[str, Any]) -> None:
        self._asked, self._models = asked, models
        self._weights: dict[str, Weights | None] = {}
        self._traces: dict[str, Trace] = {}
        self._target: np.ndarray | Refusal = NO_TARGET
        self.twins = [name for name in models if name not in (STUDENT, TEACHER)]
        self.read()
        check_different([self._traces[name] for name in self.twins], "twins")
        self._start = dict(self._weights)
        self._copies = [name for name in self.twins if same_outputs(self._traces[name], self._traces[STUDENT])]
        for name in self._copies:
            if not is_module(models[name]):
                # a network that starts as the student does may still train beside it; this cannot
                raise PlanError(
                    f"{name} is a {type(models[name]).__name__} and gives the student's outputs on every row: if it is the student, pass "
                    "the same network trained without the teacher; if it trains beside the student, pass the torch module itself"
                )

    @property
    def n(self) -> int:
        """Rows, or tokens."""
        return self._traces[STUDENT].n

    def read(self) -> Cast:
        """Return all models as they are now.

        Raises
        ------
        DataError
            As `kdprobe.compare` does.
        """
        now = {name: weights_of(model) for name, model in self._models.items()}
        stale = [name for name in now if self._is_stale(name, now[name])]
        if stale:
            traces = self._read(stale)
            # only now: what could not be read is asked again
            self._traces |= traces
            self._weights |= {name: now[name] for name in stale}
        student, teacher, *twins = (self._traces[name] for name in (STUDENT, TEACHER, *self.twins))
        return Cast((student,), (teacher,), tuple(twins), self._target)

    def idle(self) -> list[str]:
        """Twins that are what the student was before it learned, and still are."""
        if self._weights[STUDENT] == self._start[STUDENT]:
            return []
        return [name for name in self._copies if self._weights[name] == self._start[name]]

    def _is_stale(self, name: str, weights: Weights | None) -> bool:
        if name not in self._traces:
            return True
        return name == STUDENT if weights is None else weights != self._weights[name]

    def _read(self, names: Sequence[str]) -> dict[str, Trace]:
        roles = {STUDENT: "student", TEACHER: "teacher"}
        adapted = [self._asked.adapted([self._models[name]], [name], roles.get(name, "twins"))[0] for name in names]
        passed = self._asked.passed(adapted, None, [(name, names[0]) for name in names[1:]], 0)
        if passed.streams is not None:
            raise PlanError(
                f"rows have {passed.streams.columns:,} outputs each, more than can be held while a model trains: give fewer rows, or a "
                "smaller most="
            )
        if self._traces and isinstance(self._target, np.ndarray) and self._asked.kind == "classification":
            # a predictor among the fixed models may have named the classes
            passed = passed._replace(y=self._target)
        found = traces_of(passed, self._asked.kind)
        if not self._traces:
            self._target = found.told.target
        return {trace.name: trace for trace in found.told.traces}


def check_models(teacher: Any, student: Any, twins: Sequence[Any]) -> None:
    """Refuse what was passed in two places.

    Raises
    ------
    PlanError
        If the student is its own twin or teacher, or a twin is the teacher or another twin: one object, or a wrapper of the same weights.
    """
    if is_one_model(student, teacher):
        raise PlanError("student is the teacher: they share every weight, pass the network that learns from it")
    for place, twin in enumerate(twins):
        if is_one_model(student, twin):
            raise PlanError(
                f"twins[{place}] is the student: they share every weight, so that its gain is 0 whatever it learns. Pass the same network "
                "trained without the teacher, or one that trains beside it"
            )
        if is_one_model(teacher, twin):
            raise PlanError(f"twins[{place}] is the teacher: they share every weight, pass the student's network trained without it")
        if any(is_one_model(twin, other) for other in twins[:place]):
            raise PlanError(f"twins[{place}] is another twin: they share every weight, pass each twin once")

"""What a caller of `kdprobe.compare` asked for, checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from kdprobe.compare.adapted.adapt import adapt
from kdprobe.compare.comparison import Comparison
from kdprobe.compare.layers import LayerStream
from kdprobe.compare.models import LAST_HIDDEN, Model, Outputs
from kdprobe.compare.run import Passed, Reading, one_pass
from kdprobe.compare.targets.parts import each_label, each_value, pooled_labels, told_of
from kdprobe.compare.traces import classes_of
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.probe import Probe
from kdprobe.core.registry import available
from kdprobe.core.task import Task
from kdprobe.core.trace import TaskKind
from kdprobe.measures.transfer.pairwise import LEAST as LEAST_TWINS

LAST = (LAST_HIDDEN,)
MULTILABEL = "multilabel"
"""Labels that do not exclude each other: models are run as for values, so that nothing takes a softmax over them."""
RANKINGS = ("ranking", "rank", "ranks", "retrieval", "learning to rank")
LEAST_BLOCKS = 3
"""With one left out there must be two for an interval of its own."""


class Asked(NamedTuple):
    """What a caller asked for, checked."""

    kind: TaskKind
    task: str
    layers: Mapping[str, Sequence[str]]
    forward: Callable[[Any, Any], Any] | None
    spatial: Any
    data: Any
    blocks: Any
    target: Any
    mask: Any

    def adapted(self, models: Sequence[Any], names: Sequence[str], role: str) -> list[Model | Outputs]:
        """Models of one role under their names."""
        rest = {"forward": self.forward, "layers": self.layers[role], "spatial": self.spatial}
        return [adapt(model, name, self.kind, **rest) for model, name in zip(models, names, strict=True)]

    def passed(self, models: Sequence[Model | Outputs], stream: LayerStream | None, pairs: Sequence[tuple[str, str]], twins: int) -> Passed:
        """What all models gave in one pass.

        Parameters
        ----------
        pairs
            Names of each model and each teacher that it is read against.
        twins
            With so many, τ needs products of all pairs.
        """
        how = Reading(
            kind=self.kind,
            forward=self.forward is not None,
            target=self.target,
            mask=self.mask,
            blocks=self.blocks,
            pairs=pairs,
            inner=twins >= LEAST_TWINS,
            classes=lambda ran, y, columns: classes_of(y, ran, columns),
        )
        passed = one_pass(models, self.data, how, stream)
        count = 0 if passed.blocks is None else int(passed.blocks.max()) + 1
        if passed.blocks is not None and count < LEAST_BLOCKS:
            what = "blocks has" if self.blocks is not None else "data have tokens of"
            units = "labels" if self.blocks is not None else "sequences"
            leave = "blocks" if self.blocks is not None else "sequences"
            raise PlanError(f"{what} {count} {units}: intervals leave out whole {leave}, give at least {LEAST_BLOCKS}")
        return passed

    def of_targets(self, passed: Passed, compared: Callable[[Passed, TaskKind], Comparison]) -> Comparison:
        """All targets together, with each by itself where there are several."""
        if self.task == MULTILABEL:
            each = {name: compared(part, "classification") for name, part in each_label(passed).items()}
            together = compared(pooled_labels(passed), "classification")
            hidden = {name: one.results["cka"] for name, one in each.items() if "cka" in one.results}
            # layers are of rows, and the same for all labels
            results = {**together.results, "cka": next(iter(hidden.values()))} if hidden else together.results
            together = replace(together, results=results, layers=layers_of(passed))
        else:
            together = compared(passed, self.kind)
            parts = each_value(passed) if self.kind == "regression" else {}
            each = {name: compared(part, self.kind) for name, part in parts.items()}
            if not each and (self.kind == "classification" or passed.ran[0].raw.ndim < 2 or passed.ran[0].raw.shape[1] < 2):
                return together
        columns = passed.ran[0].raw.shape[1]
        return replace(together, targets=each, notes=(*together.notes, told_of(list(each), columns)))

    @property
    def probes(self) -> dict[str, Probe]:
        """Those that apply and are cheap."""
        kind = "classification" if self.task == MULTILABEL else self.kind
        return {name: probe for name, probe in available("probes").items() if probe.cost == "cheap" and probe.applies_to(kind)}


def layers_of(passed: Passed) -> dict[str, dict[str, str]]:
    """Model -> hidden layer -> what was done with its axes."""
    return {one.model.name: dict(one.model.layers) for one in passed.ran if one.model.layers}


def kind_of(task: Any) -> TaskKind:
    """How models of a task are run, or a PlanError that names what there is."""
    if isinstance(task, Task):
        return task.kind
    if task == MULTILABEL:
        return "regression"
    if str(task).lower() in RANKINGS:
        raise PlanError(
            f"task={task!r}: rankings are not compared, as scores of one query mean nothing beside those of another. Where all scores "
            "share one scale give task='regression' with blocks= naming the query; where one item is right give task='classification', "
            "one row a query and one column an item"
        )
    if task not in ("classification", "regression"):
        known = ("classification", "regression", MULTILABEL)
        raise PlanError(f"task={task!r} is unknown: {did_you_mean(str(task), known)}, or a Task")
    return task


def layers_by_role(layers: Any) -> dict[str, Sequence[str]]:
    """Return the layers of each role."""
    if layers is None:
        return dict.fromkeys(("teacher", "student", "twins"), LAST)
    if not isinstance(layers, Mapping):
        return dict.fromkeys(("teacher", "student", "twins"), _names(layers))
    unknown = [role for role in layers if role not in ("teacher", "student", "twins")]
    if unknown:
        raise PlanError(f"layers has the key {unknown[0]!r}: {did_you_mean(str(unknown[0]), ('teacher', 'student', 'twins'))}")
    of = {role: _names(named) for role, named in layers.items()}
    student = of.get("student", LAST)
    return {"teacher": of.get("teacher", LAST), "student": student, "twins": of.get("twins", student)}


def _names(layers: Any) -> Sequence[str]:
    names = [layers] if isinstance(layers, str) else list(layers) if isinstance(layers, list | tuple) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise PlanError(f"layers={layers!r}: give a name, a glob, 'auto', several of them, or None for the last hidden layer")
    return names

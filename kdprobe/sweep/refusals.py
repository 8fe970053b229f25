"""What of a plan is undefined on its data: asked before anything trains."""

from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Distiller, Family, Shapes
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme, Size, Stage
from kdprobe.sweep.plan import GapPlan
from kdprobe.sweep.stages import width_of
from kdprobe.tasks.other_task import other_task
from kdprobe.tasks.splits import Split
from kdprobe.training.shapes import layer_shapes, network_outputs


class Undefined(NamedTuple):
    """A combination that cannot be trained, and why."""

    task: str
    scheme: str
    distiller: str
    family: str
    reason: str


def undefined(plan: GapPlan, parts: Split) -> list[Undefined]:
    """Combinations of a plan that are undefined on one of its tasks.

    Networks are built, and run on meta tensors: no data is read and nothing is trained.

    Raises
    ------
    PlanError
        If the family refuses a width or an option.
    """
    family: Family = find("families", plan.family)
    found: dict[Undefined, None] = {}

    @cache
    def layers(size: Size, width: int, outputs: int) -> Mapping[str, tuple[int, ...]]:
        return layer_shapes(family, parts.input_shape, outputs, width, plan.options_of(size))

    # the family may refuse a width, whatever the distillers are
    for size, widths in (("teacher", plan.teacher_widths), ("student", plan.student_widths)):
        for width in widths:
            layers(size, width, parts.outputs)
    for scheme_name, name in product(plan.schemes, plan.distillers_for(parts.task)):
        scheme: Scheme = find("schemes", scheme_name)
        distiller: Distiller = find("distillers", name)
        cell = (parts.task, scheme_name, name, plan.family)
        if family.fit == "ridge" and not distiller.squared:
            reason = f"its loss is not the squared distance of the outputs, and {family.title} is fitted in closed form to that alone"
            found[Undefined(*cell, reason)] = None
            continue
        for stage in scheme.taught:
            reason = _cannot_teach(distiller, stage, scheme_name)
            if reason:
                found[Undefined(*cell, reason)] = None
            elif distiller.refuses is not None:
                outputs = network_outputs(distiller, parts.outputs)
                for student, teacher in product(plan.student_widths, plan.teacher_widths):
                    own, other = (width_of(one, teacher, student) for one in (stage, scheme.stage(stage.taught_by[0])))
                    shapes = Shapes(
                        kind=parts.kind,
                        outputs=parts.outputs,
                        student=layers(stage.width, own, outputs),
                        teacher=layers(scheme.stage(stage.taught_by[0]).width, other, parts.outputs),
                    )
                    if reason := distiller.refuses(shapes):
                        found[Undefined(*cell, f"{reason} ({stage.role} {own}, {stage.taught_by[0]} {other})")] = None
    return list(found)


def _cannot_teach(distiller: Distiller, stage: Stage, scheme: str) -> str:
    """Why a distiller has no meaning in a stage, whatever the networks are."""
    if "labels" in distiller.needs and not stage.labelled:
        return f"it needs labels, and scheme {scheme!r} has none for its {stage.role}"
    if "features" in distiller.needs and len(stage.taught_by) > 1:
        return f"it reads hidden layers, and in scheme {scheme!r} several teachers have none in common"
    if stage.together and "features" in distiller.needs:
        return f"it reads hidden layers, and in scheme {scheme!r} networks that still learn show each other their outputs only"
    if stage.together and distiller.prepare is not None:
        return f"it changes a teacher's outputs once before training, and in scheme {scheme!r} they change at every step"
    return ""


def refuse_undefined(plan: GapPlan, parts: Split) -> None:
    """Raise PlanError with the first reason if anything of a plan is undefined on one of its tasks."""
    for task, _, distiller, family, reason in undefined(plan, parts):
        raise PlanError(f"distiller {distiller!r} is undefined on task {task!r} with family {family!r}: {reason}: leave it out")
    for scheme in plan.schemes:
        if any(stage.labels == "other task" for stage in find("schemes", scheme).stages):
            other_task(parts.validation.x[:1], parts)

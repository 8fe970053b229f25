"""What of a plan is undefined on its data: asked before anything trains."""

from itertools import product
from typing import NamedTuple

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Distiller, Family, Scheme, Shapes
from kdprobe.core.registry import find
from kdprobe.sweep.plan import GapPlan
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
    own, teachers = plan.options_of("student"), plan.options_of("teacher")
    of_teacher = {width: layer_shapes(family, parts.input_shape, parts.outputs, width, teachers) for width in plan.teacher_widths}
    of_twin = {width: layer_shapes(family, parts.input_shape, parts.outputs, width, own) for width in plan.student_widths}
    for scheme_name, name in product(plan.schemes, plan.distillers_for(parts.task)):
        scheme: Scheme = find("schemes", scheme_name)
        distiller: Distiller = find("distillers", name)
        cell = (parts.task, scheme_name, name, plan.family)
        if "labels" in distiller.needs and scheme.student.rows == "transfer":
            found[Undefined(*cell, f"it needs labels, and scheme {scheme_name!r} has none for its student")] = None
        if family.fit == "ridge" and not distiller.squared:
            reason = f"its loss is not the squared distance of the outputs, and {family.title} is fitted in closed form to that alone"
            found[Undefined(*cell, reason)] = None
            continue
        if distiller.refuses is None:
            continue
        outputs = network_outputs(distiller, parts.outputs)
        for width, (teacher_width, teacher) in product(plan.student_widths, of_teacher.items()):
            student = layer_shapes(family, parts.input_shape, outputs, width, own) if outputs != parts.outputs else of_twin[width]
            reason = distiller.refuses(Shapes(kind=parts.kind, outputs=parts.outputs, student=student, teacher=teacher))
            if reason:
                found[Undefined(*cell, f"{reason} (student {width}, teacher {teacher_width})")] = None
    return list(found)


def refuse_undefined(plan: GapPlan, parts: Split) -> None:
    """Raise PlanError with the first reason if anything of a plan is undefined on one of its tasks."""
    for task, _, distiller, family, reason in undefined(plan, parts):
        raise PlanError(f"distiller {distiller!r} is undefined on task {task!r} with family {family!r}: {reason}: leave it out")

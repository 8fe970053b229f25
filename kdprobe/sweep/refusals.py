"""What of a plan is undefined on its data: asked before anything trains."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Distiller, Family, Option, Shapes
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme, Size, Stage
from kdprobe.sweep.cells import Block
from kdprobe.sweep.jobs import width_of
from kdprobe.tasks.other_task import other_task
from kdprobe.tasks.splits import Split
from kdprobe.training.shapes import layer_shapes, network_outputs

MOST_WORK = 2e9
"""Multiply-adds of one row through one network: more is no small network, and its weights may be more than the memory there is."""


class Undefined(NamedTuple):
    """A combination that cannot be trained, and why."""

    task: str
    scheme: str
    distiller: str
    family: str
    reason: str


def undefined(blocks: Sequence[Block], parts: Split) -> list[Undefined]:
    """Combinations that are undefined on the rows of the blocks' task.

    Networks are built, and run on two rows of zeros: no data is read and nothing is trained.

    Raises
    ------
    PlanError
        If the family refuses a width or an option.
    """
    found: dict[Undefined, None] = {}

    @cache
    def layers(family: str, width: int, outputs: int, options: tuple[tuple[str, Option], ...]) -> Mapping[str, tuple[int, ...]]:
        return layer_shapes(find("families", family), parts.input_shape, outputs, width, dict(options))

    for block in blocks:

        def layers_of(size: Size, width: int, outputs: int, block: Block = block) -> Mapping[str, tuple[int, ...]]:
            _refuse_giants(block, size, width, parts)
            return layers(block.family_of(size).name, width, outputs, tuple(block.options_of(size).items()))

        # the family may refuse a width, whatever the distillers are
        for width in block.teacher_widths:
            layers_of("teacher", width, parts.outputs)
        for width in block.student_widths:
            layers_of("student", width, parts.outputs)
        for name in block.distillers:
            found |= dict.fromkeys(_undefined(block, find("distillers", name), parts, layers_of))
    return list(found)


def _refuse_giants(block: Block, size: Size, width: int, parts: Split) -> None:
    """Raise PlanError before a network is built that no machine of today would hold many of."""
    family = block.family_of(size)
    work = family.flops(parts.input_shape, parts.outputs, width, **block.options_of(size))
    if work > MOST_WORK:
        weights = f"{4e-9 * work:.0f} GB of weights"
        raise PlanError(
            f"{size}_widths holds {width}: a {family.title} of that width takes {work:.2g} multiply-adds a row, and up to {weights}: "
            f"give widths of up to {MOST_WORK:.0e} multiply-adds"
        )


def _undefined(block: Block, distiller: Distiller, parts: Split, layers: Callable[[Size, int, int], Any]) -> Iterator[Undefined]:
    family: Family = find("families", block.family)
    scheme: Scheme = find("schemes", block.scheme)
    cell = (parts.task, scheme.name, distiller.name, family.name)
    if family.fit == "ridge" and not distiller.squared:
        reason = f"its loss is not the squared distance of the outputs, and {family.title} is fitted in closed form to that alone"
        yield Undefined(*cell, reason)
        return
    for stage in scheme.taught:
        reason = _cannot_teach(distiller, stage, scheme.name) or _has_no_layers(
            block, distiller, [scheme.stage(role) for role in stage.taught_by]
        )
        if reason:
            yield Undefined(*cell, reason)
        elif distiller.refuses is not None:
            outputs = network_outputs(distiller, parts.outputs)
            for student, teacher in product(block.student_widths, block.teacher_widths):
                own, other = (width_of(one, teacher, student) for one in (stage, scheme.stage(stage.taught_by[0])))
                shapes = Shapes(
                    kind=parts.kind,
                    outputs=parts.outputs,
                    student=layers(stage.width, own, outputs),
                    teacher=layers(scheme.stage(stage.taught_by[0]).width, other, parts.outputs),
                )
                if reason := distiller.refuses(shapes):
                    yield Undefined(*cell, f"{reason} ({stage.role} {own}, {stage.taught_by[0]} {other})")


def _cannot_teach(distiller: Distiller, stage: Stage, scheme: str) -> str:
    """Why a distiller has no meaning in a stage, whatever the networks are."""
    if "labels" in distiller.needs and not stage.labels_where_taught:
        where = " on the rows it is taught on" if stage.labelled else ""
        return f"it needs labels, and scheme {scheme!r} has none for its {stage.role}{where}"
    if "features" in distiller.needs and len(stage.taught_by) > 1:
        return f"it reads hidden layers, and in scheme {scheme!r} several teachers have none in common"
    if stage.sees_otherwise and "features" in distiller.needs:
        return f"it reads hidden layers, and in scheme {scheme!r} student and teacher see other inputs: outputs alone are compared"
    if stage.together and "features" in distiller.needs:
        return f"it reads hidden layers, and in scheme {scheme!r} networks that still learn show each other their outputs only"
    if stage.together and distiller.prepare is not None:
        return f"it changes a teacher's outputs once before training, and in scheme {scheme!r} they change at every step"
    return ""


def _has_no_layers(block: Block, distiller: Distiller, teachers: Sequence[Stage]) -> str:
    """Why a distiller cannot read its teachers, where these are no networks."""
    if "features" in distiller.needs and any(block.family_of(teacher.width).fit == "predictor" for teacher in teachers):
        return f"it reads hidden layers, and {block.family_of('teacher').title} have none"
    return ""


def refuse_undefined(blocks: Sequence[Block], parts: Split) -> None:
    """Raise PlanError with the first reason if anything of the blocks is undefined on the rows of their task."""
    for task, _, distiller, family, reason in undefined(blocks, parts):
        raise PlanError(f"distiller {distiller!r} is undefined on task {task!r} with family {family!r}: {reason}: leave it out")
    for block in blocks:
        if any(stage.labels == "other task" for stage in find("schemes", block.scheme).stages):
            other_task(parts.validation.x[:1], parts)

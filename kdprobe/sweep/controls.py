"""What belongs to the schemes of a plan: the sizes of their networks, the controls beside them, and the objectives they stand for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme
from kdprobe.sweep.cells import Block

LEADING = {
    "compression": "transfer_rows",
    "expansion": "expansion",
    "adaptation": "adaptation",
    "enhancement": "multi_teacher_transfer",
}
"""Schemes that the law of nested least squares speaks of too: fresh rows, a smaller teacher, a moved one, the mean of several."""


def widths_of(scheme: Scheme, teachers: tuple[int, ...], students: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Return widths of teachers and of their students, once for each block of a scheme.

    Parameters
    ----------
    teachers, students
        Those of the plan.

    Examples
    --------
    >>> widths_of(find("schemes", "same_rows"), (8, 32, 128), (8, 32))
    (((8, 32, 128), (8, 32)),)
    >>> widths_of(find("schemes", "born_again"), (8, 32, 128), (8, 32))
    (((8,), (8,)), ((32,), (32,)))
    >>> widths_of(find("schemes", "expansion"), (8, 32, 128), (8, 32))
    (((8, 32, 128), (128,)),)
    """
    if scheme.student_size == "same":
        return tuple(((width,), (width,)) for width in students)
    if scheme.student_size == "larger":
        return ((teachers, (max(*teachers, *students),)),)
    return ((teachers, students),)


def controls_beside(blocks: Sequence[Block], schemes: Sequence[str], **changed: Any) -> Iterator[Block]:
    """Blocks of the controls that the schemes of blocks name, each once for a task and draw.

    Nothing of the plan's teachers is in what a control learns, so it is trained once, read against the first that is named: a plan
    that adds larger ones keeps its controls. Settings are not chosen for it: it is there at each.

    Parameters
    ----------
    schemes
        Schemes that the plan trains anyway, with all its teacher sizes.
    changed
        Fields of the blocks that controls have otherwise.
    """
    there = {(block.task, block.draw, name) for block in blocks for name in schemes}
    # students of a larger size than their teachers have controls of that size
    trained = set[tuple[str, int, str, int]]()
    for block in blocks:
        for name in find("schemes", block.scheme).controls:
            control: Scheme = find("schemes", name)
            if (block.task, block.draw, name) in there or block.unfit(control):
                continue
            widths = tuple(width for width in block.student_widths if (block.task, block.draw, name, width) not in trained)
            trained |= {(block.task, block.draw, name, width) for width in widths}
            if widths:
                yield replace(block, scheme=name, teacher_widths=block.teacher_widths[:1], student_widths=widths, tune=(), **changed)


def with_objectives(plan: Any, objectives: Sequence[str]) -> Any:
    """Return a plan of teacher sizes with the schemes of some objectives in the place of its own.

    Raises
    ------
    PlanError
        If an objective is unknown or there twice, or the plan names schemes as well.

    Examples
    --------
    >>> from kdprobe import GapPlan
    >>> with_objectives(GapPlan(), ("expansion",)).schemes
    ('expansion',)
    """
    for name in objectives:
        if name not in LEADING:
            raise PlanError(f"objective {name!r} is unknown: {did_you_mean(name, LEADING)}")
    if len(set(objectives)) < len(objectives):
        raise PlanError(f"objective={','.join(objectives)}: give each once")
    if plan.schemes != type(plan).schemes:
        raise PlanError(
            f"objective={','.join(objectives)} and scheme={','.join(plan.schemes)}: an objective is a scheme, give one of the two"
        )
    return replace(plan, schemes=tuple(LEADING[name] for name in objectives))

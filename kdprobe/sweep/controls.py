"""The controls beside the regimes of a plan: what their rows and steps give without the teacher."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from kdprobe.core.registry import find
from kdprobe.core.scheme import Scheme
from kdprobe.sweep.cells import Block


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
    for block in blocks:
        for name in find("schemes", block.scheme).controls:
            control: Scheme = find("schemes", name)
            place = (block.task, block.draw, name)
            if place in there or block.unfit(control):
                continue
            there.add(place)
            yield replace(block, scheme=name, teacher_widths=block.teacher_widths[:1], tune=(), **changed)

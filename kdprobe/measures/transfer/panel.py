"""Measures of a whole panel that are asked toward one teacher at a time: τ, and agreement on the teacher's errors by the room there is."""

import numpy as np

from kdprobe.core.result import Refusal, Result
from kdprobe.core.trace import Panel
from kdprobe.measures.rows import top
from kdprobe.measures.traces import NO_TARGET, blocks, check_labels, check_paired, check_same_outputs, measured, two_classes
from kdprobe.measures.transfer.coefficient import moved, toward
from kdprobe.measures.transfer.pairwise import LEAST
from kdprobe.measures.transfer.places import place, products, spread
from kdprobe.stats.intervals import ratio, too_few


def coefficient(panel: Panel, target: np.ndarray | None = None) -> Result:
    """τ of the student toward the panel's teacher, against its reference twins; siblings are asked one at a time."""
    student, teacher, twins = panel.student, panel.teacher, panel.reference_twins
    check_paired(student, teacher, *twins)
    check_same_outputs(student, teacher, *twins)
    if len(twins) < LEAST:
        return Refusal(
            reason=f"{len(twins)} reference twin{'' if len(twins) == 1 else 's'} beside the student's: pairs and spread need {LEAST}",
            advice=f"give {LEAST + 1} seeds, or twins, or more",
        )
    if student.n < 2:
        return too_few(student.n, None)
    with np.errstate(all="ignore"):
        against = spread(twins)
        above = products(student, teacher, twins) - against.noise / against.k
        found = toward([moved(above, place(student, twins), place(teacher, twins), against)], blocks(student))
    if isinstance(found, Refusal):
        return found
    interval, errors = found
    return measured(interval, details={"references": against.k} | errors)


def room_taken(panel: Panel, target: np.ndarray | None = None) -> Result:
    """Where the teacher is wrong: how much oftener the student repeats its answer than the twin, as a share of the rows the twin left."""
    student, teacher, twin = panel.student, panel.teacher, panel.twin
    check_paired(student, teacher, twin)
    check_same_outputs(student, teacher, twin)
    if target is None:
        return NO_TARGET
    if refusal := two_classes(student):
        return refusal
    wrong = top(teacher) != check_labels(target, student)
    if not wrong.any():
        return NEVER_WRONG
    repeated = [(top(model) == top(teacher))[wrong].astype(np.float64) for model in (student, twin)]
    room, days = 1.0 - repeated[1], blocks(student)
    if not room.any():
        return Refusal(reason="the twin repeats every error of the teacher: there is no room for more", advice="give harder rows")
    share = ratio(repeated[0] - repeated[1], room, blocks=None if days is None else days[wrong])
    if isinstance(share, Refusal):
        return share
    # the student can take no more than all of it
    share = share._replace(high=min(share.high, 1.0))
    return measured(share, details={"student": repeated[0].mean(), "twin": repeated[1].mean(), "wrong_rows": wrong.sum()})


NEVER_WRONG = Refusal(reason="the teacher is right on every row: it makes no error that could be repeated", advice="give harder rows")

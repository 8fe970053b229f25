"""Agreement of classifiers where one of them errs: on the teacher's errors, and of the student where the teacher was right."""

import numpy as np

from kdprobe.core.result import Result
from kdprobe.core.trace import Trace
from kdprobe.measures.rows import top
from kdprobe.measures.traces import NO_TARGET, blocks, check_labels, check_paired, check_same_outputs, measured, two_classes
from kdprobe.measures.transfer.panel import NEVER_WRONG
from kdprobe.stats.intervals import proportion


def agreement_where_wrong(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """How often the student names the teacher's class on the rows where that is wrong."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    if refusal := two_classes(student):
        return refusal
    wrong = top(teacher) != check_labels(target, student)
    if not wrong.any():
        return NEVER_WRONG
    days = blocks(student)
    interval = proportion((top(student) == top(teacher))[wrong], blocks=None if days is None else days[wrong])
    return measured(interval, details={"wrong_rows": wrong.sum()})


def churn(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    """How often the student is wrong on rows that the teacher has right, among all rows."""
    check_paired(student, teacher)
    check_same_outputs(student, teacher)
    if target is None:
        return NO_TARGET
    if refusal := two_classes(student):
        return refusal
    labels = check_labels(target, student)
    right = top(student) == labels, top(teacher) == labels
    interval = proportion(right[1] & ~right[0], blocks=blocks(student))
    changed = top(student) != top(teacher)
    shares = {"changed": changed, "wrong_to_right": right[0] & ~right[1]} if student.n else {}
    return measured(interval, details={name: rows.mean() for name, rows in shares.items()})

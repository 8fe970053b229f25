"""How much of the teacher's errors the student took up, of those that its twin does not make anyway."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.trace import Panel
from kdprobe.measures.transfer.panel import room_taken
from kdprobe.probes._cases import naming


def _panel(student: list[int], twin: list[int], teacher: list[int]) -> tuple[Panel, np.ndarray]:
    """The true class is 0 on every row."""
    target = [0] * len(teacher)
    own, taught_by, labels = naming(student, teacher, target)
    return Panel(student=own, teacher=taught_by, twin=naming(twin, teacher, target)[0]), labels


TEACHER_WRONG_ROOM = Probe(
    name="teacher_wrong_room",
    title="Teacher's errors taken up",
    asks="Of the teacher's errors that its twin does not repeat, which share does the student take up?",
    measure=room_taken,
    needs=("target",),
    tasks=("classification",),
    panel=True,
    likeness=True,
    bounds=(-np.inf, 1.0),
    invariant=("scale", "monotone", "row order"),
    truths=(
        KnownAnswer(name="the teacher itself", make=lambda rng: _panel([1, 2, 1, 2] * 3, [0, 0, 0, 2] * 3, [1, 2, 1, 2] * 3), value=1.0),
        KnownAnswer(name="the twin itself", make=lambda rng: _panel([0, 0, 0, 2] * 3, [0, 0, 0, 2] * 3, [1, 2, 1, 2] * 3), value=0.0),
        KnownAnswer(name="one of three", make=lambda rng: _panel([1, 0, 0, 2] * 6, [0, 0, 0, 2] * 6, [1, 2, 1, 2] * 6), value=1 / 3),
        KnownAnswer(name="fewer than the twin", make=lambda rng: _panel([0, 0, 0, 0] * 6, [0, 0, 1, 2] * 6, [1, 2, 1, 2] * 6), value=-1.0),
        KnownAnswer(name="a twin that makes them all", make=lambda rng: _panel([1, 1], [2, 1], [2, 1]), value=None),
        KnownAnswer(name="a teacher that never errs", make=lambda rng: _panel([1, 1], [2, 1], [0, 0]), value=None),
    ),
    cites="Geirhos, Meding and Wichmann 2020, arXiv:2006.16736",
)

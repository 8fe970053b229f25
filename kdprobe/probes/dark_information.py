"""What the student's output tells of the teacher's answer (a draw from its softmax; its prediction) beyond the target. In nats."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.measures.information.output_information import dark, dark_without
from kdprobe.probes._cases import degraded_student, rare_class, student_of_noise

PARTIAL = float(-0.5 * np.log1p(-((0.7 - 0.8 * 0.56) ** 2) / ((1 - 0.64) * (1 - 0.56**2))))

DARK_INFORMATION = Probe(
    name="dark_information",
    title="Dark information",
    asks="How much does the student tell of its teacher's output that the target does not?",
    measure=dark,
    without=dark_without,
    needs=("target",),
    better="neither",
    unit="nats",
    truths=(
        KnownAnswer(
            name="a degraded teacher: partial correlation",
            make=degraded_student,
            value=PARTIAL,
            tolerance=0.05,
        ),
        KnownAnswer(name="noise tells nothing", make=student_of_noise, value=0.0, tolerance=0.003),
        KnownAnswer(name="twenty rows of a class are needed", make=rare_class, value=None),
    ),
    cites="Dissanayake et al. 2025, arXiv:2411.07483; Xu et al. 2020, arXiv:2002.10689",
)

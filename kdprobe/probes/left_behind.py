"""What both models' outputs tell of the target together, less what the student's tells alone. In nats."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.measures.information.output_information import part, part_without
from kdprobe.probes._cases import degraded_student, one_class, student_of_noise

HIDDEN = float(0.5 * np.log((1 - 0.56**2) / (1 - 0.64)))

LEFT_BEHIND = Probe(
    name="left_behind",
    title="Information left behind",
    asks="How much does the teacher tell of the target that the student does not?",
    measure=part(lambda pair: pair.joint - pair.student),
    without=part_without(lambda pair: pair.joint - pair.student),
    needs=("target",),
    better="lower",
    unit="nats",
    likeness=False,
    truths=(
        KnownAnswer(
            name="a degraded teacher: what the noise hides",
            make=degraded_student,
            value=HIDDEN,
            tolerance=0.05,
        ),
        KnownAnswer(name="noise leaves everything", make=student_of_noise, value=0.3178, tolerance=0.04),
        KnownAnswer(name="one class only", make=one_class, value=None),
    ),
    cites="Dissanayake et al. 2025, arXiv:2411.07483; Xu et al. 2020, arXiv:2002.10689",
)

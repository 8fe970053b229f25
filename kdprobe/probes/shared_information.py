"""Co-information of two models' outputs about the target: the teacher's and the student's, less what they tell together. In nats."""

import numpy as np

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.measures.information.output_information import part, part_without
from kdprobe.probes._cases import degraded_student, one_class, student_of_noise

KEPT = float(-0.5 * np.log(1 - 0.56**2))

SHARED_INFORMATION = Probe(
    name="shared_information",
    title="Information shared with the teacher",
    asks="How much of what the teacher tells of the target does the student tell too?",
    measure=part(lambda pair: pair.teacher + pair.student - pair.joint),
    without=part_without(lambda pair: pair.teacher + pair.student - pair.joint),
    needs=("target",),
    better="neither",
    unit="nats",
    truths=(
        KnownAnswer(name="a degraded teacher: all that it tells", make=degraded_student, value=KEPT, tolerance=0.05),
        KnownAnswer(name="noise shares nothing", make=student_of_noise, value=0.0, tolerance=0.005),
        KnownAnswer(name="one class only", make=one_class, value=None),
    ),
    cites="Dissanayake et al. 2025, arXiv:2411.07483; Xu et al. 2020, arXiv:2002.10689",
)

"""What both models' outputs tell of the target together, less what the teacher's tells alone. In nats."""

from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.measures.information.output_information import part, part_without
from kdprobe.probes._cases import degraded_student, one_class, student_of_noise

OWN_INFORMATION = Probe(
    name="own_information",
    title="Information of the student's own",
    asks="How much does the student tell of the target that the teacher does not?",
    measure=part(lambda pair: pair.joint - pair.teacher),
    without=part_without(lambda pair: pair.joint - pair.teacher),
    needs=("target",),
    better="neither",
    unit="nats",
    likeness=False,
    truths=(
        KnownAnswer(name="a degraded teacher has nothing of its own", make=degraded_student, value=0.0, tolerance=0.003),
        KnownAnswer(name="neither has noise", make=student_of_noise, value=0.0, tolerance=0.003),
        KnownAnswer(name="one class only", make=one_class, value=None),
    ),
    cites="Dissanayake et al. 2025, arXiv:2411.07483; Xu et al. 2020, arXiv:2002.10689",
)

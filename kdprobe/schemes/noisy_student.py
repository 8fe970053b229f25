"""A larger student that learns from noisy inputs what its teacher says of clean ones, and its control with its own twin for a teacher."""

from kdprobe.core.scheme import Scheme, Stage

NOISE = 0.3
NOISY_STUDENT = Scheme(
    name="noisy_student",
    title="a noisy student",
    objective="expansion",
    regime="larger than its teacher: learned from noisy labelled rows and from what the teacher says of unlabelled rows without noise",
    expects="more than from the same teacher without noise",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("teacher",), taught_on="transfer", noise=NOISE),
    ),
    controls=("noisy_own_answers",),
    beats=("expansion",),
    student_size="larger",
    cites="arXiv:1911.04252",
)
NOISY_OWN_ANSWERS = Scheme(
    name="noisy_own_answers",
    title="control: noise, labelled rows and own pseudo-labels",
    objective="control",
    regime="learned from noisy labelled rows and from what its own twin says of unlabelled rows without noise",
    expects="what noise on the inputs gives without any better teacher",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("twin",), taught_on="transfer", noise=NOISE),
    ),
)

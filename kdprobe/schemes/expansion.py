"""A large student of a smaller teacher, on labelled rows and on unlabelled ones; and one that learns from noisy inputs.

A noisy student hears what its teacher says of the same rows without noise. Its control hears its own twin in the teacher's place.
"""

from kdprobe.core.scheme import Scheme, Stage

EXPANSION = Scheme(
    name="expansion",
    title="a larger student of a smaller teacher",
    objective="expansion",
    regime="larger than its teacher: learned from labelled rows and, beside each, distilled on a batch of unlabelled transfer rows",
    expects="a gain even from a smaller teacher, as from any smoothed target; more where labels are few or noisy",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("labelled_and_own_answers", "step_matched_twin"),
    student_size="larger",
    cites="arXiv:1909.11723",
)
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

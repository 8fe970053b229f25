"""Control: the rows, labels and steps of `same_rows`, with the student's own twin in the teacher's place."""

from kdprobe.core.scheme import Scheme, Stage

OWN_ANSWERS = Scheme(
    name="own_answers",
    title="control: labels, and own answers on the same rows",
    objective="control",
    regime="taught by its own twin, on the labelled rows that both learned from",
    expects="what smoother targets give without any better teacher",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("twin",)),
    ),
    cites="arXiv:1805.04770",
)

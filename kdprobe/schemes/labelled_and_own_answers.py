"""Control: the rows and steps of `labelled_and_transfer_rows`, with the student's own twin in the teacher's place."""

from kdprobe.core.scheme import Scheme, Stage

LABELLED_AND_OWN_ANSWERS = Scheme(
    name="labelled_and_own_answers",
    title="control: labelled rows, and own pseudo-labels on transfer rows",
    objective="control",
    regime="learned from the twin's own labelled batches and, beside each, taught by that twin on a batch of unlabelled transfer rows",
    expects="what twice the rows a step and smoother targets give without any better teacher",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("twin",), taught_on="transfer"),
    ),
)

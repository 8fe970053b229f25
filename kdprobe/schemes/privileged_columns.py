"""A teacher that sees all of a row, and a student that sees half of it: other columns, or the other half of the image, it never has.

What knowing more is worth shows `half_teacher`: the same rows and a teacher of the same size that sees no more than the student.
"""

from kdprobe.core.scheme import Scheme, Stage

PRIVILEGED_COLUMNS = Scheme(
    name="privileged_columns",
    title="a teacher of all columns, a student of half",
    objective="adaptation",
    regime="seeing half of each row: learned from labelled rows and, beside each batch, from a teacher that sees all of the transfer rows",
    expects="a gain that grows with what the hidden half is worth, and more than a teacher of the same half gives",
    stages=(
        Stage("teacher"),
        Stage("twin", inputs="half"),
        Stage("student", inputs="half", taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("half_own_answers",),
    beats=("half_teacher",),
    cites="arXiv:1511.03643",
)
HALF_TEACHER = Scheme(
    name="half_teacher",
    title="control: a teacher of the same half",
    objective="control",
    regime="seeing half of each row: learned from labelled rows and, beside each batch, from a teacher that sees the same half",
    expects="what a larger teacher gives without knowing more of a row",
    stages=(
        Stage("teacher"),
        Stage("half", inputs="half"),
        Stage("twin", inputs="half"),
        Stage("student", inputs="half", taught_by=("half",), taught_on="transfer"),
    ),
)
HALF_OWN_ANSWERS = Scheme(
    name="half_own_answers",
    title="control: half of each row, and own pseudo-labels",
    objective="control",
    regime="seeing half of each row: learned from labelled rows and, beside each batch, taught by its own twin on transfer rows",
    expects="what more rows give without any better teacher",
    stages=(
        Stage("teacher"),
        Stage("twin", inputs="half"),
        Stage("student", inputs="half", taught_by=("twin",), taught_on="transfer"),
    ),
)

"""One student of several teachers, on the rows that the teachers learned from and on rows that they did not."""

from kdprobe.core.scheme import Scheme, Stage

TEACHERS = ("teacher", "teacher_2", "teacher_3")
MULTI_TEACHER = Scheme(
    name="multi_teacher",
    title="three teachers on their own rows",
    objective="enhancement",
    regime="distilled from the mean of three teachers, on their own labelled rows",
    expects="more than from one teacher: their mean errs less, and is less sure of its errors",
    stages=(
        *(Stage(role) for role in TEACHERS),
        Stage("twin"),
        Stage("student", taught_by=TEACHERS),
    ),
    beats=("same_rows",),
    cites="arXiv:1503.02531",
)
MULTI_TEACHER_TRANSFER = Scheme(
    name="multi_teacher_transfer",
    title="three teachers on unlabelled transfer rows",
    objective="enhancement",
    regime="distilled from the mean of three teachers, on unlabelled transfer rows",
    expects="more than from one teacher, and most where labels are noisy",
    stages=(
        *(Stage(role) for role in TEACHERS),
        Stage("twin"),
        Stage("student", rows="transfer", taught_by=TEACHERS, alpha=1.0),
    ),
    beats=("transfer_rows",),
    cites="arXiv:1503.02531",
)

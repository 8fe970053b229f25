"""One student of several teachers, on the rows that the teachers learned from and on rows that they did not.

Three of one size are siblings. Of three sizes all count alike, or each by how well it does on validation rows.
"""

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
SIZES = ("teacher", "middle", "small")
_TRAINED = (Stage("teacher"), Stage("middle", size="between"), Stage("small", size="student"), Stage("twin"))
UNEQUAL_TEACHERS = Scheme(
    name="unequal_teachers",
    title="three teachers of three sizes",
    objective="enhancement",
    regime="distilled from the mean of a large, a middle and a small teacher, on unlabelled transfer rows",
    expects="a gain, and less than from those who know more alone where they differ much",
    stages=(*_TRAINED, Stage("student", rows="transfer", taught_by=SIZES, alpha=1.0)),
    controls=("self_pseudo_labels",),
    cites="arXiv:1503.02531",
)
WEIGHTED_TEACHERS = Scheme(
    name="weighted_teachers",
    title="three teachers of three sizes, weighed by validation rows",
    objective="enhancement",
    regime="distilled from a large, a middle and a small teacher, weighed by their loss on validation rows, on unlabelled transfer rows",
    expects="more than from the same teachers where all count alike",
    stages=(*_TRAINED, Stage("student", rows="transfer", taught_by=SIZES, alpha=1.0, weights="validation")),
    controls=("self_pseudo_labels",),
    beats=("unequal_teachers",),
    cites="arXiv:2201.00007",
)

"""Control: a teacher of the same recipe with other random numbers, while the student is read against the one that did not teach it."""

from kdprobe.core.scheme import Scheme, Stage

SIBLING_TEACHER = Scheme(
    name="sibling_teacher",
    title="control: taught by a sibling of the teacher",
    objective="control",
    regime="taught by a sibling of the teacher it is read against, on unlabelled transfer rows",
    expects="the gain of any such teacher, and no transfer that is the teacher's own",
    stages=(
        Stage("teacher"),
        Stage("teacher_2"),
        Stage("twin"),
        Stage("student", rows="transfer", taught_by=("teacher_2",), alpha=1.0),
    ),
)

"""Control: the same teacher, trained for a twentieth of the steps."""

from kdprobe.core.scheme import Scheme, Stage

WEAK_TEACHER = Scheme(
    name="weak_teacher",
    title="control: a teacher stopped early",
    objective="control",
    regime="taught by the teacher after a twentieth of its steps, on unlabelled transfer rows",
    expects="a student moved as far as by any teacher, and worse for it: amount is not quality",
    stages=(
        Stage("teacher"),
        Stage("weak", steps=0.05, stream="teacher"),
        Stage("twin"),
        Stage("student", rows="transfer", taught_by=("weak",), alpha=1.0),
    ),
)

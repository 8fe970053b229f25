"""Teachers of every size, stopped where they are as good as the student's untaught twin: size without being better."""

from kdprobe.core.scheme import Scheme, Stage

EQUAL_LOSS_TEACHERS = Scheme(
    name="equal_loss_teachers",
    title="control: teachers of every size, all as good as the twin",
    objective="control",
    regime="taught by a teacher stopped at the twin's loss, on the teacher's own labelled rows",
    expects="what a teacher's size does to its student apart from making the teacher better",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("stopped", stream="teacher", matches="twin"),
        Stage("student", taught_by=("stopped",)),
    ),
)

"""Control: a teacher that was never trained."""

from kdprobe.core.scheme import Scheme, Stage

RANDOM_TEACHER = Scheme(
    name="random_teacher",
    title="control: an untrained teacher",
    objective="control",
    regime="taught by an untrained network, on labelled rows",
    expects="no gain: what teaching does to a student whatever the teacher knows",
    stages=(
        Stage("teacher"),
        Stage("untrained", steps=0.0),
        Stage("twin"),
        Stage("student", taught_by=("untrained",)),
    ),
)

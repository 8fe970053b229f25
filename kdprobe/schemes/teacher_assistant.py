"""A network of middle size between a large teacher and a small student."""

from kdprobe.core.scheme import Scheme, Stage

TEACHER_ASSISTANT = Scheme(
    name="teacher_assistant",
    title="through a teacher assistant",
    objective="compression",
    regime="distilled through an assistant of middle size, on the teacher's own labelled rows",
    expects="a gain over the direct way only where the teacher is much larger than the student",
    stages=(
        Stage("teacher"),
        Stage("assistant", size="between", taught_by=("teacher",)),
        Stage("twin"),
        Stage("student", taught_by=("assistant",)),
    ),
    beats=("same_rows",),
    cites="arXiv:1902.03393",
)

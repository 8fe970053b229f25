"""Control: a good teacher of another task on the same inputs: a random linear rule, see `kdprobe.tasks.other_task`."""

from kdprobe.core.scheme import Scheme, Stage

OTHER_TASK_TEACHER = Scheme(
    name="other_task_teacher",
    title="control: a teacher of another task",
    objective="control",
    regime="taught by a teacher of another task on the same inputs, on labelled rows",
    expects="no gain, and nothing of the teacher of the task",
    stages=(
        Stage("teacher"),
        Stage("stranger", labels="other task"),
        Stage("twin"),
        Stage("student", taught_by=("stranger",)),
    ),
)

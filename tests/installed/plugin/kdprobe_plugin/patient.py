"""A student that is taught on the rows of its teacher for twice the steps."""

from kdprobe import Scheme, Stage

PATIENT = Scheme(
    name="patient",
    title="twice the steps",
    objective="compression",
    regime="distilled for twice the steps on the teacher's own rows",
    expects="more of the teacher, where the student had not converged",
    stages=(Stage("teacher"), Stage("twin"), Stage("student", taught_by=("teacher",), steps=2.0)),
)

"""Control: an untaught student with as many optimiser steps as student and teacher had together."""

from kdprobe.core.scheme import Scheme, Stage

STEP_MATCHED_TWIN = Scheme(
    name="step_matched_twin",
    title="control: a twin with the teacher's steps too",
    objective="control",
    regime="untaught, with as many steps as student and teacher have together",
    expects="what longer training gives without any teacher",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", steps=2.0),
    ),
)

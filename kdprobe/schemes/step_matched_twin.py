"""Control: an untaught student with twice the optimiser steps: those of student and teacher together, where both have as many."""

from kdprobe.core.scheme import Scheme, Stage

STEP_MATCHED_TWIN = Scheme(
    name="step_matched_twin",
    title="control: a twin with twice the steps",
    objective="control",
    regime="untaught, with twice the steps of its twin",
    expects="what longer training gives without any teacher",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", steps=2.0),
    ),
)

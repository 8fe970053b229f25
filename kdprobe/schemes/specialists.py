"""One student of two specialists, each of whom learned one half: of the classes, or of the range of the target."""

from kdprobe.core.scheme import Scheme, Stage

EXPERTS = ("expert_1", "expert_2")
SPECIALISTS = Scheme(
    name="specialists",
    title="two specialists into one",
    objective="enhancement",
    regime="distilled from two specialists, each of which speaks of the labelled rows of its own half",
    expects="within noise of the specialists on their halves, and a gain over a student of the labels alone",
    stages=(
        Stage("teacher"),
        Stage("expert_1", subset="first half"),
        Stage("expert_2", subset="second half"),
        Stage("twin"),
        Stage("student", taught_by=EXPERTS, weights="own rows"),
    ),
    controls=("own_answers",),
    beats=("same_rows",),
    cites="arXiv:1811.02796",
)

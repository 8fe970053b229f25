"""Compression on the rows that the teacher learned from."""

from kdprobe.core.scheme import Scheme, Stage

SAME_ROWS = Scheme(
    name="same_rows",
    title="compression on the teacher's own rows",
    objective="compression",
    regime="distilled on the teacher's own labelled rows",
    expects="a small gain or none, and at T > 1 a capacity gap that is mostly over-confidence which T makes",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("teacher",)),
    ),
    controls=("own_answers",),
    cites="arXiv:1503.02531",
)

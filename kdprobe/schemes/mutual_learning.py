"""Two networks that learn from the labels and from each other, from the first step on."""

from kdprobe.core.scheme import Scheme, Stage

MUTUAL_LEARNING = Scheme(
    name="mutual_learning",
    title="mutual learning with a peer of the teacher's size",
    objective="compression",
    regime="learned together with a peer of the teacher's size, on labelled rows",
    expects="a gain without any trained teacher; it is read against its peer",
    stages=(
        Stage("twin"),
        Stage("student", taught_by=("peer",), together=True),
        Stage("peer", taught_by=("student",), together=True),
    ),
    against="peer",
    cites="arXiv:1706.00384",
)

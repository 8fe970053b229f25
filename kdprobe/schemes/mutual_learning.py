"""Two networks that learn from the labels and from each other, from the first step on.

In the paper both see the same batches. Here each has its own, and its peer answers on them: two networks that saw the same batches are
alike without any teaching, and a student would seem to have learned from its peer what both have from their batches.
"""

from kdprobe.core.scheme import Scheme, Stage

MUTUAL_LEARNING = Scheme(
    name="mutual_learning",
    title="mutual learning with a peer of the teacher's size",
    objective="compression",
    regime="learned together with a peer of the teacher's size, on labelled rows",
    expects="a gain without any trained teacher; read against its peer, which learned from it as much as it from the peer",
    stages=(
        Stage("twin"),
        Stage("student", taught_by=("peer",), together=True),
        Stage("peer", taught_by=("student",), together=True),
    ),
    against="peer",
    cites="arXiv:1706.00384",
)

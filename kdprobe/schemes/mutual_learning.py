"""Two networks that learn from the labels and from each other, from the first step on.

In the paper both see the same batches. Here each has its own, and its peer answers on them: two networks that saw the same batches are
alike without any teaching.

The student is read against a trained teacher of the peer's size that it never met. Its likeness to its peer would be no measure of what it
learned: the peer learned from the student too, so that even the student's untaught twin, which shares its initialisation, is like the peer.
"""

from kdprobe.core.scheme import Scheme, Stage

MUTUAL_LEARNING = Scheme(
    name="mutual_learning",
    title="mutual learning with a peer of the teacher's size",
    objective="compression",
    regime="learned together with a peer of the teacher's size, on labelled rows",
    expects="a gain without any trained teacher, and nothing of the teacher it is read against",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("peer",), together=True),
        Stage("peer", taught_by=("student",), together=True),
    ),
    cites="arXiv:1706.00384",
)

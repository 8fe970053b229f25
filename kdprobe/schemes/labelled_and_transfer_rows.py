"""Labels where there are labels, a teacher where there are none: each step takes a batch of labelled rows and one of unlabelled rows.

The student sees the labelled batches of its twin, in the twin's order, and with each of them a batch of transfer rows on which the teacher
speaks: (1-α)·label loss on the first + α·teacher's loss on the second. So it sees twice the rows of a step of its twin. What that alone
is worth show two controls: `labelled_and_own_answers` has the same rows and the twin for a teacher, and `step_matched_twin` has twice the
labelled batches.
"""

from kdprobe.core.scheme import Scheme, Stage

LABELLED_AND_TRANSFER_ROWS = Scheme(
    name="labelled_and_transfer_rows",
    title="compression on labelled and transfer rows",
    objective="compression",
    regime="learned from the twin's own labelled batches and, beside each, distilled on a batch of unlabelled transfer rows",
    expects="at least the gain of either kind of rows alone, and most of it where labels are few",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("labelled_and_own_answers", "step_matched_twin"),
    cites="arXiv:2006.10029",
)

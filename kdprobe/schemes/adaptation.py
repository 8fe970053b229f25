"""A teacher of another domain, or of many more labels than the student has; and what the same few labels give without it.

In `adaptation` the teacher learned on a source whose inputs are moved (`kdprobe.tasks.views.shifted`). The task's own rows are the target:
there the student has a tenth of the labels, and the teacher's word for rows without any. Source alone is the teacher's own score; target
alone is the twin; all labels of the target are `all_target_labels`.
"""

from kdprobe.core.scheme import Scheme, Stage

FEW = 0.1
FEWER_LABELS = Scheme(
    name="fewer_labels",
    title="a tenth of the labels, and a teacher who had them all",
    objective="adaptation",
    regime="learned from a tenth of the labelled rows and, beside each batch of them, distilled on a batch of unlabelled transfer rows",
    expects="most of what all the labels would give",
    stages=(
        Stage("teacher"),
        Stage("twin", share=FEW),
        Stage("student", share=FEW, taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("few_labels_own_answers",),
    below=("all_target_labels",),
    cites="arXiv:2006.10029",
)
ADAPTATION = Scheme(
    name="adaptation",
    title="a teacher of moved inputs, and few labels of the target",
    objective="adaptation",
    regime="learned from a tenth of the target's labels and, beside them, from what a teacher of the source says of rows of the target",
    expects="between the source's teacher as it is and what all labels of the target give",
    stages=(
        Stage("teacher", shift=True),
        Stage("twin", share=FEW),
        Stage("student", share=FEW, taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("few_labels_own_answers",),
    below=("all_target_labels",),
    cites="arXiv:1604.00433",
)
FEW_LABELS_OWN_ANSWERS = Scheme(
    name="few_labels_own_answers",
    title="control: few labels, and own pseudo-labels",
    objective="control",
    regime="learned from a tenth of the labelled rows and, beside each batch of them, taught by its own twin on unlabelled transfer rows",
    expects="what unlabelled rows give without anybody who knows more",
    stages=(
        Stage("teacher"),
        Stage("twin", share=FEW),
        Stage("student", share=FEW, taught_by=("twin",), taught_on="transfer"),
    ),
)
ALL_TARGET_LABELS = Scheme(
    name="all_target_labels",
    title="control: all labels, where the twin has a tenth",
    objective="control",
    regime="untaught, on all labelled rows, where its twin has a tenth of them",
    expects="what the labels that are missing would be worth: more than a teacher's word for other rows",
    stages=(
        Stage("teacher"),
        Stage("twin", share=FEW),
        Stage("student"),
    ),
)

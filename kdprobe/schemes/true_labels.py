"""Upper reference: the student on the true labels of the transfer rows."""

from kdprobe.core.scheme import Scheme, Stage

TRUE_LABELS = Scheme(
    name="true_labels",
    title="control: the true labels of the transfer rows",
    objective="control",
    regime="untaught, on the true labels of the transfer rows",
    expects="what the rows would be worth if they were labelled: more than a teacher's word for them",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", rows="transfer", labels="true"),
    ),
)

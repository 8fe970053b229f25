"""Control: a twin that is taught by its own answers on transfer rows."""

from kdprobe.core.scheme import Scheme, Stage

SELF_PSEUDO_LABELS = Scheme(
    name="self_pseudo_labels",
    title="control: a twin on its own pseudo-labels",
    objective="control",
    regime="taught by its own twin, on unlabelled transfer rows",
    expects="what more rows and smoother targets give without any better teacher",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", rows="transfer", taught_by=("twin",), alpha=1.0),
    ),
)

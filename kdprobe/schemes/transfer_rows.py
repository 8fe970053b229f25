"""Compression on unlabelled rows that neither the teacher nor the twin has seen."""

from kdprobe.core.scheme import Scheme, Stage

TRANSFER_ROWS = Scheme(
    name="transfer_rows",
    title="compression on unlabelled transfer rows",
    objective="compression",
    regime="distilled on unlabelled transfer rows",
    expects="a larger gain, a smaller capacity gap",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", rows="transfer", taught_by=("teacher",), alpha=1.0),
    ),
    controls=("self_pseudo_labels",),
    cites="arXiv:1503.02531",
)

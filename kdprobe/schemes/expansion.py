"""A large student of a smaller teacher, on labelled rows and on unlabelled ones."""

from kdprobe.core.scheme import Scheme, Stage

EXPANSION = Scheme(
    name="expansion",
    title="a larger student of a smaller teacher",
    objective="expansion",
    regime="larger than its teacher: learned from labelled rows and, beside each, distilled on a batch of unlabelled transfer rows",
    expects="a gain even from a smaller teacher, as from any smoothed target; more where labels are few or noisy",
    stages=(
        Stage("teacher"),
        Stage("twin"),
        Stage("student", taught_by=("teacher",), taught_on="transfer"),
    ),
    controls=("labelled_and_own_answers", "step_matched_twin"),
    student_size="larger",
    cites="arXiv:1909.11723",
)

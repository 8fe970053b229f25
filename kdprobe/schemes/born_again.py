"""Students of their teachers' own size, generation after generation: each learns from the one before it."""

from kdprobe.core.scheme import Scheme, Stage

BORN_AGAIN = Scheme(
    name="born_again",
    title="born again in three generations",
    objective="expansion",
    regime="distilled from a network of its own size, which was distilled from another, on the labelled rows of all of them",
    expects="a small gain over the untaught twin, the most where labels are noisy; a gain that longer training does not give",
    stages=(
        Stage("teacher"),
        Stage("generation_1", size="student", taught_by=("teacher",)),
        Stage("generation_2", size="student", taught_by=("generation_1",)),
        Stage("twin"),
        Stage("student", taught_by=("generation_2",)),
    ),
    controls=("step_matched_twin",),
    student_size="same",
    cites="arXiv:1805.04770",
)

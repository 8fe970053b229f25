"""No teacher at all: the baseline that every student stands beside."""

from kdprobe.core.recipe import Distiller

TWIN = Distiller(
    name="none",
    title="no teacher (twin)",
    knowledge="none",
    tasks=("classification", "regression"),
    loss=None,
    formula="label loss",
    needs=(),
)

"""The nested least-squares world: Gaussian features of falling weight, of which a model sees the first so many."""

import hashlib
from collections.abc import Mapping

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.recipe import Option
from kdprobe.core.scheme import Rows
from kdprobe.core.task import Dataset, Expected, SplitSizes, Task, World

ROWS, FEATURES = 60_000, 60
"""So many rows that two seeds, each with some hundred of them, have next to none in common."""
NOISE = 0.25
BETA = np.arange(1, FEATURES + 1) ** -0.75
VARIANCE = float(BETA @ BETA + NOISE)
"""Of x'β + noise; targets are divided by its root, so that losses are in target variances as everywhere."""


def load() -> Dataset:
    """Return 60,000 rows: x (60000, 60) standard normal, y = (x'β + noise)/sd with β_j = j^-.75 and noise of variance .25."""
    rng = np.random.default_rng(20_231_107)
    x = rng.standard_normal((ROWS, FEATURES), dtype=np.float32)
    y = (x @ BETA + np.sqrt(NOISE) * rng.standard_normal(ROWS)) / np.sqrt(VARIANCE)
    # by content: another version of numpy may draw other rows, and they are other data then
    return Dataset(
        x=x,
        y=y[:, None],
        sha256=hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest(),
        targets=("y",),
        columns=tuple(f"x{i}" for i in range(1, FEATURES + 1)),
    )


def law(
    *, family: str, options: Mapping[str, Option], student: int, teacher: int, sizes: SplitSizes, rows: Rows, alpha: float
) -> Expected | None:
    """Expected squared errors, in target variances.

    On the teacher's own rows a student with no more features than its teacher equals its twin, whatever alpha. On transfer rows the law
    is that of `kdprobe.theory.nested_ols`.
    """
    # other theorems of the room need scipy, which plans do without
    from kdprobe.theory.nested_ols import nested_ols

    if family != "nested_linear" or options.get("ridge", 0.0) != 0 or (rows == "train" and teacher < student):
        return None
    try:
        found = nested_ols(BETA, NOISE, n=sizes.train, p=student, q=teacher, m=sizes.transfer if rows == "transfer" else np.inf)
    except DataError:
        # fewer rows than features: no finite expectation
        return None
    taught = found.student_risk if rows == "transfer" else found.twin_risk
    return Expected(taught / VARIANCE, found.twin_risk / VARIANCE, found.teacher_risk / VARIANCE)


NESTED_OLS = Task(
    name="nested_ols",
    kind="regression",
    title="Nested least squares",
    load=load,
    split=SplitSizes(train=80, transfer=160, validation=500, probe_a=1000, probe_b=8000),
    source="generated",
    licence="none needed: generated",
    families=("nested_linear", "mlp", "random_features"),
    rows=ROWS,
    notes=(
        "y = x'β + noise, divided by its standard deviation; x of 60 independent standard normal features, β_j = j^-.75, noise of variance "
        ".25. Each seed has labelled and transfer rows of its own.",
        "With nested_linear networks the expected loss of every model is known exactly: at 80 labelled and 160 transfer rows a student of "
        "4 features gains most from a teacher of 14, while the best teacher has 26.",
    ),
    world=World(law=law, title="the exact law"),
    cites="Breiman and Freedman 1983, doi:10.1080/01621459.1983.10477945 (risk of least squares on Gaussian features)",
)

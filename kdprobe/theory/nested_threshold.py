"""How much label noise turns distillation from help to harm in the nested least-squares law, for all four objectives.

In the law every risk is a straight line in the noise σ², so the gain over the twin is one too, gain(σ²) = gain(0) + slope·σ², and changes
sign at most once. For compression with endless rows and β_{>q} = 0 it helps where σ² < ‖β_{p+1..q}‖²(n-q-1)/(q-p): more noise makes it
worse, as the larger teacher pays for it. A smaller teacher (expansion) is the other way round: it helps above a threshold.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from kdprobe.theory.checks import GAUSSIAN_ERRORS, HOMOSCEDASTIC, INDEPENDENT_ROWS, LAW_OF_RISK, SAME_DISTRIBUTION, STRAIGHT, TRANSFER_ROWS
from kdprobe.theory.nested_ols import nested_ols, simulate_nested_ols
from kdprobe.theory.theorem import Assumption, Theorem, Truth, World


class NoiseThreshold(NamedTuple):
    """Where the gain of distillation is 0."""

    noise: float | None
    """σ*², variance of the labels at which student and twin are equal; None where no noise of 0 or more does it."""
    helps: Literal["below", "above", "always", "never"]
    """On which side of it distillation gains."""
    noiseless: float
    """Gain at σ² = 0: twin's excess less the student's."""
    slope: float
    """What the gain grows by with each unit of σ²."""


def noise_threshold(
    beta: np.ndarray, *, n: int, p: int, q: int, m: float, teachers: int = 1, shift: np.ndarray | None = None
) -> NoiseThreshold:
    """Return the label noise at which distillation stops, or begins, to help a nested least-squares student.

    Parameters
    ----------
    beta, n, p, q, m, teachers, shift
        As in `kdprobe.theory.nested_ols`; m may be finite or ``math.inf``.

    Returns
    -------
    NoiseThreshold
        Exact: the gain is a straight line in the noise. A gain of exactly 0 counts as none. Cost: O(D).

    Raises
    ------
    DataError
        As `kdprobe.theory.nested_ols`.

    Examples
    --------
    >>> beta = np.sqrt([1.0] * 5 + [0.2] * 15)
    >>> found = noise_threshold(beta, n=40, p=5, q=20, m=math.inf)
    >>> found.helps, round(found.noise, 9)
    ('below', 3.8)
    >>> noise_threshold(beta, n=40, p=5, q=20, m=200).noise < 3.8
    True
    """
    setting: dict[str, Any] = {"n": n, "p": p, "q": q, "m": m, "teachers": teachers, "shift": shift}
    at_0, at_1 = (nested_ols(beta, noise, **setting) for noise in (0.0, 1.0))
    start = at_0.twin - at_0.student
    slope = (at_1.twin - at_1.student) - start
    # what rounding leaves of equal risks is no gain
    tiny = 1e-12 * (at_1.twin + at_1.student)
    start, slope = (0.0 if abs(value) <= tiny else value for value in (start, slope))
    if start * slope < 0:
        return NoiseThreshold(-start / slope, "below" if start > 0 else "above", start, slope)
    return NoiseThreshold(None, "always" if start + slope > 0 else "never", start, slope)


def _law(world: World) -> dict[str, float]:
    found = nested_ols(**world)
    return {"student": found.student, "twin": found.twin, "teacher": found.teacher}


def _simulate(world: World, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    sizes = {name: value for name, value in world.items() if name != "q"}
    found = simulate_nested_ols(**sizes, q=(world["q"],), seeds=draws, rng=rng)
    return {"student": found.student[:, 0], "twin": found.twin, "teacher": found.teacher[:, 0]}


def _worlds() -> tuple[World, ...]:
    found: list[World] = []
    for n, m, decay, noise in ((40, 30, 0.75, 0.25), (40, 200, 0.75, 2.0), (80, 60, 0.3, 0.25), (80, math.inf, 1.2, 0.5)):
        beta = np.arange(1, 21) ** -decay
        for p, q in ((4, 10), (6, 18), (8, 8), (10, 5)):
            found.append({"beta": beta, "noise": noise, "n": n, "p": p, "q": q, "m": m})
        found.append({"beta": beta, "noise": noise, "n": n, "p": 6, "q": 6, "m": m, "teachers": 3})
        found.append({"beta": beta, "noise": noise, "n": n, "p": 4, "q": 9, "m": m, "shift": np.array([0.3, 0, -0.2, 0, 0, 0.4])})
    return tuple(found)


_DECAY = np.arange(1, 61) ** -0.75
_STEP = np.sqrt(np.array([1.0] * 5 + [0.2] * 15))

NESTED_OLS = Theorem(
    name="nested_ols",
    title="nested least squares",
    statement="A student of p features on m rows labelled by a teacher of q gains over its twin what the teacher's lower noise in shared "
    "features is worth, less what the teacher puts into features that the student cannot see.",
    assumptions=(
        Assumption(name="an order without labels", says="The order of the features was not chosen by looking at the labels."),
        TRANSFER_ROWS,
        STRAIGHT,
        HOMOSCEDASTIC,
        GAUSSIAN_ERRORS,
        INDEPENDENT_ROWS,
        LAW_OF_RISK,
        SAME_DISTRIBUTION,
    ),
    predict=_law,
    simulate=_simulate,
    worlds=_worlds(),
    truths=(
        Truth(name="student", compute=lambda: nested_ols(_DECAY, 0.25, n=80, p=4, q=14, m=160).student, value=0.044676090440),
        Truth(name="twin", compute=lambda: nested_ols(_DECAY, 0.25, n=80, p=4, q=14, m=160).twin, value=0.049826363994),
        Truth(name="the best teacher", compute=lambda: nested_ols(_DECAY, 0.25, n=80, p=4, q=26, m=160).teacher, value=0.318456452734),
        Truth(name="threshold", compute=lambda: noise_threshold(_STEP, n=40, p=5, q=20, m=math.inf).noise or 0.0, value=3.8),
    ),
    cites="Breiman and Freedman 1983, doi:10.1080/01621459.1983.10477945 (least squares on Gaussian features); the rest is derived here",
)  # fmt: skip

"""Columns to look at before an advice is believed: the target under another name, or the number of the row."""
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Sequence

import numpy as np

from kdprobe.stats.likeness import ALIKE, likeness

EXACT = 1e-12
"""Share of the target's variance that rounding leaves where columns give it exactly."""
COPIES = 0.25
"""Share of the rows from which copies are told of."""


def suspicions(x: np.ndarray, y: np.ndarray, *, names: Sequence[str], target: str) -> tuple[str, ...]:
    """Say which columns of X may be none to learn from, and why.

    Parameters
    ----------
    x, y
        (n, d) and (n,) finite numbers.
    names, target
        What to call the columns and y.

    Examples
    --------
    >>> y = np.array([3.0, 1.0, 2.0, 5.0])
    >>> suspicions(np.stack([2 * y, y**2 - 6 * y], axis=1), y, names=["'double'", "'bent'"], target="'price'")
    ("'double' tells 'price' by itself (correlation 1.0000): drop it if it is the target under another name",)
    """
    found: list[str] = []
    for name, values in zip(names, x.T, strict=True):
        like = likeness(values, y)
        if like > ALIKE:
            found.append(f"{name} tells {target} by itself (correlation {like:.4f}): drop it if it is the target under another name")
        elif len(values) > 1 and (np.diff(values) == 1).all():
            counted = f"{values[0]:.0f}, {values[1]:.0f}, ..."
            found.append(f"{name} counts the rows ({counted}): drop it if it is the number of the row")
    found += [] if found else _made_of(x, y, names, target)
    copies = len(x) - len(np.unique(np.column_stack([x, y]), axis=0))
    if copies > COPIES * len(x):
        found.append(f"{copies} of {len(x)} rows are copies of others: drop them, as intervals take each for one more observation")
    return tuple(found)


def _made_of(x: np.ndarray, y: np.ndarray, names: Sequence[str], target: str) -> list[str]:
    """A target that several columns give together, to rounding: a sum or a difference of which they are parts."""
    n, d = x.shape
    # numbers of any size: squares of them must stay in the range of float64
    x, y = _scaled(x), _scaled(y)
    spread = x.std(axis=0)
    if n < d + 2 or d < 2 or not y.std() > 0 or not (spread > 0).any():
        return []
    kept = np.flatnonzero(spread > 0)
    names = [names[place] for place in kept.tolist()]
    design = (x[:, kept] - x[:, kept].mean(axis=0)) / spread[kept]
    centred = (y - y.mean()) / y.std()
    weights: np.ndarray = np.linalg.lstsq(design, centred, rcond=None)[0]
    if float(np.mean((centred - design @ weights) ** 2)) > EXACT:
        return []
    order: list[int] = np.argsort(-np.abs(weights)).tolist()
    parts = [names[i] for i in order if abs(weights[i]) > 1e-6]
    named = ", ".join(parts[:4]) + (f" and {len(parts) - 4} more" if len(parts) > 4 else "")
    return [f"{named} give {target} together without any error: drop those that were computed from it"]


def _scaled(values: np.ndarray) -> np.ndarray:
    return values / np.maximum(np.abs(values).max(axis=0, initial=0.0), np.finfo(np.float64).tiny)

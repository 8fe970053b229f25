"""Columns to look at before an advice is believed: the target under another name, or the number of the row."""

from collections.abc import Sequence

import numpy as np

from kdprobe.stats.likeness import ALIKE, likeness


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
    return tuple(found)

"""Somebody's own data as the theorems see them: features in an order that no label has a part in, and least squares of every size."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from kdprobe.core.arguments import choice, whole
from kdprobe.core.arrays import as_array
from kdprobe.core.errors import DataError

Order = Literal["principal", "columns"]
FAR = 1e100
"""Beyond it, and below its inverse, squares of values leave the range of float64."""
ORDERS = ("principal", "columns")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Labelled rows, and perhaps unlabelled ones.

    Parameters
    ----------
    features
        (n, k) labelled rows in the order in which models take them in, centred.
    target
        (n,) labels, centred, in their standard deviations.
    fresh
        (m, k) unlabelled rows, moved and scaled as the labelled ones; None where only their number is known, or there are none.
    transfer
        m: unlabelled rows there are or will be; 0 for none, ``math.inf`` for endless.
    student
        p, features of the student.
    spectrum
        (d,) eigenvalues of the correlation matrix of all rows' columns, falling.
    scale
        Standard deviation of the labels, in their own units.
    order
        "principal": components of the columns by variance, on all rows. "columns": the columns as they are given.
    """

    features: np.ndarray
    target: np.ndarray
    fresh: np.ndarray | None
    transfer: float
    student: int
    spectrum: np.ndarray
    scale: float
    order: Order

    @property
    def rows(self) -> int:
        """n, labelled rows."""
        return len(self.target)

    @property
    def sizes(self) -> int:
        """k, the largest size of a model that these rows can estimate."""
        return self.features.shape[1]

    @cached_property
    def basis(self) -> np.ndarray:
        """(n, k) orthonormal: its first q columns span the first q features."""
        return np.linalg.qr(self.features)[0]

    @cached_property
    def coefficients(self) -> np.ndarray:
        """(k,) of the labels along the basis."""
        return self.basis.T @ self.target

    def residuals(self, size: int) -> np.ndarray:
        """(n,) of least squares on the first features, with an intercept."""
        return self.target - self.basis[:, :size] @ self.coefficients[:size]

    def variance(self, size: int) -> float:
        """Residual variance of least squares on the first features, without bias: noise, and what those features do not hold."""
        return float((self.residuals(size) ** 2).sum()) / (self.rows - size - 1)

    def leverages(self, size: int) -> np.ndarray:
        """(n,) of the rows in least squares on the first features, the intercept's share included."""
        return 1 / self.rows + (self.basis[:, :size] ** 2).sum(axis=1)


def read_sample(
    x: Any, y: Any, *, unlabelled: Any = None, student: int | None = None, order: Order = "principal", largest: int | None = None
) -> Sample:
    """Check somebody's data and bring them into the form of the theorems.

    Parameters
    ----------
    x
        (n, d) labelled rows, numbers only; a data frame keeps its names for errors.
    y
        (n,) or (n, 1) labels.
    unlabelled
        (m, d) rows without labels, or how many of them there will be, or ``math.inf``.
    student
        p, features of the student; by default a quarter of the columns.
    order
        In which order models take features in: principal components of all rows, or the columns as given.
    largest
        Largest size of a teacher to come; refused by name where the rows are too few.

    Returns
    -------
    Sample
        Cost: O((n + m) d²).

    Raises
    ------
    DataError
        If something is not a finite number, unpaired, constant or singular, or if rows are too few for the student.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sample = read_sample(rng.normal(size=(50, 8)), rng.normal(size=50), unlabelled=200)
    >>> sample.student, sample.sizes, sample.transfer
    (2, 8, 200)
    """
    choice("order", order, ORDERS)
    names = _names(x)
    x, y = _numbers(x, "X"), _numbers(y, "y")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if x.ndim != 2 or y.ndim != 1 or len(x) != len(y) or not x.shape[1]:
        raise DataError(f"X has shape {x.shape}, y {y.shape}: give (n, d) and (n,), rows paired")
    fresh, transfer = _unlabelled(unlabelled, x.shape[1])
    rows, columns = x.shape
    p = max(1, round(columns / 4)) if student is None else whole("student", student, least=1, advice="give a number of features from 1 on")
    if p > columns:
        raise DataError(f"student={p} of {columns} features: give 1 to {columns}")
    for name, size in (("student", p), ("teacher", p if largest is None else largest)):
        if rows < size + 3:
            raise DataError(f"{rows} labelled rows: a {name} of {size} features has a finite expected risk from {size + 3} on: label more")
    spread = float(y.std())
    if spread <= 1e-12 * max(float(np.abs(y).max()), 1e-300):
        raise DataError(f"y is constant ({y[0]:g}): there is nothing to predict")
    flat = x.std(axis=0) <= 1e-12 * np.abs(x).max(axis=0)
    if flat.any():
        at = int(np.flatnonzero(flat)[0])
        raise DataError(f"column {names[at]} of X is constant ({x[0, at] + 0.0:g}) on the labelled rows: leave it out")
    every = x if fresh is None else np.concatenate([x, fresh])
    centre, width = every.mean(axis=0), every.std(axis=0)
    every = (every - centre) / width
    values, vectors = np.linalg.eigh(every.T @ every / len(every))
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[-1] <= 1e-10 and len(every) > columns:
        guilty = names[int(np.abs(vectors[:, -1]).argmax())]
        raise DataError(f"X is singular: column {guilty} is a combination of the others; leave it out")
    # teachers larger than the rows can estimate have no finite risk
    most = min(columns, rows - 3)
    if order == "principal":
        every = every @ vectors[:, :most]
    features = every[:rows, :most]
    middle = features.mean(axis=0)
    features = features - middle
    corner = np.abs(np.diag(np.linalg.qr(features, mode="r")))
    if (corner <= 1e-7 * np.linalg.norm(features, axis=0)).any():
        at = int((corner / np.linalg.norm(features, axis=0)).argmin())
        what = f"column {names[at]}" if order == "columns" else f"component {at + 1}"
        raise DataError(
            f"the labelled rows of X are singular: {what} is a combination of those before it; leave a column out, or label more rows"
        )
    return Sample(
        features=features, target=(y - y.mean()) / spread, fresh=None if fresh is None else every[rows:, :most] - middle, transfer=transfer,
        student=p, spectrum=values, scale=spread, order=order,
    )  # fmt: skip


def _names(x: Any) -> list[str]:
    columns = getattr(x, "columns", None)
    if columns is not None:
        return [repr(str(name)) for name in columns]
    shape = x.shape if hasattr(x, "shape") else np.shape(x)
    return [str(place) for place in range(shape[1] if len(shape) > 1 else 0)]


def _numbers(values: Any, name: str) -> np.ndarray:
    if hasattr(values, "select_dtypes"):
        # a frame of numbers and of yes and no would be an array of objects
        values = values.astype(dict.fromkeys(values.select_dtypes("bool").columns, "int64"))
    array = as_array(values, name)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{name} holds {array.dtype} entries: give numbers; a column of words becomes one column of 0 and 1 for each word but one"
        )
    array = array.astype(np.float64)
    wrong = ~np.isfinite(array)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise DataError(
            f"{name} holds {int(wrong.sum())} entries that are NaN or infinite, the first in row {row}: fill them or leave their rows out"
        )
    # per column: squares must neither overflow nor vanish
    largest = np.atleast_1d(np.abs(array).max(axis=0, initial=0.0))
    beyond = largest[(largest > FAR) | ((largest > 0) & (largest < 1 / FAR))]
    if beyond.size:
        raise DataError(f"{name} holds {beyond[0]:g} in size: give it in a unit in which it lies between {1 / FAR:g} and {FAR:g}")
    return array


def _unlabelled(given: Any, columns: int) -> tuple[np.ndarray | None, float]:
    given = given.tolist() if np.ndim(given) == 0 and hasattr(given, "tolist") else given
    if given is None:
        return None, 0
    if not isinstance(given, bool) and isinstance(given, int | float):
        if not given >= 1 or (not math.isinf(given) and given != int(given)):
            raise DataError(f"unlabelled={given!r}: give rows, or how many there will be, 1 or more")
        return None, math.inf if math.isinf(given) else int(given)
    fresh = _numbers(given, "unlabelled")
    if fresh.ndim != 2 or fresh.shape[1] != columns or not len(fresh):
        raise DataError(f"unlabelled has shape {fresh.shape}: give (m, {columns}), the columns of X in their order")
    return fresh, len(fresh)

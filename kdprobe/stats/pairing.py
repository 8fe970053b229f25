"""Which runs can be compared: seeds that have all sizes, or the seeds that each two sizes share; in units that are independent."""

from typing import NamedTuple

import numpy as np

from kdprobe.stats.resampling import by_draw


class Paired(NamedTuple):
    """Runs that can be compared."""

    values: dict[str, np.ndarray]
    """(units, sizes) by name. Units are seeds, or the means of draws where there are several: seeds of one draw share their rows."""
    rows: np.ndarray
    """(seeds,) which seeds were kept."""
    columns: np.ndarray
    """(sizes,) which sizes were kept."""


def complete_pairs(grids: dict[str, np.ndarray], draws: np.ndarray) -> Paired:
    """Cut grids to the pairs that all of them have.

    Seeds that lack a size are left out whole, so that every contrast is between the same seeds; a size that most seeds lack is left out
    instead, so that one failing size does not cost the others.

    Parameters
    ----------
    grids
        (seeds, sizes) by name, NaN where a run is missing.
    draws
        (seeds,) the draw of labelled rows of each seed.

    Examples
    --------
    >>> grid = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [5.0, 6.0, 7.0]])
    >>> paired = complete_pairs({"gain": grid}, np.zeros(3))
    >>> paired.values["gain"].tolist(), paired.rows.tolist(), paired.columns.tolist()
    ([[1.0, 2.0], [5.0, 6.0]], [True, False, True], [True, True, False])
    """
    whole = _whole(grids)
    columns = whole.mean(axis=0) >= 0.5
    rows = np.asarray(whole[:, columns].all(axis=1) & bool(columns.any()), dtype=bool)
    return Paired({name: by_draw(grid[rows][:, columns], draws[rows]) for name, grid in grids.items()}, rows, columns)


def shared_pairs(grids: dict[str, np.ndarray], draws: np.ndarray) -> Paired:
    """Keep every run that all grids have, so that two sizes can be compared by the seeds that have both.

    A size that fewer than two units have is left out, because it has no interval, and so is a seed that has one size alone, which is
    in no contrast. What stays may hold NaN.

    Parameters
    ----------
    grids, draws
        As in `complete_pairs`.

    Notes
    -----
    The mean of a draw's seeds is that of their additive fit (level of the seed + level of the size): where a draw lacks runs, the plain
    mean of a size would hold the levels of the seeds that it happens to have.

    Examples
    --------
    >>> grid = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, 4.0], [5.0, 6.0, 7.0]])
    >>> paired = shared_pairs({"gain": grid}, np.zeros(3))
    >>> paired.values["gain"].tolist(), paired.rows.tolist(), paired.columns.tolist()
    ([[1.0, 2.0, nan], [3.0, nan, 4.0], [5.0, 6.0, 7.0]], [True, True, True], [True, True, True])
    """
    whole = _whole(grids)
    several = len(np.unique(draws)) > 1
    units = np.stack([whole[draws == draw].any(axis=0) for draw in np.unique(draws)]) if several else whole
    counts = units.sum(axis=0)
    # of one unit alone there is nothing to compare, and what it has is there to say so
    columns = np.asarray(counts >= min(2, max(1, int(counts.max(initial=0)))), dtype=bool)
    there = whole & columns
    rows = np.asarray(there.sum(axis=1) >= min(2, int(columns.sum())), dtype=bool) & bool(columns.any())
    found: dict[str, np.ndarray] = {}
    for name, grid in grids.items():
        kept = np.where(there, grid, np.nan)[rows][:, columns]
        own = draws[rows]
        if several:
            means = np.stack([levels(kept[own == draw]) for draw in np.unique(own)]) if len(own) else kept
            kept = np.where(np.isfinite(means), means, np.nan)
        found[name] = kept
    return Paired(found, rows, columns)


def levels(values: np.ndarray) -> np.ndarray:
    """Mean of each size over units (..., units, sizes): plain where no run is missing, else that of the additive fit unit + size.

    The level of a size without any run is minus infinity, so that it is never the best one.

    Examples
    --------
    >>> levels(np.array([[0.0, 1.0], [10.0, np.nan]])).round(9).tolist()  # the second unit is 10 above the first
    [5.0, 6.0]
    """
    there = ~np.isnan(values)
    if there.all():
        return values.mean(axis=-2)
    stacked, known = values.reshape(-1, *values.shape[-2:]), there.reshape(-1, *values.shape[-2:])
    return np.stack([_additive(*pair) for pair in zip(stacked, known, strict=True)]).reshape(*values.shape[:-2], values.shape[-1])


def copies(grid: np.ndarray, other: np.ndarray) -> tuple[int, int] | None:
    """Places of two seeds of which one is a copy of the other, None where there are none.

    Parameters
    ----------
    grid
        (seeds, sizes) gains, NaN where a run is missing.
    other
        (seeds, sizes) what else was measured of the same runs: where gains are coarse, such as accuracies of few rows, two seeds may have
        the same by chance, and are no copies unless this is the same too, and is not so in all seeds.

    Notes
    -----
    Gains that are the same at all sizes, such as the 0 of a student that learns nothing from any teacher, are no sign of a copy.

    Examples
    --------
    >>> gain = np.array([[0.11, 0.52], [0.23, 0.34], [0.11, 0.52]])
    >>> copies(gain, np.zeros((3, 2)))
    (0, 2)
    """
    varied = np.flatnonzero(np.nanmax(grid, axis=1, initial=-np.inf) > np.nanmin(grid, axis=1, initial=np.inf))
    seen: dict[bytes, int] = {}
    twice: list[tuple[int, int]] = []
    for seed in varied.tolist():
        first = seen.setdefault(grid[seed].tobytes(), seed)
        twice += [(first, seed)] if first != seed else []
    if not twice:
        return None
    once = grid[list(seen.values())]
    coarse = any(len(np.unique(column)) < len(column) for column in (size[~np.isnan(size)] for size in once.T))
    if not coarse:
        return twice[0]
    if len({row.tobytes() for row in other}) < 2:
        return None
    return next((pair for pair in twice if np.array_equal(other[pair[0]], other[pair[1]], equal_nan=True)), None)


def _additive(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Least squares of unit + size on the values that are there; the levels of the sizes at the mean unit."""
    units, sizes = values.shape
    own: np.ndarray = -np.inf * np.ones(sizes)
    row, column = np.nonzero(there)
    if not len(row):
        return own
    design = np.zeros((len(row), units + sizes))
    design[np.arange(len(row)), row] = 1
    design[np.arange(len(row)), units + column] = 1
    found: np.ndarray = np.linalg.lstsq(design, values[there], rcond=None)[0]
    known = np.asarray(there.any(axis=0), dtype=bool)
    mean = float(found[:units][there.any(axis=1)].mean())
    own[known] = found[units:][known] + mean
    return own


def _whole(grids: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(np.stack([np.isfinite(grid) for grid in grids.values()]).all(axis=0), dtype=bool)

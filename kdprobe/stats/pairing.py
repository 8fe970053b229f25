"""Which runs can be compared: seeds that have all sizes, in units that are independent."""

from typing import NamedTuple

import numpy as np

from kdprobe.stats.resampling import by_draw


class Paired(NamedTuple):
    """Complete pairs."""

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
    whole = np.asarray(np.stack([np.isfinite(grid) for grid in grids.values()]).all(axis=0), dtype=bool)
    columns = whole.mean(axis=0) >= 0.5
    rows = np.asarray(whole[:, columns].all(axis=1) & bool(columns.any()), dtype=bool)
    return Paired({name: by_draw(grid[rows][:, columns], draws[rows]) for name, grid in grids.items()}, rows, columns)

"""How many rows each part of somebody's own data has: a rule of the number of rows alone."""

from kdprobe.core.errors import DataError
from kdprobe.core.task import SplitSizes

LEAST = 100
"""Rows below which a probe half has fewer than 20 rows: a sweep of so few still ends in a verdict, of fewer hardly in an interval."""
SHARES = {
    "probe_a": (0.2, 5_000),
    "probe_b": (0.2, 5_000),
    "validation": (0.1, 5_000),
    "train": (0.225, 10_000),
    "transfer": (0.275, 20_000),
}
"""Of each part, its share of the rows, and how many it has at most: training takes batches, so more rows than that would cost memory."""


def sizes_of(rows: int, *, largest_group: int = 1, name: str = "data") -> SplitSizes:
    """Return the rows in each part: 20 % each for probe halves A (similarity) and B (performance), 10 % for validation, 22.5 % for training
    and 27.5 % for transfer, up to 5,000, 5,000, 5,000, 10,000 and 20,000.

    Raises
    ------
    DataError
        If there are fewer than 100 rows, or one group is larger than the smallest part.

    Examples
    --------
    >>> sizes_of(1000)
    SplitSizes(train=225, transfer=275, validation=100, probe_a=200, probe_b=200)
    >>> sizes_of(1_000_000).total
    45000
    """
    if rows < LEAST:
        raise DataError(f"{name} has {rows} rows: give at least {LEAST}, so that each probe half has 20")
    found = {part: min(int(rows * share), most) for part, (share, most) in SHARES.items()}
    if largest_group > found["validation"]:
        raise DataError(
            f"{name}: one group has {largest_group} of {rows} rows, and a part has {found['validation']}: a group stays in one part, so "
            "give more groups, or leave --group out if its rows are independent"
        )
    return SplitSizes(**found)

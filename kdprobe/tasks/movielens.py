"""MovieLens: the stars that a person gives to a film."""

import os
import warnings

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import debian
from kdprobe.tasks.unpacking import objects_of

_FILES = debian(
    "movielens",
    package="r-cran-dslabs",
    folder="/usr/lib/R/site-library/dslabs/data",
    files={"Rdata.rdb": "7f740c8802abcf5de56096417560b2d5be317c59f30d50c9d37548695952aa3b"},
)
_LEAST_OF_FILM, _LEAST_OF_PERSON = 50, 20


def kept(people: np.ndarray, films: np.ndarray) -> np.ndarray:
    """Return which ratings (n,) are of a film with 50 ratings or more, and then of a person with 20 or more of these."""
    _, rank, counts = np.unique(films, return_inverse=True, return_counts=True)
    often = counts[rank] >= _LEAST_OF_FILM
    _, rank, counts = np.unique(people[often], return_inverse=True, return_counts=True)
    often[np.flatnonzero(often)] = counts[rank] >= _LEAST_OF_PERSON
    return often


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return 41,198 ratings of 453 films by 518 people: x (41198, 971), who and what, one-hot each; target 0.5 to 5 stars.

    Raises
    ------
    DataError
        If the package `rdata`, which reads R's tables, is not installed, or the file holds no such table.
    """
    content = _FILES.read(path)["Rdata.rdb"]
    try:
        import rdata
    except ImportError as error:
        raise DataError("movielens lies in a table of R, which the package rdata reads: run `pip install rdata`") from error
    table = next((found for found in objects_of(content) if b"movieId" in found), None)
    if table is None:
        raise DataError("the file holds no table of ratings: take it from its source again")
    with warnings.catch_warnings():
        # of a class of tables that R has besides data.frame, and rdata knows no more of
        warnings.simplefilter("ignore")
        ratings = rdata.conversion.convert(rdata.parser.parse_data(table))
    people, films = (ratings[name].to_numpy(dtype=np.int64) for name in ("userId", "movieId"))
    often = kept(people, films)
    names, codes = zip(*(np.unique(values[often], return_inverse=True) for values in (people, films)), strict=True)
    x = np.zeros((int(often.sum()), sum(map(len, names))), dtype=np.uint8)
    rows = np.arange(len(x))
    x[rows, codes[0]] = x[rows, len(names[0]) + codes[1]] = 1
    return Dataset(
        x=x,
        y=ratings["rating"].to_numpy(dtype=np.float64)[often][:, None],
        sha256=_FILES.sha256,
        targets=("stars",),
        columns=tuple(f"{end}={number}" for end, found in zip(("person", "film"), names, strict=True) for number in found),
        indicators=True,
    )


MOVIELENS = Task(
    name="movielens",
    kind="regression",
    title="MovieLens: stars",
    load=load,
    split=SplitSizes(train=16_000, transfer=12_000, validation=3000, probe_a=5000, probe_b=5000),
    source="the Debian package r-cran-dslabs: MovieLens, ml-latest-small of 2016",
    licence="research use, no redistribution (GroupLens)",
    families=("factors", "mlp", "random_features"),
    rows=41_198,
    files=_FILES,
    notes=(
        "Of 100,004 ratings those of films with 50 or more, and of people with 20 or more of these. A network sees who and what one-hot, "
        "so the rows of its first layer are the factors of each person and each film, and its width is the number of factors.",
        "Larger networks do worse unless their weights decay: most of a rating is noise.",
    ),
    cites="doi:10.1145/2827872",
)

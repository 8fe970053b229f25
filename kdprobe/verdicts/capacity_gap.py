"""The public reading of a table of gains: is there a capacity gap, which sizes may be best, at which ratio?"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from kdprobe.core.errors import DataError
from kdprobe.core.result import Result
from kdprobe.core.section import Verdict
from kdprobe.core.words import interval, listed
from kdprobe.stats.pairing import copies, shared_pairs
from kdprobe.verdicts.gap import MARGIN_SHARE, GapReading, decide, read_gap
from kdprobe.verdicts.gap_table import Setting, columns_of, settings_of


@dataclass(frozen=True, kw_only=True, eq=False)
class GapVerdict:
    """Whether a smaller teacher serves a student better than the largest one.

    Parameters
    ----------
    verdict
        "SUPPORTED", "CONTRADICTED", "INCONCLUSIVE" or "NOT APPLICABLE"; what narrows it is in ``details["qualifier"]``.
    best_sizes
        Teacher sizes that may be the best: a set that holds the truly best of the grid with probability .95.
    ratio
        Best teacher size over student size. A refusal where no gap is shown or the curve may have more than one hump; an upper bound where
        the smallest teacher is the best.
    conditions
        "a": the best smaller teacher serves better than the largest; "b": the largest is itself the better model; "c": the best size is
        not at the edge of the grid; "d": the curve may have one hump. Empty with too few sizes or seeds.
    by_student
        The verdict of each student size; the fields above are those of the smallest.
    by_setting
        Where settings were named, the verdict of each, by their values; the fields above are those of the first.
    details
        "qualifier"; "seeds"; "p" (one-sided, adjusted); "margin"; "upper" (95 % limit of the largest true deficit); the measurements
        "deficit" (of the largest teacher against the best smaller one) and "edge" (how much better a model the largest is); "needed" (seeds
        that would settle an inconclusive claim among as many as were read together, None beyond 1,000); "sizes" that were compared;
        "lacking", by teacher size how many of "all_seeds" lack it; "seeds" have the largest teacher and the best smaller one;
        "direction_only": whether there are too few seeds or draws for a verdict, where
        ``best_sizes`` are those that are not ruled out yet, and no best one is named.
    """

    verdict: Verdict
    best_sizes: tuple[float, ...]
    ratio: Result
    conditions: Mapping[str, bool]
    by_student: "Mapping[float, GapVerdict]" = field(default_factory=dict[float, "GapVerdict"])
    by_setting: "Mapping[Setting, GapVerdict]" = field(default_factory=dict[Setting, "GapVerdict"])
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        if self.by_setting:
            return "\n".join(f"{', '.join(map(str, setting))}: {found}" for setting, found in self.by_setting.items())
        qualifier = f" ({self.details['qualifier']})" if self.details["qualifier"] else ""
        deficit = self.details["deficit"]
        cost = ""
        if deficit and deficit.value < 0:
            cost = (
                f" The largest gives {interval(-deficit.value, -deficit.high, -deficit.low, deficit.unit)} more than the best smaller one."
            )
        elif deficit:
            cost = f" The largest costs {interval(deficit.value, deficit.low, deficit.high, deficit.unit)}."
        return f"{self.verdict}{qualifier}: capacity gap. {self._best()}{cost}{self._left_out()}"

    def _best(self) -> str:
        if not self.best_sizes:
            return "Which teacher size is best is not known."
        if len(self.best_sizes) == len(self.details["sizes"]):
            return "All teacher sizes may be best."
        sizes = listed([f"{size:g}" for size in self.best_sizes])
        # few seeds rule some sizes out, which names no best one
        return f"Teacher sizes not ruled out: {sizes}." if self.details["direction_only"] else f"Best teacher sizes: {sizes}."

    def _left_out(self) -> str:
        lacking, seeds = self.details["lacking"], self.details["all_seeds"]
        if not lacking:
            return ""
        told = [f"size {size:g} in {count}" for size, count in lacking.items()]
        return f" Missing: {listed(told)} of {seeds} seeds; sizes are compared by the seeds that have both."

    def _repr_html_(self) -> str:
        settings = self.by_setting or {(): self}
        cells = "".join(
            f"<tr><td>{html.escape(', '.join(map(str, setting)))}</td><td>{'' if size != size else f'{size:g}'}</td>"
            f"<td>{html.escape(str(verdict))}</td><td>{html.escape(str(verdict.ratio))}</td></tr>"
            for setting, found in settings.items()
            for size, verdict in (found.by_student or {float("nan"): found}).items()
        )
        heads = "".join(f"<th>{name}</th>" for name in ("setting", "student size", "verdict", "best ratio"))
        return f"<table><thead><tr>{heads}</tr></thead><tbody>{cells}</tbody></table>"


def capacity_gap(table: Any, *, margin: float | None = None, unit: str = "", by: Sequence[str] = ()) -> GapVerdict:
    """Decide whether a smaller teacher serves better than the largest one, from paired runs of one metric and one task.

    SUPPORTED: the best smaller teacher is shown to serve better (a) and the largest is itself shown to be the better model (b). NOT
    APPLICABLE: (a) without (b), "teacher degraded" where the largest is shown to be the worse model; or the largest has too few runs, for
    the verdict is about all sizes of the table. CONTRADICTED: every smaller size is shown to be ahead by less than the margin (each by a
    one-sided test at .05, of which all must hold). INCONCLUSIVE: none of these, or fewer than 8 seeds (direction only).

    Parameters
    ----------
    table
        A pandas DataFrame, or a mapping of columns, one row a run: student_size, teacher_size, seed, gain (of the student over its paired
        twin; larger is better), teacher_loss. Optional: draw (of labelled rows; with several, draws are the units, and a verdict needs 5),
        twin_score (of the paired twin, in the unit of the gain).
    margin
        Deficit below which a gap is negligible, in the unit of the gain; 0 or more, and finite. By default a fifth of the standard
        deviation of twin_score over seeds, or without that column a fifth of the standard deviation of gain over seeds, pooled over
        teacher sizes.
        SUPPORTED asks whether the deficit is above 0, however small it is: one below the margin is SUPPORTED and "too small to matter",
        or "perhaps" so where its own limit is not below. A huge margin makes CONTRADICTED of every verdict that would be INCONCLUSIVE, and
        0 of nearly none.
    unit
        Of the gain, for its measurements.
    by
        Columns of settings, such as ``["unlabelled_rows", "alpha"]``: each combination of their values is a setting with verdicts of
        its own. Without them runs of several settings are refused, because no one curve speaks of them.

    Returns
    -------
    GapVerdict
        With several students or settings, condition (a) and CONTRADICTED are each Holm-adjusted over all of them, and the fields are those
        of the smallest student under the first setting.

    Raises
    ------
    DataError
        If the table is none, a column is missing or not numeric, a value is not finite or beyond the range of its squares, a size is not
        above 0, a run is there twice, a seed is a copy of another, the margin is negative or not finite, or by names no settings. Runs that
        are missing are no error: two sizes are compared by the seeds that have both.

    Notes
    -----
    Cost: about 0.1 s a student. Where only the largest teacher's gains are skewed (a rare seed gains much), more flat curves than nominal
    are called gaps: see ``reports/calibration.md``.

    References
    ----------
    Condition (a): max-t by sign flips (Westfall and Young 1993) and by the bootstrap. Best sizes: Hsu 1981, Annals of Statistics 9:1026.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sizes, seeds = np.array([1e3, 2e3, 4e3, 8e3]), 10
    >>> table = {
    ...     "student_size": np.full(40, 500), "teacher_size": np.tile(sizes, seeds), "seed": np.repeat(np.arange(seeds), 4),
    ...     "gain": np.tile([0.0, 0.3, 0.2, 0.0], seeds) + rng.normal(0, 0.05, 40), "teacher_loss": np.tile([1.0, 0.8, 0.6, 0.5], seeds),
    ... }
    >>> found = capacity_gap(table, unit="nats")
    >>> print(found)
    SUPPORTED: capacity gap. Best teacher sizes: 2000. The largest costs 0.29 nats [0.25, 0.34].
    >>> found.conditions
    {'a': True, 'b': True, 'c': True, 'd': True}
    """
    columns = columns_of(table)
    if margin is not None and (isinstance(margin, bool) or not isinstance(margin, Real) or not 0 <= margin < np.inf):
        raise DataError(f"margin={margin!r}: give 0 or more, or None for a fifth of the seeds' standard deviation")
    settings = settings_of(table, by, len(columns["seed"]))
    found: list[tuple[Setting, float, _Read]] = []
    rows = {name: values for name, values in columns.items() if name != "student_size"}
    # by setting in the order of the rows, without going through all of them for each
    places: dict[Setting, list[int]] = {}
    for row, setting in enumerate(settings):
        places.setdefault(setting, []).append(row)
    for setting, under in places.items():
        of_setting = np.array(under)
        students = columns["student_size"][of_setting]
        for size in np.unique(students).tolist():
            own = of_setting[students == size]
            where = f"student {size:g}" + (f", setting {', '.join(map(str, setting))}" if setting else "")
            found.append((setting, size, _reading({name: values[own] for name, values in rows.items()}, size, margin, unit, where)))
    verdicts: dict[Setting, dict[float, GapVerdict]] = {}
    for (setting, size, read), reading in zip(found, decide([read.reading for *_, read in found]), strict=True):
        verdicts.setdefault(setting, {})[size] = _verdict(reading, size, read)
    by_setting = {setting: _of_students(by_student) for setting, by_student in verdicts.items()}
    first = next(iter(by_setting.values()))
    return replace(first, by_setting=by_setting) if by else first


def _of_students(by_student: dict[float, GapVerdict]) -> GapVerdict:
    return replace(next(iter(by_student.values())), by_student=by_student)


def _verdict(reading: GapReading, student: float, read: "_Read") -> GapVerdict:
    sizes = reading.sizes * student
    return GapVerdict(
        verdict=reading.verdict,
        best_sizes=tuple(_plain(sizes[i]) for i in reading.best_set),
        ratio=reading.ratio,
        conditions=reading.conditions,
        details={
            "qualifier": reading.qualifier, "seeds": reading.n, "p": reading.p, "margin": reading.margin,
            "upper": reading.upper if np.isfinite(reading.upper) else None, "deficit": reading.deficit, "edge": reading.edge,
            "needed": reading.needed, "sizes": tuple(map(_plain, sizes)), "lacking": read.lacking, "all_seeds": read.seeds,
            "direction_only": reading.direction_only,
        },
    )  # fmt: skip


def _plain(size: float) -> float:
    rounded = round(float(size))
    return rounded if abs(size - rounded) < 1e-6 * abs(size) else float(size)


class _Read(NamedTuple):
    """A reading, and what it had to do without."""

    reading: GapReading
    lacking: dict[float, int]
    seeds: int


def _reading(columns: dict[str, np.ndarray], student: float, margin: float | None, unit: str, where: str) -> _Read:
    sizes, column = np.unique(columns["teacher_size"], return_inverse=True)
    draws = columns.get("draw", np.zeros(len(column)))
    pairs, row = np.unique(np.stack([draws, columns["seed"]], axis=1), axis=0, return_inverse=True)
    row = row.reshape(-1)
    if len(np.unique(row * len(sizes) + column)) < len(row):
        raise DataError(
            "a student, teacher size, draw and seed is there twice: give one metric, one task and one regime a call, and name the columns "
            "of its settings in by"
        )
    grids: dict[str, np.ndarray] = {}
    for name in ("gain", "teacher_loss"):
        grids[name] = np.full((len(pairs), len(sizes)), np.nan)
        grids[name][row, column] = columns[name]
    _refuse_copies(grids, pairs, where)
    paired = shared_pairs(grids, pairs[:, 0])
    if margin is None:
        score = np.full((len(pairs), len(sizes)), np.nan)
        score[row, column] = columns.get("twin_score", columns["gain"])
        margin = MARGIN_SHARE * (seed_spread(score, pairs[:, 0]) if "twin_score" in columns else _pooled_spread(score, pairs[:, 0]))
    reading = read_gap(
        paired.values["gain"],
        paired.values["teacher_loss"],
        margin=float(margin),
        sizes=sizes[paired.columns] / student,
        unit=unit,
        seeds=int(paired.rows.sum()),
        lost="" if paired.columns.all() else "smaller" if paired.columns[-1] else "largest",
    )
    lacking = np.isnan(grids["gain"]).sum(axis=0)
    return _Read(reading, {_plain(size): int(count) for size, count in zip(sizes, lacking, strict=True) if count}, len(pairs))


def _refuse_copies(grids: Mapping[str, np.ndarray], pairs: np.ndarray, where: str) -> None:
    twice = copies(grids["gain"], grids["teacher_loss"])
    if twice:
        several = len(np.unique(pairs[:, 0])) > 1
        first, second = (f"seed {seed:g}" + (f" of draw {draw:g}" if several else "") for draw, seed in pairs[[*twice]])
        raise DataError(
            f"{first} and {second} have the same gains under every teacher ({where}): one is a copy of the other, and would count twice; "
            "leave it out, or train it from a seed of its own"
        )


def seed_spread(scores: np.ndarray, draws: np.ndarray) -> float:
    """Standard deviation over seeds of what does not depend on the teacher: the twins' scores (seeds, sizes).

    Within draws, or over draws where each has one seed. NaN where a run is missing; 0 where it cannot be known.
    """
    there = np.isfinite(scores)
    known = there.any(axis=1)
    sums = np.where(there, scores, 0.0).sum(axis=1)[known]
    return _pooled_spread((sums / there.sum(axis=1)[known])[:, None], draws[known])


def _pooled_spread(values: np.ndarray, draws: np.ndarray) -> float:
    """Standard deviation over seeds within draws, pooled over the columns of (seeds, sizes); over draws where each has one seed."""
    if len(np.unique(draws)) == len(draws):
        draws = np.zeros(len(draws), dtype=np.int64)
    squares, freedom = 0.0, 0
    for draw in np.unique(draws):
        for column in values[draws == draw].T:
            there = column[np.isfinite(column)]
            if len(there) > 1:
                squares += float(((there - there.mean()) ** 2).sum())
                freedom += len(there) - 1
    return float(np.sqrt(squares / freedom)) if freedom else 0.0

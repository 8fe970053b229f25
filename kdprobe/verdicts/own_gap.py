"""The answer of a table of runs that were trained elsewhere: a verdict a student, and over all students where few seeds allow none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from kdprobe.core.section import Verdict
from kdprobe.core.words import interval, number
from kdprobe.stats.paired import SEEDS_FOR_A_VERDICT
from kdprobe.stats.pairing import Paired, complete_pairs, shared_pairs
from kdprobe.verdicts.capacity_gap import GapVerdict, capacity_gap
from kdprobe.verdicts.gap_table import Setting
from kdprobe.verdicts.help import HelpReading, read_help, read_helps
from kdprobe.verdicts.own_runs import Runs, own_runs

ADVICE: Mapping[Verdict, str] = {
    "SUPPORTED": "Of these teachers take one of the best sizes, not the largest.",
    "CONTRADICTED": "The largest teacher is as good a choice as any smaller one: what it costs, if anything, is negligible.",
    "NOT APPLICABLE": "Train the largest teacher until it is itself the better model, then ask again.",
    "INCONCLUSIVE": "",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Students read together.

    Parameters
    ----------
    verdict
        Over the units; its best sizes are teacher sizes, and it has no ratio that means anything.
    students
        Their sizes.
    shared
        Whether students share their teachers: then seeds are the units, each the mean over its students; else each student's seeds are.
    units
        How many there are.
    """

    verdict: GapVerdict
    students: tuple[float, ...]
    shared: bool
    units: int

    def __str__(self) -> str:
        who = f"The {len(self.students)} students together"
        how = (
            f"{who} ({self.units} seeds, each the mean over students, which share their teachers)"
            if self.shared
            else f"{who} ({self.units} pairs of student and seed, each with teachers of its own)"
        )
        return f"{how}: {self.verdict}"


@dataclass(frozen=True, kw_only=True, eq=False)
class RunsGap:
    """What a table of runs says of the capacity gap.

    Parameters
    ----------
    runs
        The table as it was read.
    verdict
        Of `capacity_gap`; with several settings or students see its ``by_setting`` and ``by_student``.
    pools
        By setting, all students read together: only where none has seeds enough for a verdict of its own.
    unit
        Of the gains.
    margin_given
        Whether what is negligible was said, and not taken from the spread of seeds.
    """

    runs: Runs
    verdict: GapVerdict
    pools: Mapping[Setting, Pool]
    unit: str = ""
    margin_given: bool = False

    @property
    def settings(self) -> Mapping[Setting, GapVerdict]:
        """The verdict of each setting; of () where there are none."""
        return self.verdict.by_setting or {(): self.verdict}

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """The answer in sentences: verdicts with what to do first, then how the table was read and what has no part in it."""
        found, helps = list[str](), helps_of(self)
        for setting, of_setting in self.settings.items():
            place = ", ".join(f"{name} {value}" for name, value in zip(self.runs.by, setting, strict=True))
            if setting in self.pools:
                found.append(f"{place + ': ' if place else ''}{self.pools[setting]}")
            for student, verdict in of_setting.by_student.items():
                who = f"{place + ', ' if place else ''}student {student:g}: "
                teaching = teaching_told(helps[setting, student], of_setting.by_student[student])
                more = [direction(self.runs, setting, student, verdict), advice(verdict)]
                found.append(who + " ".join(text for text in (teaching, str(verdict), *more) if text))
        return [*found, *self.runs.said, *self.runs.left_out]


def runs_gap(
    table: Any,
    *,
    by: Sequence[str] = (),
    higher_is_better: bool | None = None,
    margin: float | None = None,
    unit: str = "",
    **columns: str | None,
) -> RunsGap:
    """Read a table of runs that were trained elsewhere, and decide whether a smaller teacher serves better than the largest.

    Parameters
    ----------
    table
        A pandas DataFrame, a mapping of columns, or what `own_runs` gave.
    by, higher_is_better, **columns
        See `own_runs`.
    margin, unit
        See `capacity_gap`.

    Notes
    -----
    With fewer than 8 seeds a student has a direction and no verdict. Students are then read together too. Where they share their teachers
    the unit stays the seed: the mean over students is less noisy, and there are no more units. Where each student was taught by teachers
    of its own (the teachers' losses differ from student to student), each pair of student and seed is a unit, and the claim is about the
    mean over these students.

    Examples
    --------
    >>> rng, sizes = np.random.default_rng(0), [1e3, 2e3, 4e3]
    >>> rows = [(s, t, seed) for s in (200, 400) for t in sizes for seed in range(5)]
    >>> gains = [{1e3: 0.1, 2e3: 0.3, 4e3: 0.2}[t] + rng.normal(0, 0.02) for _, t, _ in rows]
    >>> losses = [1e3 / t + rng.normal(0, 0.01) for _, t, _ in rows]
    >>> student, teacher, seed = zip(*rows, strict=True)
    >>> table = {"student_size": student, "teacher_size": teacher, "seed": seed, "gain": gains, "teacher_loss": losses}
    >>> print(runs_gap(table).pools[()])
    The 2 students together (10 pairs of student and seed, each with teachers of its own): SUPPORTED: capacity gap. Best teacher sizes:
    2000. The largest costs 0.12 [0.10, 0.14].
    """
    runs = table if isinstance(table, Runs) else own_runs(table, by=by, higher_is_better=higher_is_better, **columns)
    verdict = capacity_gap(runs, margin=margin, unit=unit, by=runs.by)
    settings = verdict.by_setting or {(): verdict}
    pools = {setting: pool for setting, found in settings.items() if (pool := _pool(runs, setting, found, margin, unit)) is not None}
    return RunsGap(runs=runs, verdict=verdict, pools=pools, unit=unit, margin_given=margin is not None)


def helps_of(found: RunsGap) -> dict[tuple[Setting, float], HelpReading]:
    """Whether teaching helps each student under each setting; all are one family of claims."""
    read: dict[tuple[Setting, float], HelpReading] = {}
    for setting, of_setting in found.settings.items():
        for student, verdict in of_setting.by_student.items():
            paired = grid_of(found.runs, setting, student).paired
            margin = float(verdict.details["margin"])
            seeds = int(paired.rows.sum())
            read[setting, student] = read_help(paired.values["gain"], margin=margin, unit=found.unit, seeds=seeds)
    return dict(zip(read, read_helps(list(read.values())), strict=True))


def teaching_told(helps: HelpReading, verdict: GapVerdict) -> str:
    """Whether teaching helps, in one sentence: the first thing to know of a best teacher; "" where nothing can be said."""
    gain = helps.gain
    if gain is None:
        return ""
    under = f"under size {verdict.details['sizes'][helps.best]:g}"
    told = f"the largest gain over the twin is {interval(gain.value, gain.low, gain.high, gain.unit)} {under}"
    if helps.harmful:
        ahead = interval(-gain.value, -gain.high, -gain.low, gain.unit)
        return f"Teaching hurts under every teacher: even {under} the twin is ahead by {ahead}."
    if helps.verdict == "SUPPORTED":
        return f"Teaching helps{f', but is {helps.qualifier}' if helps.qualifier else ''}: {told}."
    if helps.verdict == "CONTRADICTED":
        return f"Teaching does not help enough to matter: {told}."
    if helps.n < SEEDS_FOR_A_VERDICT:
        return f"Too few seeds to say whether teaching helps: {told}."
    return f"Whether teaching helps is not settled: {told}."


def rows_of(runs: Runs, setting: Setting, student: float | None = None) -> np.ndarray:
    """Which rows are of a setting, and of a student."""
    found = np.zeros(len(runs["seed"]), dtype=bool)
    found[runs.places.get(setting, [])] = True
    return found if student is None else found & (runs["student_size"] == student)


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Runs of one student under one setting as (units, sizes)."""

    sizes: np.ndarray
    paired: Paired


def grid_of(runs: Runs, setting: Setting, student: float, *, complete: bool = False) -> Grid:
    """Return the runs of a student as `capacity_gap` pairs them, NaN where one is missing; or complete pairs alone."""
    own = rows_of(runs, setting, student)
    sizes, column = np.unique(runs["teacher_size"][own], return_inverse=True)
    draw = runs["draw"][own] if "draw" in runs else np.zeros(int(own.sum()))
    pairs, row = np.unique(np.stack([draw, runs["seed"][own]], axis=1), axis=0, return_inverse=True)
    grids = {name: np.full((len(pairs), len(sizes)), np.nan) for name in ("gain", "teacher_loss")}
    for name, grid in grids.items():
        grid[row.reshape(-1), column] = runs[name][own]
    paired = (complete_pairs if complete else shared_pairs)(grids, pairs[:, 0])
    return Grid(sizes=sizes[paired.columns], paired=paired)


def direction(runs: Runs, setting: Setting, student: float, verdict: GapVerdict) -> str:
    """What few seeds allow to say, in numbers that stand without a verdict."""
    grid = grid_of(runs, setting, student, complete=True)
    gain, sizes = grid.paired.values["gain"], grid.sizes
    if not verdict.details["direction_only"] or gain.shape[1] < 2 or not len(gain):
        return ""
    rival = int(np.argmax(gain[:, :-1].mean(axis=0)))
    better = int((gain[:, rival] > gain[:, -1]).sum())
    least = 2.0 ** -len(gain)
    return (
        f"A smaller teacher ({sizes[rival]:g}) served better than the largest ({sizes[-1]:g}) in {better} of {len(gain)} "
        f"{'draws' if len(gain) < verdict.details['seeds'] else 'seeds'}; p = {number(verdict.details['p'], 3)} by sign flips over all "
        f"smaller sizes, and {len(gain)} cannot give less than {number(least, 3)}."
    )


def advice(verdict: GapVerdict) -> str:
    """What to do next."""
    if verdict.verdict == "NOT APPLICABLE" and verdict.details["deficit"] is None:
        one = len(verdict.details["sizes"]) < 2 and not verdict.details["lacking"]
        return "Give runs under two teacher sizes or more." if one else "Give runs under the largest teacher with the same seeds."
    if verdict.verdict != "INCONCLUSIVE":
        return ADVICE[verdict.verdict]
    seeds, needed = verdict.details["seeds"], verdict.details["needed"]
    if verdict.details["direction_only"]:
        return (
            f"For a verdict give {SEEDS_FOR_A_VERDICT} seeds or more." if seeds < SEEDS_FOR_A_VERDICT else "For a verdict give more draws."
        )
    return "" if needed is None else f"About {needed} seeds would settle it, if mean and spread stay (now {seeds})."


def _same_teachers(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two students have teachers in common: what one teacher taught is no two independent runs.

    A loss that is the same to its last digit is the same teacher's; a rounded one may be the same by chance, but not under all seeds of a
    size, nor under all sizes of a seed.
    """
    same = one == other
    return bool(same.size and (same.all(axis=0).any() or same.all(axis=1).any()))


def _pool(runs: Runs, setting: Setting, found: GapVerdict, margin: float | None, unit: str) -> Pool | None:
    """All students of a setting together, where that is sound and no student has a verdict of its own."""
    students = tuple(found.by_student)
    own = rows_of(runs, setting)
    few = all(verdict.details["direction_only"] for verdict in found.by_student.values())
    if len(students) < 2 or not few or ("draw" in runs and len(np.unique(runs["draw"][own])) > 1):
        return None
    grids = [grid_of(runs, setting, student, complete=True) for student in students]
    if any(not np.array_equal(grid.sizes, grids[0].sizes) for grid in grids):
        return None
    seeds = [
        np.unique(runs["seed"][own & (runs["student_size"] == student)])[grid.paired.rows]
        for student, grid in zip(students, grids, strict=True)
    ]
    values = [grid.paired.values for grid in grids]
    common = [seed for seed in seeds[0].tolist() if all(seed in other for other in seeds[1:])]
    at = [np.array([np.flatnonzero(one == seed)[0] for seed in common], dtype=int) for one in seeds]
    losses = [value["teacher_loss"][rows] for value, rows in zip(values, at, strict=True)]
    shared = any(_same_teachers(one, other) for one, other in combinations(losses, 2))
    if shared and len(common) < 2:
        return None
    together: dict[str, np.ndarray]
    if shared:
        together = {name: np.mean([value[name][rows] for value, rows in zip(values, at, strict=True)], axis=0) for name in values[0]}
    else:
        together = {name: np.concatenate([value[name] for value in values]) for name in values[0]}
    units, count = len(together["gain"]), len(grids[0].sizes)
    verdict = capacity_gap(
        {
            "student_size": np.ones(units * count), "teacher_size": np.tile(grids[0].sizes, units),
            "seed": np.repeat(np.arange(units), count), "gain": together["gain"].ravel(), "teacher_loss": together["teacher_loss"].ravel(),
        },
        margin=margin, unit=unit,
    )  # fmt: skip
    return Pool(verdict=verdict, students=students, shared=shared, units=units)

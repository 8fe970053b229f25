"""A table of runs that were trained elsewhere, as `capacity_gap` takes it: gains formed, runs paired, and said what has no partner."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError, PlanError, did_you_mean
from kdprobe.core.words import listed
from kdprobe.verdicts.gap_table import settings_of
from kdprobe.verdicts.run_columns import HIGHER, LOWER, SETTINGS, higher_by_name, numbers, recognised

NAMED = 4
"""Rows without a partner that are named; more are counted."""
Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs(Mapping[str, Any]):
    """Runs as `capacity_gap` takes them: a mapping of columns.

    Parameters
    ----------
    columns
        student_size, teacher_size, seed, gain, teacher_loss, and where they are known draw and twin_score; settings as they were given.
    by
        Columns of settings that are read apart.
    said
        How the table was read, in sentences.
    left_out
        Which rows have no part in the answer, and why, in sentences.
    higher
        Whether larger values of the metric are better.
    metric
        What it is called, as far as the columns tell.
    gains_given
        Whether gains were in the table, and not formed from losses here.
    """

    columns: Mapping[str, Any]
    by: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    higher: bool = False
    metric: str = ""
    gains_given: bool = False

    @cached_property
    def places(self) -> Mapping[Key, list[int]]:
        """The rows of each setting, found in one pass; a missing value is None."""
        found: dict[Key, list[int]] = {}
        for row, setting in enumerate(settings_of(self, self.by, len(self["seed"]))):
            found.setdefault(setting, []).append(row)
        return found

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def own_runs(table: Any, *, by: Sequence[str] = (), higher_is_better: bool | None = None, **columns: str | None) -> Runs:
    """Read a table of runs that were trained elsewhere.

    One row a run: sizes of student and teacher, the seed, and losses (or scores) of the student, of its twin (the same student without a
    teacher) and of the teacher. Or one column of losses, where a row without teacher size is a twin and a row without student size a
    teacher. Or gains that were formed already.

    Parameters
    ----------
    table
        A pandas DataFrame, or a mapping of columns.
    by
        Columns of settings, each combination of which has an answer of its own. ``task``, ``dataset`` and ``metric`` are so unasked.
    higher_is_better
        Whether larger values of the metric are better; None goes by its name.
    **columns
        Names of the columns by role: student_size, teacher_size, seed, draw, gain, student_loss, twin_loss, teacher_loss, loss. Those with
        a usual name are recognised.

    Raises
    ------
    DataError
        If a column is missing, could be several, or holds words; a run is there twice; or no two runs can be paired.
    PlanError
        If `higher_is_better` is none of the three, or a role of a column is unknown.

    Examples
    --------
    >>> runs = own_runs({
    ...     "student_params": ["5k"] * 4, "teacher_params": ["10k", "20k", "10k", "20k"], "seed": [0, 0, 1, 1],
    ...     "student_nll": [0.50, 0.55, 0.52, 0.56], "scratch_nll": [0.6, 0.6, 0.61, 0.61], "teacher_nll": [0.4, 0.3, 0.41, 0.3],
    ... })
    >>> runs["gain"].round(2).tolist(), runs.said[1]
    ([0.1, 0.05, 0.09, 0.05], 'Smaller nll is better: a gain is the twin minus the student.')
    """
    if not hasattr(table, "keys"):
        raise DataError(f"table is a {type(table).__name__}: give a DataFrame or a mapping of columns")
    if higher_is_better not in (True, False, None):
        raise PlanError(f"higher_is_better={higher_is_better!r}: give True, False, or None to go by the metric's name")
    # a frame that never had names has numbers for them
    table = {str(name): table[name] for name in table.keys()}  # noqa: SIM118
    names = list(table)
    if {"model_id", "role", "family"} <= set(names):
        raise DataError("this is a zoo's own table of runs, one row a model: its answer is in its report (`kdprobe report ZOO`)")
    roles = recognised(names, columns)
    rows = len(table[names[0]]) if names else 0
    lines = np.arange(rows) + 2
    held = {role: numbers(table[name], name, lines, size=role.endswith("_size")) for role, name in roles.items()}
    needed(roles, names)
    by = settings(table, by, names, roles)
    keys = list(zip(*(list(table[name]) for name in by), strict=True)) if by else [()] * rows
    reading = _Reading(held, keys, lines, roles)
    form = roles.get("student_loss") or roles.get("loss") or ""
    larger = bool(higher_by_name(form or roles["teacher_loss"])) if higher_is_better is None else higher_is_better
    reading.form("gain" if "gain" in roles else "wide" if "twin_loss" in roles else "long", -1.0 if larger else 1.0)
    mapped = [f"{role.replace('_', ' ')} from {name!r}" for role, name in roles.items() if role != name]
    said = [f"Columns: {listed(mapped or ['as they are named'])}."]
    metric = next((word for word in form.lower().replace("-", "_").split("_") if word in LOWER | HIGHER), form)
    if "gain" not in roles:
        guessed = " (taken as so; --higher-is-better says otherwise)" if higher_is_better is None and higher_by_name(form) is None else ""
        said.append(
            f"{'Larger' if larger else 'Smaller'} {metric} is better{guessed}: "
            f"a gain is {'the student minus the twin' if larger else 'the twin minus the student'}."
        )
    else:
        said.append(f"Larger gains are better; {'larger' if larger else 'smaller'} values of the teacher are.")
    kept = reading.kept()
    return Runs(
        columns={**kept, **{name: [keys[row][place] for row in reading.places] for place, name in enumerate(by)}},
        by=tuple(by), said=(*said, *reading.notes(kept)), left_out=tuple(reading.left_out), higher=larger, metric=metric,
        gains_given="gain" in roles,
    )  # fmt: skip


def needed(roles: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a table that lacks a column, and say which and how to name it."""
    there = f"its columns are {', '.join(names)}"
    for role in ("student_size", "teacher_size", "seed"):
        if role not in roles:
            raise DataError(f"no column is recognised as the {role.replace('_', ' ')}: name it with --{role.replace('_', '-')}; {there}")
    if "gain" in roles or ("student_loss" in roles and "twin_loss" in roles):
        missing = "" if "teacher_loss" in roles else "the teacher's own loss, without which no capacity gap can be told from a bad teacher"
    else:
        # with one column of losses twins may have rows of their own
        missing = "" if {"loss", "student_loss"} & set(roles) else "the loss of the student and of its untaught twin (or their gain)"
    if missing:
        flags = "--teacher-loss" if missing.startswith("the teacher") else "--student-loss, --twin-loss or --gain"
        raise DataError(f"no column is recognised as {missing}: name it with {flags}; {there}. `kdprobe gap --template` shows a table")


def settings(table: Any, by: Sequence[str], names: Sequence[str], roles: Mapping[str, str]) -> list[str]:
    """Columns that are read apart: those asked for, and task, dataset and metric where they hold several values."""
    for name in by:
        if name not in names:
            raise DataError(f"by holds {name!r}, and the table has no such column: {did_you_mean(name, names)}")
    usual = [name for name in names if name.lower() in SETTINGS and name not in (*roles.values(), *by)]
    return [*by, *(name for name in usual if len(set(map(str, table[name]))) > 1)]


class _Reading:
    """Rows of a table on their way to pairs."""

    def __init__(self, held: dict[str, np.ndarray], keys: list[Key], lines: np.ndarray, roles: Mapping[str, str]):
        self.held, self.keys, self.lines, self.roles = held, keys, lines, roles
        self.draw = held.get("draw", np.zeros(len(lines)))
        self.left_out: list[str] = []
        self.places: list[int] = []
        self.values: dict[str, np.ndarray] = {}

    def form(self, how: str, sign: float) -> None:
        """Form gains; `sign` is 1 where small values are better."""
        if not len(self.lines):
            raise DataError("the table has no rows: give one row a run")
        student, teacher = self.held["student_size"], self.held["teacher_size"]
        loss = sign * self.held.get("student_loss", self.held.get("loss", np.full(len(self.lines), np.nan)))
        twin = sign * self.held.get("twin_loss", np.full(len(self.lines), np.nan))
        own = sign * self.held.get("teacher_loss", np.full(len(self.lines), np.nan))
        # in a long table 0 stands for no network as nothing does
        taught = (student > 0) & (teacher > 0) if how == "long" else np.ones(len(self.lines), dtype=bool)
        if how == "long":
            twin = self._looked_up(loss, taught, (student > 0) & ~(teacher > 0), student, "untaught twin")
            if "teacher_loss" not in self.roles:
                own = self._looked_up(loss, taught, ~(student > 0) & (teacher > 0), teacher, "teacher")
        gain = self.held["gain"] if how == "gain" else twin - loss
        self.values = {"gain": gain, "teacher_loss": own, "twin_score": -twin}
        whole = np.isfinite(gain) & np.isfinite(own) & np.isfinite(student) & np.isfinite(teacher) & np.isfinite(self.held["seed"])
        if how != "long":
            self._without(taught & ~whole, "lack a value (a failed run?)")
        self.places = np.flatnonzero(taught & whole).tolist()
        if not self.places:
            raise DataError(f"no row has all that is needed: {' '.join(self.left_out)} `kdprobe gap --template` shows a table")
        self._refuse_twice()

    def _key(self, row: int, size: float) -> Key:
        seed = float(self.held["seed"][row])
        return (*self.keys[row], float(size), float(self.draw[row]), seed if np.isfinite(seed) else None)

    def _looked_up(self, loss: np.ndarray, taught: np.ndarray, apart: np.ndarray, size: np.ndarray, who: str) -> np.ndarray:
        """For each taught run the loss of the row that stands for its twin or its teacher."""
        partners: dict[Key, int] = {}
        for row in np.flatnonzero(apart & np.isfinite(loss)):
            key = self._key(int(row), size[row])
            if key in partners:
                raise DataError(f"rows {self.lines[partners[key]]} and {self.lines[row]} are the same {who}: leave one out")
            partners[key] = int(row)
        if not partners:
            empty, flag = ("teacher", "--twin-loss") if who == "untaught twin" else ("student", "--teacher-loss")
            raise DataError(
                f"no row is of the {who} (a row without {empty} size), and no column holds its loss: add such rows, or give {flag}"
            )
        found, used = np.full(len(loss), np.nan), set[int]()
        for row in np.flatnonzero(taught):
            # one teacher for all seeds has no seed of its own
            key = self._key(int(row), size[row])
            place = partners.get(key, partners.get((*key[:-1], None), -1))
            if place >= 0:
                found[row], _ = loss[place], used.add(place)
        self._without(taught & ~np.isfinite(found) & np.isfinite(loss), f"have no partner: there is no {who} of that size and seed")
        alone = np.zeros(len(loss), dtype=bool)
        alone[[place for place in partners.values() if place not in used]] = True
        self._without(alone, f"have no partner: no taught student has that {who}")
        return found

    def _without(self, which: np.ndarray, why: str) -> None:
        places = np.flatnonzero(which)
        if not len(places):
            return
        named = [f"{self.lines[row]} ({self._told(int(row))})" for row in places[:NAMED]]
        more = f" and {len(places) - NAMED:,} more" if len(places) > NAMED else ""
        verb = why if len(places) > 1 else why.replace("lack ", "lacks ", 1).replace("have ", "has ", 1)
        self.left_out.append(f"Row{'s' if len(places) > 1 else ''} {', '.join(named)}{more} {verb}.")

    def _told(self, row: int) -> str:
        sizes = [f"{who} {self.held[f'{who}_size'][row]:g}" for who in ("student", "teacher") if self.held[f"{who}_size"][row] > 0]
        return ", ".join([*map(str, self.keys[row]), *sizes, f"seed {self.held['seed'][row]:g}"])

    def _refuse_twice(self) -> None:
        seen: dict[Key, int] = {}
        for row in self.places:
            key = (*self._key(row, self.held["student_size"][row]), float(self.held["teacher_size"][row]))
            if key in seen:
                raise DataError(
                    f"rows {self.lines[seen[key]]} and {self.lines[row]} are the same run ({self._told(row)}): leave one out, or name the "
                    "column in which they differ with --by"
                )
            seen[key] = row

    def kept(self) -> dict[str, np.ndarray]:
        """Columns of the runs that are paired with a twin and a teacher, those without partner under another size named."""
        found = {name: self.held[name][self.places] for name in ("student_size", "teacher_size", "seed")}
        found |= {"gain": self.values["gain"][self.places], "teacher_loss": self.values["teacher_loss"][self.places]}
        if "draw" in self.held:
            found["draw"] = self.draw[self.places]
        score = self.values["twin_score"][self.places]
        if np.isfinite(score).all():
            found["twin_score"] = score
        own = [self._key(row, self.held["student_size"][row]) for row in self.places]
        counts, sizes = Counter(own), {key[:-2] for key in own}
        several = {key[:-2] for key, count in counts.items() if count > 1}
        for group in sizes - several:
            under = {float(size) for key, size in zip(own, found["teacher_size"], strict=True) if key[:-2] == group}
            if len(under) > 1:
                raise DataError(
                    f"student {group[-1]:g}: no seed is there under two teacher sizes, so no two runs are partners: runs are compared "
                    "under the same seed (the same start and order of rows of the student), so number seeds alike under every teacher size"
                )
        return found

    def notes(self, kept: Mapping[str, np.ndarray]) -> list[str]:
        """What a reader of the answer must know of the runs: seeds that lack a size, and teachers that are one for all seeds."""
        found: list[str] = []
        sizes, of_student = kept["teacher_size"], kept["student_size"]
        for student in np.unique(of_student):
            own = of_student == student
            counts = {float(size): int((own & (sizes == size)).sum()) for size in np.unique(sizes[own])}
            if len(set(counts.values())) > 1:
                told = listed([f"{count} under {size:g}" for size, count in counts.items()])
                found.append(
                    f"Student {student:g} has unequal numbers of runs ({told}): two sizes are compared by the seeds that have both."
                )
        per_size = [kept["teacher_loss"][sizes == size] for size in np.unique(sizes)]
        if not self.keys[0] and all(len(own) > 1 and np.ptp(own) == 0 for own in per_size):
            found.append(
                "Each teacher size has one teacher for all seeds: the answer is about these teachers, not about how they were made."
            )
        return found

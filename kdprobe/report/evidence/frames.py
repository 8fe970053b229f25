"""A zoo as a report reads it: every frame once, without absolute paths, cut into groups of paired runs."""

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from kdprobe.core.axes import AXES
from kdprobe.core.registry import available
from kdprobe.core.section import Card
from kdprobe.core.trace import Trace
from kdprobe.report import words
from kdprobe.report.evidence.arms import ORDER, Frame, named, placed
from kdprobe.report.evidence.groups import Group
from kdprobe.report.evidence.scrub import scrub
from kdprobe.training.job import TUNING_SEEDS
from kdprobe.zoo.gains import chosen

Value = TypeVar("Value")
CELL = ["task", "student", "arm", "teacher"]
LOSS = {"classification": "nll", "regression": "mse"}
GAIN = {"classification": "gain_calibrated", "regression": "gain"}
"""Probe of the gain in the loss that verdicts are read on, see `kdprobe.zoo.gains.LOSS`."""
FEW_ARMS = 4
"""More arms of a student have a card each, not a column each."""
PRIMARY = {"classification": "agreement_top1", "regression": "r2"}
"""The one similarity a kind of task whose verdicts stand on the first screen, chosen before any result; all others are shown beside it."""


class Evidence:
    """The frames of a zoo, each read once; what a section's ``draw`` gets.

    Parameters
    ----------
    zoo
        A `kdprobe.zoo.Zoo`, or anything that gives the same frames.
    """

    def __init__(self, zoo: Any):
        self._zoo = self.zoo = zoo
        self._memo: dict[Hashable, Any] = {}
        self.cards: list[Card] = []
        """Cards of the sections that stand before the one being drawn."""

    def derived(self, key: Hashable, compute: Callable[["Evidence"], Value]) -> Value:
        """Return what `compute` makes of this evidence, computed once: several sections need the same verdicts."""
        if key not in self._memo:
            self._memo[key] = compute(self)
        return self._memo[key]

    def models(self) -> Frame:
        """One row a model whose results are reported."""
        return self.derived("models", lambda _: self._all_models.loc[self._all_models["seed"] < TUNING_SEEDS])

    def tuning(self) -> Frame:
        """One row a model that settings were chosen on: they are in no result."""
        return self._all_models.loc[self._all_models["seed"] >= TUNING_SEEDS]

    @cached_property
    def _all_models(self) -> Frame:
        return scrub(self._zoo.models())

    def scores(self) -> Frame:
        """One row a model × metric, measured on the rows B; temperatures on validation rows."""
        return self.derived("scores", lambda _: scrub(self._zoo.scores()))

    def measurements(self) -> Frame:
        """One row a student × probe × comparison."""
        return self.derived("measurements", lambda _: scrub(self._zoo.measurements()))

    def history(self) -> Frame:
        """One row a finished student or twin × recorded step."""
        return self.derived("history", lambda _: self._zoo.history(self._trained))

    def kept_losses(self) -> Frame:
        """Loss on the validation rows of the weights that were kept, by finished student or twin."""
        return self.derived("kept losses", lambda _: self._zoo.kept_losses(self._trained))

    @property
    def _trained(self) -> list[str]:
        models = self.models()
        return list(models.loc[models["role"].isin(["student", "twin"]) & (models["status"] == "done"), "model_id"])

    def runs(self) -> Frame:
        """One wide row a model."""
        return self.derived("runs", lambda _: scrub(self._zoo.runs()))

    def provenance(self) -> dict[str, Any]:
        """Where the zoo came from."""
        return self.derived("provenance", lambda _: scrub(self._zoo.provenance()))

    def trace(self, model_id: str) -> Trace | None:
        """A model on the rows that similarity is measured on, read anew each time; None where there are frames only, and no networks.

        Raises
        ------
        DataError, PlanError
            If its weights are missing or damaged, or the task's data are not here.
        """
        read = getattr(self._zoo, "trace", None)
        return None if read is None else read(model_id)

    @property
    def asks(self) -> str:
        """What the sweep asked: "gap", "knowledge"."""
        return self.provenance().get("asks", "gap")

    @property
    def imported(self) -> bool:
        """Whether its models were trained elsewhere: then how they were trained is their owner's word, and no plan was sealed."""
        return bool(self.provenance().get("imported"))

    @cached_property
    def units(self) -> str:
        """What intervals are over: seeds, or draws of labelled rows where there are several, because seeds of one draw share its rows."""
        # in a world with a law each seed is a draw of its own
        several = self.students.groupby(["task", "seed"])["draw"].nunique().max() > 1
        return "draws of labelled rows, each the mean of its seeds" if several else "seeds"

    @cached_property
    def students(self) -> Frame:
        """One row a student, finished or not, with readable names of its cell; sorted by task, student size, arm, teacher size, seed."""
        frame = placed(named(self.models()), self.provenance().get("plan", {}))
        plan = self.provenance().get("plan", {})
        for name in ("task", "scheme"):
            # as the plan names them; what it does not name, such as controls, comes after
            ordered = dict.fromkeys((*plan.get(f"{name}s", ()), *frame[name]))
            frame[f"{name}_order"] = frame[name].map({value: i for i, value in enumerate(ordered)})
        return frame.sort_values(ORDER, kind="stable").reset_index(drop=True)

    @cached_property
    def values(self) -> Frame:
        """Measured values, one row a student, one column a (probe, comparison); NaN where a run failed or a probe refused."""
        found = self.measurements()
        found = found[found["value"].notna()]
        wide = found.pivot(index="model_id", columns=["probe", "comparison"], values="value").astype(float)
        return wide.reindex(self.students["model_id"])

    def value(self, probe: str, comparison: str) -> Frame:
        """Values of one probe by student; empty where it was not measured."""
        return self.values[probe, comparison] if (probe, comparison) in self.values else pd.Series(dtype=float)

    @cached_property
    def gain(self) -> Frame:
        """Gain of each student over its paired twin, in the loss that verdicts are read on."""
        raw, calibrated = self.value("gain", "panel"), self.value(GAIN["classification"], "panel")
        if not calibrated.notna().any():
            return raw
        kinds = self.students.set_index("model_id")["kind"].reindex(raw.index)
        return raw.where(kinds != "classification", calibrated)

    def score(self, metric: str) -> Frame:
        """Scores by model, on the probe rows that performance is measured on."""
        scores = self.scores()
        return scores[(scores["metric"] == metric) & (scores["rows"] == "B")].set_index("model_id")["value"]

    @property
    def temperatures(self) -> Frame:
        """Temperature by classifier that makes its probabilities fit best, on validation rows: above 1 it was over-confident."""
        scores = self.scores()
        return scores[scores["metric"] == "temperature"].set_index("model_id")["value"]

    def tasks(self) -> list[str]:
        """Tasks with students, in the order of the plan."""
        return list(dict.fromkeys(self.students["task"]))

    def probes(self, task: str) -> list[str]:
        """Probes with a value or a refusal in a task: performance first, then similarity with the task's primary one first."""
        found = self.measurements()
        found = found[found["task"] == task]
        panel = set(found.loc[found["comparison"] == "panel", "probe"])
        return sorted(set(found["probe"]), key=lambda probe: (probe not in panel, probe not in PRIMARY.values(), probe))

    def unit(self, task: str, probe: str) -> str:
        """Unit of a probe in a task."""
        found = self.measurements()
        units = found.loc[(found["task"] == task) & (found["probe"] == probe) & found["value"].notna(), "unit"]
        return str(units.iloc[0]) if len(units) else ""

    @cached_property
    def groups(self) -> list[Group]:
        """Every student in every arm, in reading order: those at the plan's own setting, and those beside it (see `Group.primary`)."""
        return [Group(frame) for _, frame in self.students.groupby(CELL[:3], sort=False)]

    @cached_property
    def attached(self) -> frozenset[str]:
        """Schemes that are there as controls of others: they are told with these, and have no verdicts of their own."""
        known = available("schemes")
        return frozenset(name for scheme in self.students["scheme"].unique() if scheme in known for name in known[scheme].controls)

    @property
    def tune(self) -> list[str]:
        """Columns of the axes whose values the plan chooses for each teacher size."""
        return [AXES[name].column for name in self.provenance().get("plan", {}).get("tune", ()) if name in AXES]

    @cached_property
    def tuned_groups(self) -> list[Group]:
        """Every student in every arm under the settings that validation rows chose for each teacher size, where the plan asks for that."""
        tune = self.tune
        pilots = self.tuning()
        if not tune or pilots.empty:
            return []
        wanted = pilots.loc[(pilots["status"] == "done") & (pilots["role"] != "teacher")]
        frame = chosen(named(self._all_models), self._zoo.kept_losses(list(wanted["model_id"])).to_dict(), tune)
        frame = placed(frame.loc[frame["tuned"]], self.provenance().get("plan", {}), tune=tune)
        frame["task_order"] = frame["task"].map(dict(zip(self.students["task"], self.students["task_order"], strict=True)))
        frame["scheme_order"] = frame["scheme"].map(dict(zip(self.students["scheme"], self.students["scheme_order"], strict=True)))
        frame = frame.sort_values([name for name in ORDER if name not in tune], kind="stable")
        return [Group(part, tuned=True) for _, part in frame.groupby(CELL[:3], sort=False)]

    def place(self, group: Group) -> tuple[str, str]:
        """Headline and scope of what is said of a student in an arm; where there are many arms each has a headline of its own."""
        same = (group.task, group.student)
        there = (other for other in (*self.groups, *self.tuned_groups) if other.primary and other.scheme not in self.attached)
        arms = [other for other in there if (other.task, other.student) == same]
        headline = words.headline(group.task, group.student, group.student_size)
        return (headline, group.arm) if len(arms) <= FEW_ARMS else (f"{headline} · {group.arm}", "this setting")

    def over_seeds(self, values: Frame) -> Frame:
        """95 % intervals over seeds of each column in each cell, all at once.

        Parameters
        ----------
        values
            One row a student, indexed by model_id; NaN where there is none.

        Returns
        -------
        pandas.DataFrame
            One row a cell; columns (name, "value" | "low" | "high" | "p_above"), NaN below two units. The last is the one-sided p value
            of a mean above 0. Where there are several draws, their means are the units.
        """
        keys = self.students.set_index("model_id")[[*CELL, "draw"]]
        units = values.reindex(keys.index)
        by = [keys[name] for name in CELL]
        if len(keys["draw"].unique()) > 1:
            units = units.groupby([*by, keys["draw"]], sort=False).mean()
            by = [units.index.get_level_values(name) for name in CELL]
        cells = units.groupby(by, sort=False)
        count = cells.count()
        freedom, error = (count - 1).clip(lower=1), cells.std() / np.sqrt(count.clip(lower=1))
        mean, reach = cells.mean().where(count > 1), stdtrit(freedom, 0.975) * error
        # without any spread, p is 0 or 1 by the sign of the mean
        t = mean / error.where(error > 0, np.finfo(float).tiny)
        parts = {"value": mean, "low": mean - reach, "high": mean + reach, "p_above": stdtr(freedom, -t).where(mean.notna())}
        return pd.concat(parts, axis=1).swaplevel(axis=1)

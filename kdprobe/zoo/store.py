"""Opening a zoo: its models, what was measured, and where it came from."""

import html
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import pandas as pd
from torch import nn

from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import find
from kdprobe.core.task import SplitSizes
from kdprobe.core.trace import Trace
from kdprobe.tasks.own.keep import kept
from kdprobe.tasks.splits import Split, split
from kdprobe.training.job import Job
from kdprobe.zoo import frames
from kdprobe.zoo.folder import INDEX
from kdprobe.zoo.gains import gains
from kdprobe.zoo.imported.door import Door
from kdprobe.zoo.index import Index
from kdprobe.zoo.kept import kept_losses
from kdprobe.zoo.schema import UNSEALED
from kdprobe.zoo.soundness import require_sound
from kdprobe.zoo.traces import Stored, load_module, trace_of
from kdprobe.zoo.verify import verify


class Zoo(Door):
    """A zoo: read-only where a sweep wrote it; one that `create` made takes models in that were trained elsewhere.

    Parameters
    ----------
    path
        The folder that holds ``index.sqlite``.

    Raises
    ------
    DataError
        If there is no zoo, or one of another schema version.

    Examples
    --------
    >>> zoo = Zoo("sweep-gap")  # doctest: +SKIP
    >>> zoo.models().groupby("role").size()  # doctest: +SKIP
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._opened = Index(self.path / INDEX)

    def __enter__(self) -> "Zoo":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index; frames that were taken stay valid."""
        self._opened.close()

    @cached_property
    def _index(self) -> Index:
        """The index, after it was found to be what was written: nothing is read from one that is not."""
        require_sound(self._opened)
        return self._opened

    @property
    def proven(self) -> bool:
        """Whether all rows were sealed when they were written. Zoos of format 2 were not, nor are rows that a later run took over."""
        return self._opened.format != UNSEALED and self._opened.meta("unproven_models") is None

    def models(self) -> pd.DataFrame:
        """One row a model: what it is, what it was trained with, whether it was trained."""
        return frames.models(self._index)

    def scores(self) -> pd.DataFrame:
        """One row a model × metric, measured on the rows B. Losses are in nats, or in variances of the target."""
        return frames.scores(self._index)

    def measurements(self) -> pd.DataFrame:
        """One row a student × probe × comparison.

        Comparisons are "own" (student to its teacher), "siblings" (student to the teachers of the other seeds, mean), "twin" (paired twin
        to that teacher), "twin_siblings" (paired twin to the teachers of the other seeds, mean; older zoos lack it),
        "baseline" (twins of the other seeds to that teacher, mean), and "panel" for probes that read all of them.
        A refused question has value None and its reason.
        """
        return frames.measurements(self._index)

    def history(self, model_ids: list[str] | None = None) -> pd.DataFrame:
        """Training history, one row a model × recorded step: loss, validation_loss, gradient_norm."""
        return frames.history(self._index, self.path, model_ids)

    def kept_losses(self, model_ids: Sequence[str] | None = None) -> pd.Series:
        """Loss on the validation rows of the weights that were kept, by id of the trained models asked for, or of all.

        The last loss of a history; the least one where training may stop early; the one nearest to the goal where a model was stopped at
        another's loss. Settings are chosen by it: probe rows are for results.

        Raises
        ------
        DataError
            If a file is missing or damaged, or the model is not there whose loss another matches.
        """
        return kept_losses(self._index, self.path, model_ids)

    def runs(self) -> pd.DataFrame:
        """One wide row a model, with all scores and, for students, all measurements: what runs.csv holds."""
        return frames.runs(self._index)

    def gains(self, *, metric: str = "loss", tune: Sequence[str] = (), beside: bool = False) -> pd.DataFrame:
        """What each finished student gained over its paired twin, on probe rows, with the setting it was trained under.

        Parameters
        ----------
        metric
            "loss" (what a report's verdicts are read on: "nll_calibrated" or "mse", by kind of task), "nll_calibrated" (after one
            temperature a model, fitted on validation rows), "nll" (as it is), "mse", "accuracy" or "r2".
        tune
            Columns such as "alpha" and "temperature": of each teacher size only the students with the best values of these are given, by
            the loss on validation rows of the seeds that the sweep set apart (`GapPlan.tune`). The twin is then the best one too.

        beside
            Whether students are given too that stand beside the plan's own setting (`GapPlan.beside`): each is then a setting of its own,
            as in ``capacity_gap(..., by=["scheme", "temperature", "labelled_rows"])``.

        Returns
        -------
        pandas.DataFrame
            One row a student: task, scheme, distiller, the parameters of its loss as JSON, the columns of its setting (NaN where one does
            not apply, or is the same for teachers as for all), student_size, teacher_size, draw, seed, and gain, teacher_loss, twin_score
            as `kdprobe.capacity_gap` reads them: the larger gain and the smaller loss is the better. One task and scheme at a time has a
            verdict.

        Raises
        ------
        PlanError
            If a metric or a column is unknown.

        Examples
        --------
        >>> import tempfile
        >>> from kdprobe import GapPlan, sweep
        >>> plan = GapPlan(
        ...     tasks=("letters",), schemes=("same_rows",), teacher_widths=(4, 8), student_widths=(2,), seeds=2, steps=20,
        ...     alpha=(0.3, 0.9), tune=("alpha",), tune_seeds=1, beside={},
        ... )
        >>> with tempfile.TemporaryDirectory() as folder, sweep(plan, folder, similarity=False) as zoo:
        ...     len(zoo.gains()), len(zoo.gains(tune=["alpha"]))  # 2 seeds x 2 teachers x 2 alphas; one alpha for each teacher
        (8, 4)
        """
        return gains(self._index, self.path, metric=metric, tune=tune, all_settings=beside)

    def provenance(self) -> dict[str, Any]:
        """Where the zoo came from: command, plan, versions, hardware, wall time, failed cells."""
        units = self._index.rows("SELECT title, reason FROM units WHERE status = 'failed' ORDER BY title")
        # of a sweep that has not ended the plan is known
        known = {"plan": self._index.meta_json("plan", {})} if self._index.meta("plan") else {}
        return known | self._index.meta_json("provenance", {}) | {"failed_cells": units}

    def census(self) -> pd.DataFrame:
        """How many models there are, by task, role, scheme, family and width."""
        return frames.census(self._index)

    def describe(self, model_id: str) -> dict[str, Any]:
        """Everything known of one model: its job, size, scores and, for a student, what was measured."""
        row = self._row(model_id)
        key = row["model_id"]
        scored = self._index.rows("SELECT metric, rows, value FROM scores WHERE model_id = ?", (key,))
        measured = self._index.rows("SELECT * FROM measurements WHERE model_id = ?", (key,))
        found = {"model_id": key} | json.loads(row["job"]) | {name: row[name] for name in row if name not in ("model_id", "job")}
        found |= {f"{score['metric']}.{score['rows']}": score["value"] for score in scored}
        for result in measured:
            text = result["reason"] if result["value"] is None else f"{result['value']:.4g} [{result['low']:.4g}, {result['high']:.4g}]"
            found[f"{result['probe']}.{result['comparison']}"] = text
        return found

    def job(self, model_id: str) -> Job:
        """What determined a model. A prefix of the id is enough if it is unique."""
        return msgspec.json.decode(self._row(model_id)["job"], type=Job)

    def module(self, model_id: str) -> nn.Module:
        """Load a model, in evaluation mode; its ``forward(x)`` gives (outputs, {layer: features})."""
        row = self._row(model_id)
        job = msgspec.json.decode(row["job"], type=Job)
        if row["status"] != "done":
            raise DataError(f"model {model_id} was not trained: {row['reason']}")
        if job.imported:
            raise DataError(
                f"model {model_id} was trained elsewhere, and what it said of the rows is all that is here: read trace({model_id!r})"
            )
        return load_module(self.path, Stored(job, row["shard"], row["slot"]), self.split(job.data))

    def trace(self, model_id: str, *, rows: Literal["A", "B"] = "A") -> Trace:
        """Trace a model on half "A" or "B" of the probe rows, with its temperature from the validation rows; PlanError for any other."""
        if rows not in ("A", "B"):
            raise PlanError(f"rows={rows!r} is no half of the probe rows: give 'A' (similarity) or 'B' (performance)")
        job = self.job(model_id)
        parts = self.split(job.data)
        part = parts.probe_a if rows == "A" else parts.probe_b
        kind = parts.kind
        name = f"{job.role} {job.family}-{job.width} seed {job.seed}"
        row = self._row(model_id)
        module = load_module(self.path, Stored(job, row["shard"], row["slot"]), parts) if job.imported else self.module(model_id)
        return trace_of(module, part, kind, name=name, validation=parts.validation)

    def split(self, data: str) -> Split:
        """Return the rows that models with this data hash were trained and probed on."""
        known = self._splits.get(data)
        if known is None:
            raise PlanError(f"data={data!r} is no split of {self.path}: take it from job(model_id).data")
        # rows of one's own are those that lie in this zoo, whatever is known by that name in this process
        task = next((task for task in kept(self.path) if task.name == known["task"]), None) or find("tasks", known["task"])
        found = split(task, draw=known["draw"], sizes=SplitSizes(**known["sizes"]))
        if found.sha256 != data:
            raise DataError(
                f"the rows of task {known['task']!r} have changed since this zoo was trained: install the kdprobe that wrote it"
            )
        return found

    def verify(self) -> list[str]:
        """Check every row against its seal and its shard, and every file against its SHA-256; return what is wrong, in words.

        Costs the reading of all files: seconds for a gigabyte.
        """
        return verify(self._opened, self.path)

    def _row(self, model_id: str) -> dict[str, Any]:
        rows = self._index.rows("SELECT * FROM models WHERE substr(model_id, 1, ?) = ? LIMIT 2", (len(model_id), model_id))
        if len(rows) != 1:
            found = "no model" if not rows else "several models"
            raise PlanError(f"model_id={model_id!r} fits {found} of {self.path}: runs.csv and Zoo.models() list them")
        return rows[0]

    @cached_property
    def _splits(self) -> dict[str, dict[str, Any]]:
        return self._index.meta_json("splits", {})

    def _repr_html_(self) -> str:
        table = frames.census(self._index)
        cells = "".join(f"<tr>{''.join(f'<td>{html.escape(str(v))}</td>' for v in row)}</tr>" for row in table.itertuples(index=False))
        head = "".join(f"<th>{html.escape(str(column))}</th>" for column in table.columns)
        return f"<strong>Zoo {html.escape(self.path.name)}</strong><table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>"

    def __repr__(self) -> str:
        return f"Zoo({str(self.path)!r})"

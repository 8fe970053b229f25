"""Real data sets for `knowledge_transferred.py`, and what is trained on each: doses, controls, and three losses at one budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _theory_data import real_sets
from sklearn.datasets import load_breast_cancer, load_wine

import kdprobe
from kdprobe import KnowledgePlan, TransferPlan
from kdprobe.core.errors import DataError
from kdprobe.core.registry import find
from kdprobe.core.task import Task
from kdprobe.report.evidence.doses import Doses, doses
from kdprobe.report.evidence.frames import Evidence

CLASSES, REGRESSIONS = ("letters", "fashion_mnist", "digits"), ("bikeshare", "diamonds")
"""Tasks of kdprobe. cifar10 is left out: perceptrons learn little of its pixels, and other families cost more than this analysis may."""
SEEDS, STEPS = 8, 300
"""Of every set, but that fewer steps are taken where a task has fewer of its own."""
BUDGET = ("kd", "label_smoothing", "argmax_labels")
"""Losses on the same rows, for as many steps, at the same weight: the teacher's probabilities, its mean doubt, its choice."""
BUDGET_ALPHA = 0.9


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """One set: its doses and controls, and gains of the three losses (classes only), each (seeds,)."""

    name: str
    title: str
    rows: int
    features: str
    source: str
    found: Doses
    budget: Mapping[str, Any]
    twin: Any
    student: Any
    """(seeds,) each: the primary likeness to the teacher of the untaught paired twin, and of the student at its fullest dose."""
    plans: Sequence[str]

    @property
    def kind(self) -> str:
        """Classification or regression."""
        return self.found.kind


def tasks(*, quick: bool) -> tuple[list[Task], list[str]]:
    """Return every set that is here, and what is missing in words; `quick` takes two that are part of installed packages."""
    if quick:
        return [find("tasks", "digits"), _own("diabetes", quick=True)], []
    found: list[Task] = []
    missing: list[str] = []
    for name in (*CLASSES, *REGRESSIONS):
        task = find("tasks", name)
        try:
            task.load()
            found.append(task)
        except DataError as error:
            missing.append(f"{name}: {str(error).partition('. Three ways')[0]}")
    found += [_bundled("breast_cancer", load_breast_cancer), _bundled("wine", load_wine)]
    sets, lacking = real_sets(quick=False)
    own = [kdprobe.task_from_arrays(one.x, one.y, kind="regression", name=one.name, steps=STEPS) for one in sets
           if one.name not in REGRESSIONS]  # fmt: skip
    return [*found, *own], [*missing, *(text for text in lacking if not text.startswith(REGRESSIONS))]


def _own(name: str, *, quick: bool) -> Task:
    one = next(one for one in real_sets(quick=quick)[0] if one.name == name)
    return kdprobe.task_from_arrays(one.x, one.y, kind="regression", name=name, steps=STEPS)


def _bundled(name: str, load: Callable[..., Any]) -> Task:
    x, y = load(return_X_y=True)
    return kdprobe.task_from_arrays(x, y, kind="classification", name=name, steps=STEPS)


def plans(task: Task, *, quick: bool) -> dict[str, TransferPlan | KnowledgePlan]:
    """What is trained on a set: the family is perceptrons, everything else the plans' own, for at most `STEPS` steps."""
    steps, seeds = min(task.steps or STEPS, 60 if quick else STEPS), 4 if quick else SEEDS
    common: dict[str, Any] = {"tasks": (task.name,), "family": "mlp", "seeds": seeds, "steps": steps}
    small: dict[str, Any] = {"alphas": (0.5, 1.0)} if quick else {}
    found: dict[str, TransferPlan | KnowledgePlan] = {"doses": TransferPlan(**common, **small)}
    if task.kind == "classification":
        found["budget"] = KnowledgePlan(
            **common, distillers=BUDGET, alphas=(BUDGET_ALPHA,), schemes=("same_rows",), teacher_width=128, student_widths=(32,),
            controls=False,
        )  # fmt: skip
    return found


def trained(task: Task, folder: Path, *, quick: bool, jobs: int) -> Trained:
    """Train what is not there yet, and read it."""
    asked = plans(task, quick=quick)
    with kdprobe.sweep(asked["doses"], folder / task.name, jobs=jobs) as zoo:
        _whole(task.name, zoo.provenance())
        evidence = Evidence(zoo)
        (found,) = doses(evidence)
        twin, student = (_whole_by_seed(evidence, found, name) for name in ("twin", "own"))
    budget: dict[str, Any] = {}
    if "budget" in asked:
        with kdprobe.sweep(asked["budget"], folder / f"{task.name}-budget", jobs=jobs, similarity=False) as zoo:
            _whole(task.name, zoo.provenance())
            gains = zoo.gains(metric="nll_calibrated")
            wide = gains.pivot(index="seed", columns="distiller", values="gain").dropna()
            budget = {name: wide[name].to_numpy(dtype=float) for name in BUDGET}
    data = task.load()
    shape = "×".join(str(size) for size in data.x.shape[1:])
    return Trained(
        name=task.name, title=task.title, rows=len(data.x), features=shape, source=task.source, found=found, budget=budget,
        twin=twin, student=student, plans=tuple(plan.hash[:12] for plan in asked.values()),
    )  # fmt: skip


def _whole(name: str, provenance: Mapping[str, Any]) -> None:
    if provenance["failed_cells"]:
        raise SystemExit(f"{name}: cells failed, run it again or look at {provenance['failed_cells']}")


def _whole_by_seed(evidence: Evidence, found: Doses, comparison: str) -> Any:
    assert found.fullest is not None, "a plan of doses has one"
    return evidence.value(found.primary, comparison).reindex(list(found.fullest.models)).to_numpy(dtype=float)

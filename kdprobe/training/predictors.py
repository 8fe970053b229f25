"""The engine of families that are no networks: predictors that are filled from labelled rows at once, such as trees."""

from collections.abc import Sequence

import numpy as np
import torch

from kdprobe.core.errors import PlanError
from kdprobe.core.identity import derived_seed
from kdprobe.training.job import Job
from kdprobe.training.problem import CHUNK, HISTORY, Problem, Trained, label_loss
from kdprobe.training.streams import initial_module

ENGINE = "fitted at once"


def fit_predictors(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Fit jobs of one stack key, one after the other; the history has one entry.

    Raises
    ------
    PlanError
        If they are taught, or have no labels: a predictor learns from labels alone.
    """
    if problem.taught or problem.y is None:
        raise PlanError(f"family {problem.family.name!r} learns from labels alone: it teaches, and is not taught")
    x, y = problem.x.cpu().numpy(), problem.y.cpu().numpy()
    y = y.astype(np.int64 if problem.kind == "classification" else np.float64)
    states: list[dict[str, torch.Tensor]] = []
    history = {name: torch.zeros(len(jobs), 1) for name in HISTORY}
    held_out: list[torch.Tensor] = []
    for place, job in enumerate(jobs):
        module = initial_module(job, problem.family, problem.input_shape, problem.network_outputs).eval()
        module.learn(x, y, problem.kind, np.random.default_rng(derived_seed(job.seed, job.draw, job.stream, "learn")))  # pyright: ignore[reportCallIssue]
        said = [_said(module, rows.cpu()) for rows in (problem.x, problem.validation_x)]
        history["loss"][place] = label_loss(problem.kind, said[0], problem.y.cpu()).mean()
        history["validation_loss"][place] = label_loss(problem.kind, said[1], problem.validation_y.cpu()).mean()
        states.append({name: values.detach() for name, values in module.state_dict().items()})
        held_out.append(said[1])
    return Trained(
        state={name: torch.stack([state[name] for state in states]) for name in states[0]},
        history={**history, "entries": torch.ones(len(jobs), dtype=torch.int64), "step": torch.tensor([0])},
        engine=ENGINE,
        validation_outputs=torch.stack(held_out),
    )


def _said(module: torch.nn.Module, rows: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([module(rows[start : start + CHUNK])[0] for start in range(0, len(rows), CHUNK)])

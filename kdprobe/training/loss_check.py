"""Whether a distiller's loss can teach at all: looked at once for a stack, on one batch, before anything is trained."""

from collections.abc import Sequence
from typing import Any

import torch

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import Distiller
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem
from kdprobe.training.streams import initial_auxiliary, initial_module
from kdprobe.training.teachers import Said, Teachers


def check_losses(jobs: Sequence[Job], problem: Problem) -> None:
    """Raise ContractError if the distiller's loss is not one number a row, or if no gradient of it reaches the student.

    A loss that is detached, or averaged by the distiller itself, trains to the end and says nothing: the student would pass for taught.

    Cost: one pass of one network over one batch.

    Parameters
    ----------
    jobs
        Of one stack key; the first stands for all.
    problem
        What they learn from. Where those who teach still learn, zeros stand for what they say.
    """
    distiller, job = problem.distiller, jobs[0]
    if distiller.loss is None or not problem.taught:
        return
    rows = torch.arange(problem.apart, min(problem.apart + job.batch_size, len(problem.x)), device=problem.device)
    x, y = problem.x[rows], None if problem.y is None or problem.apart else problem.y[rows]
    said = _said(problem, rows, x)
    module = initial_module(job, problem.family, problem.input_shape, problem.network_outputs).to(problem.device, x.dtype).eval()
    with torch.no_grad():
        outputs, features = module(x)
    outputs = outputs.detach().requires_grad_()
    features = {name: values.detach().requires_grad_() for name, values in features.items()}
    auxiliary = initial_auxiliary(job, distiller, problem.shapes(job)) if distiller.auxiliary else None
    student, teacher = problem.views(outputs, features, y, None if auxiliary is None else auxiliary.to(problem.device, x.dtype), said)
    with torch.enable_grad():
        losses = distiller.loss(student, teacher, **job.parameters)
    _check_shape(distiller, losses, len(rows))
    reached = torch.autograd.grad(losses.sum(), [outputs, *features.values()], allow_unused=True) if losses.requires_grad else ()
    if all(gradient is None for gradient in reached):
        raise ContractError(
            f"distiller {distiller.name!r}: no gradient of its loss reaches the student: return what is computed from student.outputs or"
            " student.features, without detach(), item(), numpy() or no_grad()"
        )
    _check_closed(problem, outputs.detach(), said[0], job)


def _said(problem: Problem, rows: torch.Tensor, x: torch.Tensor) -> Said:
    if isinstance(problem.teachers, Teachers):
        return problem.teachers.one(problem.teacher_of[0], rows, x)
    return x.new_zeros(len(rows), problem.outputs), {}


def _check_shape(distiller: Distiller, losses: Any, rows: int) -> None:
    found = f"shape {tuple(losses.shape)}" if isinstance(losses, torch.Tensor) else f"a {type(losses).__name__}"
    if found != f"shape {(rows,)}":
        raise ContractError(
            f"distiller {distiller.name!r}: its loss gives {found} for {rows} rows: return a tensor of shape ({rows},), one value a row,"
            " such as ((student.outputs - teacher.outputs) ** 2).mean(dim=-1); the engine takes the mean"
        )


def _check_closed(problem: Problem, outputs: torch.Tensor, said: torch.Tensor, job: Job) -> None:
    """The same of the closed form, which stands for the loss in stacks of chains."""
    closed = problem.distiller.closed
    if closed is None:
        return
    loss, slope = closed.slope(outputs, closed.fixed(said, **job.parameters), **job.parameters)
    if loss.shape != (len(outputs), 1) or slope.shape != outputs.shape:
        raise ContractError(
            f"distiller {problem.distiller.name!r}: its closed form gives a loss of shape {tuple(loss.shape)} and a gradient of shape"
            f" {tuple(slope.shape)} for outputs of shape {tuple(outputs.shape)}: return ({len(outputs)}, 1) and {tuple(outputs.shape)}"
        )

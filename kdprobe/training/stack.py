"""The fast engine: many models of one architecture at once, as one set of batched matrix products.

Seeds, batch orders, teachers, alphas, temperatures, learning rates and weight decays differ by model. All parameters of the stack lie in
one (models, parameters) tensor, so that the optimiser is a handful of element-wise operations however many layers there are.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.func import functional_call, vmap

from kdprobe.core.recipe import View
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, Trained, cosine, label_loss, recorded_steps
from kdprobe.training.streams import batch_order, initial_module

BETAS, EPSILON = (0.9, 0.999), 1e-8  # torch's defaults for AdamW, which the loop engine uses


def train_stack(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Train jobs of one stack key together; agrees with `train_loop` to rounding.

    Cost: the multiply-adds of the loop, but one call per operation for the whole stack instead of one a model. Memory: about four
    copies of all parameters, and the teacher outputs of the stack's rows.
    """
    if len(jobs) == 1:
        # a stack of one takes other kernels and differs in the last bits: a model must not depend on what it is trained beside
        trained = train_stack([jobs[0], jobs[0]], _doubled(problem))
        first = {name: values if name == "step" else values[:1] for name, values in trained.history.items()}
        return Trained(state={name: values[:1] for name, values in trained.state.items()}, history=first, engine="stack")
    modules = [initial_module(job, problem.family, problem.input_shape, problem.outputs) for job in jobs]
    shapes = {name: value.shape for name, value in modules[0].named_parameters()}
    flat = torch.stack([nn.utils.parameters_to_vector(module.parameters()) for module in modules]).detach().requires_grad_()
    losses_of = _stacked_losses(jobs[0], problem, modules[0], shapes)

    def column(values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32)

    alpha = column([job.alpha for job in jobs])
    rate = column([job.learning_rate for job in jobs])[:, None]
    decay = column([job.weight_decay for job in jobs])[:, None]
    parameters = {name: column([job.parameters[name] for job in jobs]) for name in jobs[0].parameters}
    order = torch.stack([torch.from_numpy(batch_order(job, len(problem.x))) for job in jobs], dim=1).long()
    places = torch.tensor(list(problem.teacher_of))[:, None]
    entries = set(recorded_steps(jobs[0].steps))
    average, square = torch.zeros_like(flat), torch.zeros_like(flat)
    since, count = torch.zeros(len(jobs)), 0
    history: dict[str, list[torch.Tensor]] = {"loss": [], "validation_loss": [], "gradient_norm": []}
    for step in range(jobs[0].steps):
        batch = order[step]
        y = None if problem.y is None else problem.y[batch]
        teacher = None if problem.targets is None else problem.targets[places, batch]
        losses = losses_of(flat, problem.x[batch], y, teacher, alpha, parameters)
        (gradient,) = torch.autograd.grad(losses.sum(), flat)
        with torch.no_grad():
            since, count = since + losses.detach(), count + 1
            current = rate * cosine(step, jobs[0].steps)
            average.lerp_(gradient, 1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            bias1, bias2 = 1 - BETAS[0] ** (step + 1), 1 - BETAS[1] ** (step + 1)
            flat.mul_(1 - current * decay)
            flat.sub_((current / bias1) * average / (square.sqrt() / math.sqrt(bias2) + EPSILON))
            if step + 1 in entries:
                history["loss"].append(since / count)
                history["gradient_norm"].append(gradient.norm(dim=1))
                history["validation_loss"].append(_validation_loss(flat, problem, modules[0], shapes))
                since, count = torch.zeros(len(jobs)), 0
    return Trained(
        state={name: value.detach().clone() for name, value in _unflatten(flat.detach(), shapes).items()},
        history={**{name: torch.stack(values, dim=1) for name, values in history.items()}, "step": torch.tensor(sorted(entries))},
        engine="stack",
    )


def _stacked_losses(job: Job, problem: Problem, module: nn.Module, shapes: dict[str, torch.Size]) -> Callable[..., torch.Tensor]:
    """Return a function that gives each model's mean loss on its own batch: (models,)."""
    labels, taught = problem.y is not None, job.role == "student"

    def one(flat, x, y, teacher, alpha, parameters):  # type: ignore[no-untyped-def]
        outputs, features = functional_call(module, _unflatten(flat, shapes), (x,))
        loss = torch.zeros(())
        if labels:
            loss = loss + (1 - alpha) * label_loss(problem.kind, outputs, y).mean()
        if taught:
            assert problem.distiller.loss is not None
            loss = loss + alpha * problem.distiller.loss(View(outputs, features), View(teacher, {}), **parameters).mean()
        return loss

    return vmap(one, in_dims=(0, 0, 0 if labels else None, 0 if taught else None, 0, 0 if job.parameters else None))


def _unflatten(flat: torch.Tensor, shapes: dict[str, torch.Size]) -> dict[str, torch.Tensor]:
    """Split the last axis of `flat` into the parameters by name."""
    parts = flat.split([shape.numel() for shape in shapes.values()], dim=-1)
    return {name: part.reshape(*flat.shape[:-1], *shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _validation_loss(flat: torch.Tensor, problem: Problem, module: nn.Module, shapes: dict[str, torch.Size]) -> torch.Tensor:
    def one(flat: torch.Tensor) -> torch.Tensor:
        outputs, _ = functional_call(module, _unflatten(flat, shapes), (problem.validation_x,))
        return label_loss(problem.kind, outputs, problem.validation_y).mean()

    return torch.stack([one(model) for model in flat])


def _doubled(problem: Problem) -> Problem:
    from dataclasses import replace

    return replace(problem, teacher_of=[problem.teacher_of[0]] * 2)

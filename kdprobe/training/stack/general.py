"""The fast engine: many models of one architecture at once, as one set of batched operations.

Seeds, batch orders, teachers, alphas, temperatures, learning rates and weight decays differ by model. All parameters of the stack lie in
one (models, parameters) tensor, so that the optimiser is a handful of element-wise operations however many layers there are.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, vmap

from kdprobe.training.dropout import masks_of
from kdprobe.training.job import Job
from kdprobe.training.problem import HISTORY, Problem, Trained, cosine, validation_loss
from kdprobe.training.stack.layout import Layout
from kdprobe.training.stack.optimiser import StackedAdamW
from kdprobe.training.stack.rounding import SameRounding
from kdprobe.training.states import buffers_of, parameters_of, under
from kdprobe.training.stopping import Stopping
from kdprobe.training.streams import generator_of, initial_auxiliary
from kdprobe.training.teachers import rows_of
from kdprobe.training.turns import Run, in_turns


class Stack:
    """Models of one architecture while they train, at least two of them.

    A stack of one takes other kernels and differs in the last bits: a model must not depend on what it is trained beside.

    Cost: the multiply-adds of the loop, but one call per operation for the whole stack instead of one a model. Memory: about five copies of
    all parameters, the activations of one batch of each model, and what the teachers say of the rows.

    Parameters
    ----------
    modules
        The untrained networks of the jobs, with masks for dropout.
    """

    name = "stack"

    def __init__(self, jobs: Sequence[Job], problem: Problem, modules: Sequence[nn.Module]):
        self.jobs, self.problem, first = list(jobs), problem, jobs[0]
        shapes = problem.shapes(first) if problem.distiller.auxiliary else None
        auxiliaries = [initial_auxiliary(job, problem.distiller, shapes) if shapes else None for job in jobs]
        for made in (*modules, *auxiliaries):
            if made is not None:
                made.to(problem.x.dtype)
        pairs = list(zip(modules, auxiliaries, strict=True))
        order = torch.from_numpy(problem.order(first))
        self.masks = masks_of(modules[0], problem.x[: order.shape[1]], [generator_of(job, "dropout") for job in jobs])
        self.module = modules[0].to(problem.device)
        self.auxiliary = None if auxiliaries[0] is None else auxiliaries[0].to(problem.device)
        states = [parameters_of(*pair) for pair in pairs]
        self.layout = Layout({name: value.shape for name, value in states[0].items()})
        self.flat = self.layout.pack(states).to(problem.device).requires_grad_()
        kept = [buffers_of(*pair) for pair in pairs]
        self.buffers = {name: torch.stack([one[name].cpu() for one in kept]).to(problem.device) for name in kept[0]}
        self.alpha = self._column([job.alpha for job in jobs])
        self.optimiser = StackedAdamW(
            self.flat.detach(),
            rate=torch.tensor([job.learning_rate for job in jobs], dtype=torch.float64),
            decay=torch.tensor([job.weight_decay for job in jobs], dtype=torch.float64),
            clip=torch.tensor([job.gradient_clip or math.inf for job in jobs], dtype=torch.float64),
        )
        self.numbers = {name: self._column([job.parameters[name] for job in jobs]) for name in first.parameters}
        self.order = torch.stack([torch.from_numpy(problem.order(job)) for job in jobs], dim=1).to(problem.device)
        self.cut = problem.cut(first)
        self.teacher_of = torch.tensor(list(problem.teacher_of), device=problem.device)
        self.places = torch.arange(len(jobs))
        self.steps = first.steps

    def train(self) -> Trained:
        """Train to the end."""
        return in_turns([self.training()])[0]

    def training(self) -> Run[Trained]:
        """The same, step by step."""
        checks, models = self.problem.checks(self.steps), len(self.jobs)
        stopping = Stopping(self.jobs[0].patience, models, self.problem.goals)
        history = {name: torch.zeros(models, len(checks)) for name in HISTORY}
        since, count = torch.zeros_like(self.alpha), 0
        for step in range(self.steps):
            losses, gradient = self.step(step)
            since += losses
            count += 1
            if step + 1 not in checks:
                yield
                continue
            entry = checks.index(step + 1)
            validation = self.validation_losses()
            running = self.places[stopping.active[self.places]]
            for name, values in zip(HISTORY, (since / count, validation, gradient.norm(dim=1)), strict=True):
                history[name][running, entry:] = self._all(values, models)[running, None]
            stopping.check(self.places, validation, self.state())
            still = stopping.active[self.places]
            if not still.any():
                break
            if 2 * int(still.sum()) < len(self.places):
                self.keep(still)
            since, count = torch.zeros_like(self.alpha), 0
            yield
        state = {name: value.cpu() for name, value in stopping.best(self.state()).items()}
        return Trained(
            state={name: value.clone() for name, value in under("network", state).items()},
            history={**history, "entries": stopping.entries, "step": torch.tensor(checks)},
            engine=f"{self.name} of {models}",
        )

    def step(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Take one step; each model's loss before it (models,) and its gradient (models, parameters), good until the next step."""
        batch = self.order[step].long()
        losses, gradient = self.slope(batch, None if self.problem.y is None else rows_of(self.problem.y, batch[:, : self.cut or None]))
        with torch.no_grad():
            self.optimiser.step(self.flat, gradient, cosine(step, self.steps))
        return losses, gradient

    def slope(self, batch: torch.Tensor, y: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Each model's mean loss on its own batch (models,), and its gradient by the parameters (models, parameters)."""
        problem, x = self.problem, rows_of(self.problem.x, batch)
        said = (
            problem.teachers.many(self.teacher_of, batch[:, self.cut :], x[:, self.cut :]) if problem.taught and problem.teachers else None
        )
        masks = {f"network.{name}": mask for name, mask in self.masks.next(problem.device).items()}
        self.module.train()
        losses = self._losses(self.flat, self.buffers | masks, x, y, said)
        (gradient,) = torch.autograd.grad(losses.sum(), self.flat)
        return losses.detach(), gradient

    def answers(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs of each model on its own rows x (models, b, ...) as it is now, in evaluation mode: what it says to its peers."""
        self.module.eval()

        def one(values: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
            return functional_call(self.module, under("network", values), (x,))[0]

        with torch.no_grad(), SameRounding():
            return vmap(one)(self.state(), x)

    def validation_losses(self) -> torch.Tensor:
        """Each model's loss on the validation rows: (models,), on the CPU."""
        state = self.state()
        return torch.tensor(
            [
                validation_loss(self.module, self.problem, under("network", {name: value[model] for name, value in state.items()}))
                for model in range(len(self.places))
            ]
        )

    def state(self) -> dict[str, torch.Tensor]:
        """Parameters and buffers by name, each (models, ...)."""
        return self.layout.unpack(self.flat.detach()) | self.buffers

    def keep(self, chosen: torch.Tensor) -> None:
        """Go on with some of the models only, but never with one alone."""
        if int(chosen.sum()) == 1:
            chosen = chosen.clone()
            chosen[int(torch.argmin(chosen.int()))] = True
        places = torch.nonzero(chosen)[:, 0]
        here = places.to(self.problem.device)
        self.places = self.places[places]
        self.flat = self.flat.detach()[here].requires_grad_()
        self.optimiser.keep(here)
        self.alpha, self.teacher_of = self.alpha[here], self.teacher_of[here]
        self.order = self.order[:, here]
        self.numbers = {name: values[here] for name, values in self.numbers.items()}
        self.buffers = {name: values[here] for name, values in self.buffers.items()}
        self.masks.keep_models(places)

    def _losses(self, flat: torch.Tensor, buffers: dict[str, torch.Tensor], x: torch.Tensor, y: Any, said: Any) -> torch.Tensor:
        """Each model's mean loss on its own batch: (models,)."""
        problem = self.problem

        def one(flat: torch.Tensor, buffers: Any, x: torch.Tensor, y: Any, said: Any, alpha: torch.Tensor, numbers: Any) -> torch.Tensor:
            values = self.layout.unpack(flat) | buffers
            outputs, features = functional_call(self.module, under("network", values), (x,))
            return problem.loss(outputs, features, y, self._auxiliary(under("auxiliary", values)), said, alpha, numbers)

        dims = (0, 0, 0, None if y is None else 0, None if said is None else 0, 0, 0)
        with SameRounding():
            return vmap(one, in_dims=dims)(flat, buffers, x, y, said, self.alpha, self.numbers)

    def _auxiliary(self, values: dict[str, torch.Tensor]) -> Any:
        module = self.auxiliary
        return None if module is None else lambda *inputs: functional_call(module, values, inputs)

    def _column(self, values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(values, dtype=self.problem.x.dtype, device=self.problem.device)

    def _all(self, values: torch.Tensor, models: int) -> torch.Tensor:
        """Values of the models there are, in the places of the whole stack."""
        found = torch.zeros(models)
        found[self.places] = values.float().cpu()
        return found

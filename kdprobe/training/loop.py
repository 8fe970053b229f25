"""The reference engine: one model at a time, torch's own optimiser, nothing clever."""

from collections.abc import Sequence

import torch
from torch import nn

from kdprobe.training.dropout import masks_of, with_masks
from kdprobe.training.job import Job
from kdprobe.training.problem import HISTORY, Problem, Trained, cosine, validation_loss
from kdprobe.training.states import buffers_of, parameters_of, under
from kdprobe.training.stopping import Stopping
from kdprobe.training.streams import generator_of, initial_auxiliary, initial_module
from kdprobe.training.turns import Run, in_turns

Parts = tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]
"""State and history of one model."""


def train_loop(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Train jobs of one stack key one after the other.

    Cost: for a job of s steps with batch b and p parameters, about 6·s·b·p multiply-adds and s optimiser calls.
    """
    own = [problem.part([place]) for place in range(len(jobs))]
    trained = [Learner(*each).train() for each in zip(jobs, own, problem.teacher_of, strict=True)]
    return gathered(trained, problem.checks(jobs[0].steps))


def gathered(trained: Sequence[Parts], checks: Sequence[int]) -> Trained:
    """States and histories of single models as a stack of them."""
    state = {name: torch.stack([one[0][name] for one in trained]) for name in trained[0][0]}
    history = {name: torch.stack([one[1][name] for one in trained]) for name in trained[0][1]}
    history["step"] = torch.tensor(checks)
    return Trained(state=state, history=history, engine="loop")


class Learner:
    """One model while it trains."""

    def __init__(self, job: Job, problem: Problem, teacher: int):
        self.job, self.problem, self.teacher = job, problem, teacher
        module = with_masks(initial_module(job, problem.family, problem.input_shape, problem.network_outputs))
        auxiliary = initial_auxiliary(job, problem.distiller, problem.shapes(job)) if problem.distiller.auxiliary else None
        self.order = torch.from_numpy(problem.order(job)).to(problem.device)
        self.cut = problem.cut(job)
        self.masks = masks_of(module, problem.x[: self.order.shape[1]], [generator_of(job, "dropout")])
        self.module = module.to(problem.device, problem.x.dtype)
        self.auxiliary = None if auxiliary is None else auxiliary.to(problem.device, problem.x.dtype)
        self.trainable = [*module.parameters(), *(() if self.auxiliary is None else self.auxiliary.parameters())]
        self.optimiser = torch.optim.AdamW(self.trainable, lr=job.learning_rate, weight_decay=job.weight_decay, fused=True)

    def train(self) -> Parts:
        """Train to the end; state and history."""
        return in_turns([self.training()])[0]

    def training(self) -> Run[Parts]:
        """The same, step by step."""
        job, checks = self.job, self.problem.checks(self.job.steps)
        stopping = Stopping(job.patience, 1, self.problem.goals)
        losses: list[float] = []
        history: dict[str, list[float]] = {name: [] for name in HISTORY}
        for step in range(job.steps):
            loss, norm = self.step(step)
            losses.append(loss)
            if step + 1 in checks:
                validation = validation_loss(self.module, self.problem)
                for name, value in zip(HISTORY, (sum(losses) / len(losses), validation, norm), strict=True):
                    history[name].append(value)
                losses.clear()
                stopping.check(torch.tensor([0]), torch.tensor([validation]), {k: v[None] for k, v in self.state().items()})
                if not stopping.active[0]:
                    break
            yield
        best = {name: value[0] for name, value in stopping.best({k: v[None] for k, v in self.state().items()}).items()}
        full = {name: torch.tensor(values + [values[-1]] * (len(checks) - len(values))) for name, values in history.items()}
        return under("network", best), full | {"entries": stopping.entries[0]}

    def step(self, step: int) -> tuple[float, float]:
        """Take one step; the loss before it and the gradient's norm."""
        problem, batch = self.problem, self.order[step]
        x, y = problem.x[batch], None if problem.y is None else problem.y[batch[: self.cut or None]]
        for name, mask in self.masks.next(problem.device).items():
            layer, _, _ = name.rpartition(".")
            self.module.get_submodule(layer).mask = mask[0]  # type: ignore[assignment]
        self.module.train()
        outputs, features = self.module(x)
        said = problem.teachers.one(self.teacher, batch[self.cut :], x[self.cut :]) if problem.taught and problem.teachers else None
        loss = problem.loss(outputs, features, y, self.auxiliary, said, self.job.alpha, self.job.parameters)
        self.optimiser.zero_grad()
        loss.backward()
        for group in self.optimiser.param_groups:
            group["lr"] = self.job.learning_rate * cosine(step, self.job.steps)
        norm = nn.utils.get_total_norm([p.grad for p in self.trainable if p.grad is not None])
        if self.job.gradient_clip:
            nn.utils.clip_grads_with_norm_(self.trainable, self.job.gradient_clip, norm)
        self.optimiser.step()
        return loss.item(), float(norm)

    def answers(self, x: torch.Tensor) -> torch.Tensor:
        """Outputs on x as it is now, in evaluation mode: what it says to those who learn together with it."""
        self.module.eval()
        with torch.no_grad():
            return self.module(x)[0]

    def state(self) -> dict[str, torch.Tensor]:
        """A copy of the parameters and buffers, on the CPU."""
        found = parameters_of(self.module, None) | buffers_of(self.module, None)
        return {name: value.detach().cpu().clone() for name, value in found.items()}

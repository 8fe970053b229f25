"""The reference engine: one model at a time, torch's own optimiser, nothing clever."""

from collections.abc import Sequence

import torch

from kdprobe.core.recipe import View
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, Trained, cosine, label_loss, recorded_steps
from kdprobe.training.streams import batch_order, initial_module


def train_loop(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Train jobs of one stack key one after the other.

    Cost: for a job of s steps with batch b and p parameters, about 6·s·b·p multiply-adds and s optimiser calls.
    """
    trained = [_train_one(job, problem, place) for job, place in zip(jobs, problem.teacher_of, strict=True)]
    state = {name: torch.stack([one[0][name] for one in trained]) for name in trained[0][0]}
    history = {name: torch.stack([one[1][name] for one in trained]) for name in ("loss", "validation_loss", "gradient_norm")}
    history["step"] = torch.tensor(recorded_steps(jobs[0].steps))
    return Trained(state=state, history=history, engine="loop")


def _train_one(job: Job, problem: Problem, teacher: int) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    module = initial_module(job, problem.family, problem.input_shape, problem.outputs)
    optimiser = torch.optim.AdamW(module.parameters(), lr=job.learning_rate, weight_decay=job.weight_decay, fused=True)
    order = torch.from_numpy(batch_order(job, len(problem.x)))
    entries = set(recorded_steps(job.steps))
    losses: list[float] = []
    history: dict[str, list[float]] = {"loss": [], "validation_loss": [], "gradient_norm": []}
    for step in range(job.steps):
        for group in optimiser.param_groups:
            group["lr"] = job.learning_rate * cosine(step, job.steps)
        batch = order[step]
        outputs, features = module(problem.x[batch])
        loss = torch.zeros(())
        if job.alpha < 1:
            assert problem.y is not None, "rows without labels need alpha=1"
            loss = loss + (1 - job.alpha) * label_loss(problem.kind, outputs, problem.y[batch]).mean()
        if job.alpha > 0:
            assert problem.targets is not None, "alpha above 0 needs a teacher"
            assert problem.distiller.loss is not None, "alpha above 0 needs a teacher's loss"
            teacher_view = View(problem.targets[teacher, batch], {})
            loss = loss + job.alpha * problem.distiller.loss(View(outputs, features), teacher_view, **job.parameters).mean()
        optimiser.zero_grad()
        loss.backward()
        losses.append(loss.item())
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        norm = float(torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))) if step + 1 in entries else 0.0
        optimiser.step()
        if step + 1 in entries:
            with torch.no_grad():
                validation = label_loss(problem.kind, module(problem.validation_x)[0], problem.validation_y).mean().item()
            history["loss"].append(sum(losses) / len(losses))
            history["validation_loss"].append(validation)
            history["gradient_norm"].append(norm)
            losses.clear()
    return {k: v.detach().clone() for k, v in module.state_dict().items()}, {k: torch.tensor(v) for k, v in history.items()}

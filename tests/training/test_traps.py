"""Mistakes that other trainers of students make, each tried on ours.

More of them are in tests/distillers/test_response.py (direction of the KL, T² in the gradient), test_provided.py (frozen teachers),
test_stopping.py (epochs chosen on validation rows), tests/sweep/test_provided.py (targets by sample id, in float32) and
tests/sweep/test_run.py (workers are spawned).
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from kdprobe import GapPlan
from kdprobe.core.registry import available, find
from kdprobe.core.trace import TaskKind
from kdprobe.sweep.problems import problem_of
from kdprobe.tasks.splits import split
from kdprobe.training.engines import train_stack
from kdprobe.training.loop import train_loop
from kdprobe.training.streams import batch_order, initial_module
from tests.training.problems import jobs, problem

KD = available("distillers")["kd"]


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_loss_is_that_of_the_paper_at_every_weight_and_temperature(alpha, temperature):
    """(1-α)·CE + α·T²·KL by torch's own functions, the KL a mean over rows ("batchmean") and not over rows and classes."""
    found = problem(KD, "classification", [0])
    generator = torch.Generator().manual_seed(0)
    z_s, z_t = torch.randn(2, 12, 5, generator=generator, dtype=torch.float64) * 3
    y = torch.randint(0, 5, (12,), generator=generator)
    p_t, log_p_s = torch.softmax(z_t / temperature, 1), torch.log_softmax(z_s / temperature, 1)
    wanted = (1 - alpha) * functional.cross_entropy(z_s, y) + alpha * temperature**2 * functional.kl_div(
        log_p_s, p_t, reduction="batchmean"
    )
    torch.testing.assert_close(found.loss(z_s, {}, y, None, (z_t, {}), alpha, {"temperature": temperature}), wanted)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_engines_hold_to_it(temperature):
    """The training loss that both engines record at the first step, at weight one."""
    (job,) = jobs(1, KD, alpha=1.0, steps=1, parameters={"temperature": temperature})
    found = problem(KD, "classification", [1])
    losses = [engine([job], found).history["loss"][0, 0].item() for engine in (train_loop, train_stack)]
    batch = torch.from_numpy(batch_order(job, len(found.x))[0]).long()
    with torch.no_grad():
        z_s = initial_module(job, found.family, found.input_shape, found.outputs)(found.x[batch])[0]
    log_p_s, p_t = torch.log_softmax(z_s / temperature, 1), torch.softmax(found.teachers.outputs[1, batch] / temperature, 1)
    wanted = temperature**2 * functional.kl_div(log_p_s, p_t, reduction="batchmean").item()
    assert losses == pytest.approx([wanted, wanted], rel=1e-5)


@pytest.mark.parametrize(("task", "kind"), [("letters", "classification"), ("bikeshare", "regression")])
def test_nothing_of_the_probe_rows_reaches_training(task: str, kind: TaskKind, tmp_path):
    """Early stopping chooses an epoch; with other probe rows it chooses the same."""
    plan = GapPlan(
        tasks=(task,), teacher_widths=(4,), student_widths=(3,), seeds=2, steps=60, patience=2, schemes=("same_rows",), beside={}
    )
    parts = split(find("tasks", task))
    asked = [job for job in plan.grid(plan.data()).jobs if job.role == "twin"]
    rng = np.random.default_rng(0)

    def other(part):
        return replace(part, x=rng.normal(size=part.x.shape).astype(np.float32), y=part.y[::-1])

    states = []
    for rows in (parts, replace(parts, probe_a=other(parts.probe_a), probe_b=other(parts.probe_b))):
        states.append(train_stack(asked, problem_of(tmp_path, asked, find("tasks", task), rows, {}, torch.device("cpu"))))
    assert states[0].history["entries"].tolist() == states[1].history["entries"].tolist()
    for name, values in states[0].state.items():
        assert torch.equal(values, states[1].state[name])


def test_a_twin_is_tuned_as_its_student_is():
    settings = {"learning_rate": 0.003, "weight_decay": 0.02, "batch_size": 32, "gradient_clip": 1.0, "patience": 3, "steps": 500}
    plan = GapPlan(seeds=2, controls=False, **settings)
    data = plan.data()
    known = {job.id: job for job in plan.grid(data).jobs}
    for cell in plan.cells():
        student, twin = plan.grid(data).student(cell), known[plan.grid(data).twin_id(cell)]
        for name in ("learning_rate", "weight_decay", "batch_size", "gradient_clip", "patience", "steps", "family", "width", "options"):
            assert getattr(student, name) == getattr(twin, name), name

"""Networks that learn together: the algorithm of the paper, by every engine, whatever is trained beside them."""

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
from torch.nn import functional

from kdprobe.core.errors import PlanError
from kdprobe.core.registry import available
from kdprobe.training.cohort import train_together
from kdprobe.training.problem import cosine
from kdprobe.training.streams import batch_order, initial_module
from kdprobe.training.teachers import mean_output
from tests.training.problems import GAUSSIAN, MAPS, NORMED, jobs, problem

DISTILLERS = available("distillers")
KD = DISTILLERS["kd"]
FAMILIES = available("families")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cohorts(distiller, kind, family, count, *, widths=(7, 9), **changes):
    """Jobs and problem of two networks each: a student and a peer of another width."""
    found = problem(distiller, kind, [0] * count, family=family, rows=60)
    groups = []
    for role, width in zip(("student", "peer"), widths, strict=True):
        own = {"family": family.name, "width": width, "options": dict(family.options), "batch_size": 8, "learning_rate": 0.003, "steps": 30}
        made = jobs(count, distiller, **own | changes)
        groups.append([msgspec.structs.replace(job, role=role, peers=("the other",)) for job in made])
    return groups, [found, found]


def equal(one, two, atol=0.0):
    for name, values in one.state.items():
        torch.testing.assert_close(two.state[name], values, atol=atol, rtol=0, msg=name)


CASES = [
    (KD, "classification", FAMILIES["mlp"]),
    (DISTILLERS["l2_imitation"], "regression", FAMILIES["mlp"]),
    (GAUSSIAN, "regression", FAMILIES["mlp"]),
    (DISTILLERS["hl_gauss"], "regression", FAMILIES["mlp"]),
    (KD, "classification", NORMED),
    (KD, "classification", MAPS),
    (KD, "classification", FAMILIES["cnn"]),
]
NAMES = [f"{distiller.name}-{family.name}" for distiller, _, family in CASES]


@pytest.mark.parametrize(("distiller", "kind", "family"), CASES, ids=NAMES)
def test_engines_agree_and_neighbours_change_no_bit(distiller, kind, family):
    groups, problems = cohorts(distiller, kind, family, 3, steps=100 if family.name == "mlp" else 30)
    loop = train_together(groups, problems, "loop")
    stack = train_together(groups, problems, "stack of 64")
    for one, two in zip(loop, stack, strict=True):
        equal(one, two, atol=1e-5)
        torch.testing.assert_close(one.history["validation_loss"], two.history["validation_loss"], atol=1e-4, rtol=1e-4)
    for places in ([1], [2, 0]):
        part = [[group[place] for place in places] for group in groups]
        for whole, some in zip(stack, train_together(part, [each.part(places) for each in problems], "stack of 64"), strict=True):
            equal(replace(whole, state={name: values[places] for name, values in whole.state.items()}), some)


def test_it_is_the_algorithm_of_the_paper():
    """Algorithm 1 of Zhang et al. 2018, written here with two modules and optimisers: labels plus KL, one after the other."""
    (students, peers), problems = cohorts(KD, "classification", FAMILIES["mlp"], 1, steps=40)
    found = train_together([students, peers], problems, "loop")
    given = problems[0]
    pair = [students[0], peers[0]]
    nets = [initial_module(job, given.family, given.input_shape, given.outputs) for job in pair]
    optimisers = [torch.optim.AdamW(net.parameters(), weight_decay=job.weight_decay) for net, job in zip(nets, pair, strict=True)]
    orders = [torch.from_numpy(batch_order(job, len(given.x))) for job in pair]
    assert not torch.equal(*orders)
    for step in range(40):
        for me, other in ((0, 1), (1, 0)):
            job, rows, t = pair[me], orders[me][step], pair[me].parameters["temperature"]
            mine, said = nets[me](given.x[rows])[0], nets[other](given.x[rows])[0].detach()
            apart = functional.kl_div(functional.log_softmax(mine / t, 1), functional.softmax(said / t, 1), reduction="batchmean")
            loss = (1 - job.alpha) * functional.cross_entropy(mine, given.y[rows]) + job.alpha * t * t * apart
            optimisers[me].zero_grad()
            loss.backward()
            optimisers[me].param_groups[0]["lr"] = job.learning_rate * cosine(step, job.steps)
            optimisers[me].step()
    for net, trained in zip(nets, found, strict=True):
        for name, values in net.state_dict().items():
            torch.testing.assert_close(trained.state[name][0], values, atol=1e-5, rtol=0)


def test_a_peer_makes_a_difference_and_the_student_differs_from_its_peer():
    groups, problems = cohorts(KD, "classification", FAMILIES["mlp"], 2, widths=(7, 7))
    taught = train_together(groups, problems)
    alone = train_together([[msgspec.structs.replace(job, alpha=0.0) for job in group] for group in groups], problems)
    for one, two in ((taught[0], taught[1]), (taught[0], alone[0])):
        assert (one.state["output.weight"] - two.state["output.weight"]).abs().max() > 1e-3


def test_three_at_once():
    groups, problems = cohorts(KD, "classification", FAMILIES["mlp"], 2)
    third = [msgspec.structs.replace(job, role="peer_2") for job in groups[1]]
    loop, stack = (train_together([*groups, third], [*problems, problems[0]], engine) for engine in ("loop", "stack"))
    for one, two in zip(loop, stack, strict=True):
        equal(one, two, atol=1e-5)


def test_the_choice_is_recorded_and_can_be_repeated():
    groups, problems = cohorts(KD, "classification", FAMILIES["mlp"], 3)
    first = train_together(groups, problems)
    again = train_together(groups, problems, first[0].engine)
    for one, two in zip(first, again, strict=True):
        equal(one, two)
    with pytest.raises(PlanError, match=r"engine='stak' is unknown: did you mean 'stack'"):
        train_together(groups, problems, "stak")


def test_the_mean_of_teachers():
    rng = np.random.default_rng(0)
    said = 4 * rng.normal(size=(3, 6, 5))
    p = np.exp(said) / np.exp(said).sum(-1, keepdims=True)
    found = mean_output(torch.from_numpy(said), "classification").numpy()
    np.testing.assert_allclose(np.exp(found), p.mean(0), rtol=1e-12)
    np.testing.assert_allclose(mean_output(torch.from_numpy(said), "regression").numpy(), said.mean(0), rtol=1e-12)
    one = torch.from_numpy(said[:1])
    assert torch.equal(mean_output(one, "classification"), one[0])
    extreme = torch.tensor([[[1e4, 0.0]], [[0.0, 1e4]]])
    np.testing.assert_allclose(mean_output(extreme, "classification").numpy(), math.log(0.5) * np.ones((1, 2)))

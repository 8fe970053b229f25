"""Twins by the user's own functions: one a seed, the same again, and refused where seeds make no difference."""

import random

import numpy as np
import pytest
import torch
from torch import nn

import kdprobe
from kdprobe import DataError, PlanError
from kdprobe.training.own_models import train_twins

RNG = np.random.default_rng(0)
X = torch.from_numpy(RNG.normal(size=(120, 4)).astype(np.float32))
Y = torch.from_numpy(RNG.integers(0, 3, 120))
ONE = nn.Linear(2, 2)


def build():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def fit(model, data):
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        rows = torch.randperm(len(data[0]))[:40]
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(data[0][rows]), data[1][rows]).backward()
        optimiser.step()


def test_twins_and_siblings_are_what_compare_takes():
    twins = train_twins(build, fit, (X, Y), seeds=3)
    siblings = train_twins(build, fit, (X, Y), seeds=(10, 11, 12))
    teacher, student = train_twins(build, fit, (X, Y), seeds=(20, 21))
    found = kdprobe.compare(teacher, student, (X, Y), task="classification", twins=twins, siblings=siblings)
    assert found.twins == ("twin 1", "twin 2", "twin 3")
    assert found.results["kl"]["specific"].value is not None
    assert kdprobe.train_twins is train_twins


def test_the_same_seeds_give_the_same_models_and_leave_generators_alone():
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    first, again = (train_twins(build, fit, (X, Y), seeds=(3, 4)) for _ in range(2))
    assert random.getstate() == states[0]
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert all(torch.equal(a, b) for a, b in zip(first[1].parameters(), again[1].parameters(), strict=True))
    assert not torch.equal(first[0][0].weight, first[1][0].weight)


def test_functions_may_take_the_seed_and_return_the_model():
    seen = []

    def build_of(seed):
        seen.append(seed)
        return {"seed": seed}

    def fit_of(model, data, seed):
        return model["seed"], data, seed

    def fit_with_default(model, data, *, seed=None, steps=3):
        return model["seed"], seed, steps

    assert train_twins(build_of, fit_of, "rows", seeds=(7, 9)) == [(7, "rows", 7), (9, "rows", 9)]
    assert train_twins(build_of, fit_with_default, "rows", seeds=2) == [(0, 0, 3), (1, 1, 3)]
    assert seen == [7, 9, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"seeds": 1}, PlanError, "seeds=1: give 2 or more, 3 to see how far"),
        ({"seeds": (4, 5, 4)}, PlanError, "seeds has 4 twice"),
        ({"seeds": (0, -1)}, PlanError, "seeds has -1: give whole numbers from 0"),
        ({"seeds": 2.5}, PlanError, "seeds=2.5: give how many, such as 4, or a list of whole numbers"),
        ({"seeds": (0.5, 1.7)}, PlanError, "a list of whole numbers"),
        ({"seeds": "ab"}, PlanError, "a list of whole numbers"),
        ({"build": nn.Identity}, DataError, None),
        ({"build": 3}, PlanError, r"build is a int: give a function, build\(\) or build\(seed\)"),
        ({"fit": lambda model: None}, PlanError, r"fit takes 1 arguments: give a function, fit\(model, data\) or fit\(model, data, seed\)"),
        ({"fit": lambda a, b, c, d: None}, PlanError, "fit takes 4 arguments"),
        ({"data": iter([1])}, PlanError, "data is a list_iterator, which can be gone through once"),
        ({"scheduler": "tcp://127.0.0.1:1"}, PlanError, "scheduler='tcp://127.0.0.1:1' cannot be reached"),
        ({"build": lambda model=ONE: model, "fit": lambda m, d: None}, DataError, "seeds 0 and 1 gave one model: let build"),
    ],
)
def test_what_gives_no_twins_is_named(arguments, error, text):
    if text is None:
        # a network without weights has none to compare: compare sees from its outputs that twins are one
        assert len(train_twins(nn.Identity, lambda m, d: None, (X, Y), seeds=2)) == 2
        return
    with pytest.raises(error, match=text):
        train_twins(arguments.get("build", build), arguments.get("fit", fit), arguments.get("data", (X, Y)), **{
            key: value for key, value in arguments.items() if key in ("seeds", "scheduler")
        } | ({"seeds": 2} if "seeds" not in arguments else {}))  # fmt: skip


def test_weights_that_no_seed_reaches_are_noticed():
    def fixed():
        net = nn.Linear(4, 3)
        nn.init.zeros_(net.weight)
        nn.init.zeros_(net.bias)
        return net

    with pytest.raises(DataError, match="seeds 0 and 1 gave the same weights: let build and fit draw from the seed"):
        train_twins(fixed, lambda model, data: None, (X, Y), seeds=2)


@pytest.mark.slow
def test_a_cluster_gives_the_same_models():
    from distributed import LocalCluster

    here = train_twins(build, fit, (X, Y), seeds=2)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        there = train_twins(build, fit, (X, Y), seeds=2, scheduler=cluster.scheduler_address)
    assert all(torch.equal(a, b) for a, b in zip(here[1].parameters(), there[1].parameters(), strict=True))

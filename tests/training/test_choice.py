"""Which engine trains what, how many models at once, and that it is remembered."""

from dataclasses import replace

import msgspec
import pytest
import torch

from kdprobe import PlanError
from kdprobe.core.registry import available
from kdprobe.training import engines
from kdprobe.training.device import check_device, on_device
from kdprobe.training.dropout import with_masks
from kdprobe.training.engines import choose, stacked, train, train_stack
from kdprobe.training.stack.chain import chain_of
from kdprobe.training.stack.chained import Chained
from kdprobe.training.stack.general import Stack
from kdprobe.training.streams import initial_module
from tests.training.problems import MAPS, NORMED, jobs, problem, with_teachers

DISTILLERS = available("distillers")
FAMILIES = {name: family for name, family in available("families").items() if family.fit == "steps"}
KD, HINT = DISTILLERS["kd"], DISTILLERS["hint"]


@pytest.mark.parametrize("size", [2, 3, 64])
@pytest.mark.parametrize("family", [NORMED, FAMILIES["mlp"], FAMILIES["cnn"]], ids=lambda family: family.name)
def test_how_many_are_trained_at_once_changes_no_bit(family, size):
    asked = jobs(5, KD, family=family.name, steps=4, batch_size=10)
    found = problem(KD, "classification", [0, 1, 2, 0, 1], family=family)
    whole = train_stack(asked, found)
    parts = train(asked, found, f"stack of {size}")
    assert parts.engine == f"stack of {size}"
    for key, values in whole.state.items():
        assert torch.equal(values, parts.state[key])
    for key, values in whole.history.items():
        assert torch.equal(values, parts.history[key])


def test_no_model_is_trained_twice_to_fill_a_stack(monkeypatch):
    sizes = []
    monkeypatch.setattr(engines, "train_stack", lambda jobs, problem: (sizes.append(len(jobs)), train_stack(jobs, problem))[1])
    found = problem(KD, "classification", [0] * 5)
    train(jobs(5, KD, steps=1), found, "chain of 2")
    train(jobs(3, KD, steps=1), with_teachers(found, [0] * 3), "chain of 2")
    train(jobs(5, KD, steps=1), found, "chain of 4")
    assert sizes == [2, 3, 3, 2, 3]


def test_perceptrons_are_fastest_all_at_once_and_that_is_known_without_a_trial(monkeypatch):
    monkeypatch.setattr(engines, "seconds_a_step", lambda *_: pytest.fail("timed"))
    asked = problem(KD, "classification", [0, 1])
    assert choose(jobs(2, KD), asked) == "chain of 64"
    # 6·w + w + 5·w + 5 parameters: as many models as the cache holds, but never fewer than 8
    assert choose(jobs(2, KD, width=1000), asked) == "chain of 33"
    assert choose(jobs(2, KD, width=9000), asked) == "chain of 8"


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({2: 1.0, 4: 0.6, 8: 0.5, 16: 0.45, 64: 0.5, "loop": 0.44}, "stack of 16"),
        ({2: 1.0, 4: 0.6, 8: 0.9, 16: 0.1, 64: 0.1, "loop": 0.55}, "stack of 4"),
        ({2: 1.0, 4: 1.2, 8: 0.1, 16: 0.1, 64: 0.1, "loop": 0.5}, "loop"),
    ],
)
def test_the_choice_is_the_fastest_a_model(monkeypatch, seconds, chosen):
    def timed(step, device):
        owner = step.__self__
        return seconds["loop"] if not isinstance(owner, Stack) else seconds[len(owner.jobs)] * len(owner.jobs)

    monkeypatch.setattr(engines, "seconds_a_step", timed)
    found = problem(KD, "classification", [0, 1], family=NORMED)
    asked = jobs(2, KD, family="normed", steps=1)
    assert choose(asked, found) == chosen
    assert choose(asked, found, loop=False).startswith("stack of")


def test_a_real_trial_gives_a_choice_that_can_be_repeated():
    found = problem(KD, "classification", [0, 1], family=MAPS)
    asked = jobs(2, KD, family="maps", steps=2)
    trained = train(asked, found)
    again = train(asked, found, trained.engine)
    assert trained.engine == again.engine
    for key, values in trained.state.items():
        assert torch.equal(values, again.state[key])


def test_an_unknown_engine():
    with pytest.raises(PlanError, match=r"engine='stak' is unknown: did you mean 'stack'\? Known: auto, loop, stack"):
        train(jobs(1, KD, steps=1), problem(KD, "classification", [0]), "stak")


# ---- chains


def chain(family, options=None, shape=(6,)):
    (job,) = jobs(1, KD, family=family.name, options=dict(family.options) | (options or {}), width=4)
    return chain_of(with_masks(initial_module(job, family, shape, 5)))


def test_which_networks_are_chains():
    mlp, cnn = FAMILIES["mlp"], FAMILIES["cnn"]
    assert [link.kind for link in chain(mlp).links] == ["linear", "relu", "linear"]
    deep = chain(mlp, {"depth": 2, "dropout": 0.5})
    assert [link.kind for link in deep.links] == ["linear", "relu", "mask", "linear", "relu", "mask", "linear"]
    assert deep.features == {"hidden1": 2, "hidden2": 5}
    maps = chain(cnn, shape=(1, 8, 8))
    assert [link.kind for link in maps.links] == ["convolution", "relu"] * 3 + ["mean", "linear"]
    assert maps.of_maps
    assert not deep.of_maps
    for family, options, shape in (
        (mlp, {"norm": "batch"}, (6,)),
        (cnn, {"norm": "batch"}, (1, 8, 8)),
        (FAMILIES["gru"], {}, (4, 5)),
        (FAMILIES["transformer"], {}, (6,)),
        (NORMED, {}, (6,)),
        (MAPS, {}, (2, 7, 6)),
    ):
        assert chain(family, options, shape) is None, family.name


class Forked(torch.nn.Module):
    def __init__(self, how):
        super().__init__()
        self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
        self.how = how

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        if self.how == "skip":
            return self.second(hidden) + hidden, {"hidden": hidden}
        if self.how == "branch":
            return self.second(x), {"hidden": hidden}
        if self.how == "value" and x.sum() > 0:
            return self.second(hidden), {"hidden": hidden}
        return self.second(hidden), {"hidden": hidden * 2 if self.how == "derived" else hidden}


@pytest.mark.parametrize("how", ["skip", "branch", "value", "derived"])
def test_what_only_looks_like_a_chain_is_none(how):
    assert chain_of(Forked("plain")) is not None
    assert chain_of(Forked(how)) is None


@pytest.mark.parametrize(("distiller", "family"), [(KD, "mlp"), (HINT, "mlp"), (KD, "cnn"), (HINT, "cnn")])
def test_chains_agree_with_the_general_stack(distiller, family):
    """The same jobs by hand and by vmap."""
    asked = jobs(3, distiller, family=family, steps=30, batch_size=10, learning_rate=0.003, width=6)
    found = problem(distiller, "classification", [0, 1, 2], family=family)
    by_hand = stacked(asked, found)
    assert isinstance(by_hand, Chained)
    modules = [with_masks(initial_module(job, found.family, found.input_shape, found.network_outputs)) for job in asked]
    one, other = by_hand.train(), Stack(asked, found, modules).train()
    for key, values in one.state.items():
        torch.testing.assert_close(other.state[key], values, atol=1e-5, rtol=1e-5)


def test_soft_targets_are_made_once_for_each_teacher_and_temperature():
    calls, fixed = [], KD.closed.fixed

    def counted(outputs, **numbers):
        calls.append(numbers)
        return fixed(outputs, **numbers)

    distiller = replace(KD, closed=replace(KD.closed, fixed=counted))
    asked = [msgspec.structs.replace(job, parameters={"temperature": t}) for job, t in zip(jobs(4, KD, steps=3), (1, 4, 1, 4), strict=True)]
    train_stack(asked, problem(distiller, "classification", [0, 0, 0, 1]))
    assert calls == [{"temperature": 1}, {"temperature": 4}, {"temperature": 4}]


# ---- devices


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("gpu", r"device='gpu' is unknown: give cpu, cuda, or one GPU of several such as cuda:1"),
        ("cpu:0", r"device='cpu:0' is unknown"),
        ("cuda:999", r"device='cuda:999' is not there \(torch .*\): leave --device out to train on the CPU"),
    ],
)
def test_a_device_that_is_not_there(device, text):
    with pytest.raises(PlanError, match=text):
        check_device(device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
@pytest.mark.parametrize(("distiller", "family"), [(KD, "mlp"), (HINT, "cnn"), (HINT, "mlp"), (KD, "gru"), (KD, "transformer")])
def test_a_gpu_trains_what_the_cpu_trains(distiller, family):
    asked = jobs(3, distiller, family=family, steps=20, batch_size=10, learning_rate=0.003, width=6)
    made = {"family": family, "teacher_width": 10}
    here = train_stack(asked, problem(distiller, "classification", [0, 1, 2], **made))
    with on_device("cuda"):
        there = train_stack(asked, problem(distiller, "classification", [0, 1, 2], **made, device="cuda"))
    for name in ("loss", "validation_loss"):
        torch.testing.assert_close(there.history[name], here.history[name], atol=1e-5, rtol=1e-5)
    for key, values in here.state.items():
        assert there.state[key].device.type == "cpu"
        # softmax does not see a bias of the keys: its gradient is rounding alone, of which Adam makes whole steps
        unseen = key.endswith("query_key_value.bias")
        torch.testing.assert_close(there.state[key], values, atol=0.003 * 20 if unseen else 1e-3, rtol=1e-3)


@pytest.mark.parametrize(("count", "engine", "steps"), [(1, "chain of 2", 2), (5, "chain of 2", 5), (4, "stack of 64", 4), (3, "loop", 3)])
def test_the_time_of_a_step_is_that_of_all_jobs(monkeypatch, count, engine, steps):
    """A step of a stack takes a second a model here, and a lone model is trained twice."""
    monkeypatch.setattr(
        engines, "seconds_a_step", lambda step, _: float(len(step.__self__.jobs)) if isinstance(step.__self__, Stack) else 1.0
    )
    found = problem(KD, "classification", [0] * count)
    assert engines.seconds_of_step(jobs(count, KD, steps=1), found, engine) == steps

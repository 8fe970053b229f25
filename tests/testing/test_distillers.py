"""The suite for distillers notices each way of breaking the contract."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from kdprobe import available
from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import ClosedForm, Distiller, LossTruth, Shapes, View
from kdprobe.testing import check


def hidden(view):
    return list(view.features.values())[-1].flatten(1)


def loss(student, teacher, *, weight, response):
    """Squared error of a linear map from the student's last layer to the teacher's: a small hint."""
    own = ((student.auxiliary(hidden(student)) - hidden(teacher)) ** 2).mean(dim=-1)
    return weight * own + response * ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def random_auxiliary(shapes: Shapes, generator, device="cpu"):
    sizes = (int(np.prod(list(layers.values())[-1])) for layers in (shapes.student, shapes.teacher))
    return nn.Linear(*sizes, bias=False, device=device)


def auxiliary(shapes: Shapes, generator):
    layer = random_auxiliary(shapes, generator, device="meta").to_empty(device="cpu")
    nn.init.normal_(layer.weight, generator=generator)
    return layer


def make(rng):
    return tuple(View(rng.normal(size=(8, 2)), {"hidden": rng.normal(size=(8, width))}) for width in (3, 5))


def oracle(student, teacher, *, weight, response):
    mapped = student.features["hidden"] @ student.auxiliary["weight"].T
    own = np.mean((mapped - teacher.features["hidden"]) ** 2, axis=1)
    return weight * own + response * np.mean((student.outputs - teacher.outputs) ** 2, axis=1)


GOOD = Distiller(
    name="good",
    title="small hint",
    knowledge="intermediate",
    tasks=("classification", "regression"),
    loss=loss,
    formula="",
    parameters={"weight": 2.0, "response": 0.0},
    needs=("features",),
    auxiliary=auxiliary,
    truths=(LossTruth(name="by hand", make=make, oracle=oracle, parameters={"weight": 2.0, "response": 0.5}, kind="regression"),),
)


def alone(text_loss):
    """Changes that put a loss without an auxiliary module in place of the good one."""
    truth = LossTruth(name="itself", make=make, oracle=lambda s, t: np.zeros(8), kind="regression", tolerance=np.inf)
    return {"loss": text_loss, "auxiliary": None, "parameters": {}, "truths": (truth,)}


ANY_TRUTH = (replace(GOOD.truths[0], tolerance=np.inf),)


def reaches_into(student, teacher, *, weight, response):
    return weight * ((hidden(student) @ student.auxiliary.weight.T - hidden(teacher)) ** 2).mean(dim=-1)


def unused(shapes, generator):
    module = auxiliary(shapes, generator)
    module.spare = nn.Parameter(torch.zeros(2))
    return module


def branches(student, teacher):
    scale = 1.0 if student.outputs.isfinite().all() else 0.0
    return scale * ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)


def writes(student, teacher):
    difference = torch.zeros(len(teacher.outputs))
    difference += ((student.outputs - teacher.outputs) ** 2).mean(dim=-1)
    return difference


def only_hidden(student, teacher):
    return hidden(student).square().mean(dim=-1)


def by_batch(student, teacher):
    return ((student.outputs - student.outputs.mean(dim=0) - teacher.outputs) ** 2).mean(dim=-1)


def by_order(student, teacher):
    return ((student.outputs - teacher.outputs) ** 2).mean(dim=-1) * torch.arange(len(teacher.outputs))


def not_finite(student, teacher):
    return (student.outputs - student.outputs).abs().sqrt().sum(dim=-1) + student.outputs.sum(dim=-1)


def other_each_time(shapes, generator):
    return auxiliary(shapes, torch.Generator().manual_seed(next(COUNTER)))


def same_each_time(shapes, generator):
    return auxiliary(shapes, torch.Generator().manual_seed(0))


COUNTER = iter(range(10**6))


def detached(student, teacher):
    return ((student.outputs - teacher.outputs) ** 2).mean(dim=-1).detach()


def test_a_good_one_passes():
    check("distillers", GOOD)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"loss": lambda s, t, *, weight, response: loss(s, t, weight=weight, response=1.0)}, "truth 'by hand' is missed by"),
        ({"loss": reaches_into}, "its loss: AttributeError: 'function' object has no attribute 'weight'"),
        (
            {"truths": (replace(GOOD.truths[0], oracle=lambda s, t, **numbers: s.shape),)},
            "the oracle of truth 'by hand': AttributeError: 'View' object has no attribute 'shape'",
        ),
        ({"auxiliary": unused}, "a part of its auxiliary module gets no gradient"),
        ({"auxiliary": random_auxiliary}, "its auxiliary module draws from the global generator"),
        ({"auxiliary": other_each_time}, "the same generator state gives another auxiliary module: draw from"),
        ({"auxiliary": same_each_time}, "another generator state gives the same auxiliary module: draw from"),
        ({"loss": None, "truths": ()}, "has no loss: give it knowledge='none' and no parameters"),
        (alone(detached), r"the student gets no gradient: compute the loss from its outputs or features, without detach\(\)"),
        (
            {"loss": lambda s, t, *, weight, response: loss(s, t, weight=weight, response=0.0), "truths": ANY_TRUTH},
            "with response=1 its loss does not reach the output layer either",
        ),
        ({"closed": ClosedForm(slope=lambda *a: a, fixed=dict)}, "has a closed form, but reads more than outputs: leave the form out"),
        ({"squared": True}, "says that it is squared, but has more than outputs: leave squared out"),
        (alone(branches), "does not run under vmap"),
        (alone(writes), "does not run under vmap"),
        (alone(only_hidden), 'its loss does not reach the output layer: give it a parameter "response"'),
        (alone(by_batch), "a row's loss depends on the other rows: declare batchwise=True"),
        (alone(by_order) | {"batchwise": True}, "the loss depends on the order of the rows"),
        (alone(not_finite), "the gradient is not finite"),
        ({"refuses": lambda shapes: None}, "refuses gave None, a reason or '' was due"),
        ({"refuses": lambda shapes: "never"}, r"it refuses every network for \['classification', 'regression'\]"),
        ({"truths": (replace(GOOD.truths[0], kind=None),)}, "truth 'by hand' does not say its kind of task"),
        ({"prepare": lambda outputs, classes, rng: outputs}, "prepare changes nothing"),
        ({"prepare": lambda outputs, classes, rng: np.random.default_rng().permutation(outputs)}, "does not depend on its generator alone"),
        ({"prepare": lambda outputs, classes, rng: outputs.astype(np.float64)}, r"prepare gave float64 \(60, 4\), finite float32"),
        ({"prepare": lambda outputs, classes, rng: np.negative(outputs, out=outputs)}, "prepare writes into the teacher's outputs"),
    ],
)
def test_a_broken_one_is_noticed(changes, text):
    with pytest.raises(ContractError, match=text):
        check("distillers", replace(GOOD, **changes))


KD = available("distillers")["kd"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"loss": lambda s, t, *, temperature: KD.loss(t, s, temperature=temperature)}, "truth 'KL by hand' is missed by"),
        (
            {"loss": lambda s, t, *, temperature: KD.loss(s, t, temperature=temperature) / temperature**2},
            "truth 'KL by hand, T=4' is missed",
        ),
        ({"loss": lambda s, t, *, temperature: KD.loss(s, t, temperature=temperature).mean()}, r"shape \(\), one value a row was due"),
        ({"loss": lambda s, t, *, temperature: KD.loss(s, t, temperature=1.0)}, "truth 'KL by hand, T=4' is missed"),
    ],
)
def test_a_wrong_loss_is_noticed(changes, text):
    with pytest.raises(ContractError, match=text):
        check("distillers", replace(KD, **changes))


@pytest.mark.parametrize(
    ("slope", "text"),
    [
        (lambda s, t, *, temperature: (2 * KD.closed.slope(s, t, temperature=temperature)[0], s), "gives another loss"),
        (lambda s, t, *, temperature: (KD.closed.slope(s, t, temperature=temperature)[0], s), "gives another gradient"),
        (lambda s, t, *, temperature: (s, s), r"loss has shape \(12, 4\), \(12, 1\) was due"),
    ],
)
def test_a_wrong_closed_form_is_noticed(slope, text):
    with pytest.raises(ContractError, match=text):
        check("distillers", replace(KD, closed=replace(KD.closed, slope=slope)))


def test_a_loss_that_is_not_squared_is_noticed():
    with pytest.raises(ContractError, match="says that it is squared, but is not the squared distance"):
        check("distillers", replace(KD, squared=True))


def test_a_loss_that_overflows_is_noticed():
    def loss(student, teacher, *, temperature):
        p, q = (torch.exp(v.outputs) / torch.exp(v.outputs).sum(-1, keepdim=True) for v in (teacher, student))
        return (p * torch.log(p / q)).sum(-1)

    with pytest.raises(ContractError, match="outputs near 1000 give a loss that is not finite"):
        check("distillers", replace(KD, loss=loss, truths=KD.truths[:1]))

"""The suite for distillers notices each way of breaking the contract."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import Distiller, LossTruth, Shapes, View
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


def test_a_good_one_passes():
    check("distillers", GOOD)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"loss": lambda s, t, *, weight, response: loss(s, t, weight=weight, response=1.0)}, "truth 'by hand' is missed by"),
        ({"loss": reaches_into}, "has no attribute 'weight'"),
        ({"auxiliary": unused}, "a part of its auxiliary module gets no gradient"),
        ({"auxiliary": random_auxiliary}, "its auxiliary module draws from the global generator"),
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
    with pytest.raises((ContractError, AttributeError), match=text):
        check("distillers", replace(GOOD, **changes))

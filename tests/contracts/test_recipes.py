"""Every distiller, family, scheme, task and section keeps its contract, and each suite notices one that does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kdprobe import DataError, PlanError, available
from kdprobe.core.errors import ContractError
from kdprobe.core.scheme import Stage
from kdprobe.core.section import Content
from kdprobe.testing import check
from kdprobe.testing.sections import check_section


@pytest.mark.parametrize("name", available("distillers"))
def test_distiller(name):
    check("distillers", available("distillers")[name])


@pytest.mark.parametrize("name", available("families"))
def test_family(name):
    check("families", available("families")[name])


@pytest.mark.parametrize("name", available("schemes"))
def test_scheme(name):
    check("schemes", available("schemes")[name])


@pytest.mark.parametrize("name", available("tasks"))
def test_task(name):
    task = available("tasks")[name]
    try:
        task.load()
    except DataError as error:
        assert not task.embedded
        pytest.skip(f"the data of {name} is not on this machine: {error}")
    check("tasks", task)


@pytest.mark.parametrize("name", available("sections"))
def test_section(name, small_zoo):
    check_section(available("sections")[name], small_zoo)


def test_an_unknown_kind():
    with pytest.raises(PlanError, match=r"kind='probs' is unknown: did you mean 'probes'"):
        check("probs", None)


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


MLP = available("families")["mlp"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"build": lambda shape, c, width, generator: MLP.build(shape, c, width, torch.Generator())},
            "another generator state gives the same",
        ),
        ({"flops": lambda shape, c, width: 7}, r"take \[7, 7, 7\] multiply-adds"),
        ({"build": lambda shape, c, width, generator: MLP.build(shape, c + 1, width, generator)}, r"shape \(5, 4\), \(5, 3\) was due"),
    ],
)
def test_a_wrong_family_is_noticed(changes, text):
    with pytest.raises(ContractError, match=text):
        check("families", replace(MLP, **changes))


def test_a_scheme_in_the_wrong_order_is_noticed():
    scheme = available("schemes")["same_rows"]
    with pytest.raises(ContractError, match="stage 'student' comes before"):
        check("schemes", replace(scheme, stages=scheme.stages[::-1]))
    untaught = (Stage("teacher"), Stage("twin"), Stage("student"))
    with pytest.raises(ContractError, match="its student is taught by nobody"):
        check("schemes", replace(scheme, stages=untaught))
    with pytest.raises(ContractError, match=r"nobody learns from \['assistant'\]: leave it out"):
        check("schemes", replace(scheme, stages=(Stage("assistant"), *scheme.stages)))


def test_a_task_with_gaps_in_its_classes_is_noticed():
    task = available("tasks")["letters"]
    data = task.load()
    with pytest.raises(ContractError, match=r"classes are not 0\.\.C-1 without gaps"):
        check("tasks", replace(task, load=lambda: replace(data, y=np.where(data.y == 3, 4, data.y))))


def test_a_task_that_changes_is_noticed():
    task, rng = available("tasks")["letters"], np.random.default_rng(0)
    data = task.load()
    with pytest.raises(ContractError, match="loading twice gives two contents"):
        check("tasks", replace(task, load=lambda: replace(data, x=data.x + rng.normal(size=data.x.shape).astype(np.float32))))


def test_a_section_that_is_not_reproducible_is_noticed(small_zoo):
    section, rng = available("sections")["gap"], np.random.default_rng(0)
    with pytest.raises(ContractError, match="drawing the same zoo twice gives two contents"):
        check_section(replace(section, draw=lambda zoo: Content(words=(str(rng.random()),))), small_zoo)

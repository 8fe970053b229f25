"""What losses on outputs have in common, and where one becomes another."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from scipy.stats import norm

from kdprobe.core.recipe import View
from kdprobe.core.registry import available
from kdprobe.distillers._histogram import smoothed
from kdprobe.distillers._soft_targets import log_probabilities

ALL = available("distillers")
KD, DKD, LOGIT_MSE = ALL["kd"].loss, ALL["dkd"].loss, ALL["logit_mse"].loss


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def views(rng, *, classes=7, rows=40):
    student, teacher = (torch.from_numpy(scale * rng.normal(size=(rows, classes))) for scale in (1, 3))
    return View(student, {}, torch.from_numpy(rng.integers(0, classes, rows))), View(teacher, {})


def centred(view):
    return view._replace(outputs=view.outputs - view.outputs.mean(dim=-1, keepdim=True))


def test_soft_targets_tend_to_logit_matching_with_one_over_two_c(rng):
    student, teacher = map(centred, views(rng))
    expected = LOGIT_MSE(student, teacher)
    errors = [(KD(student, teacher, temperature=t) - expected).abs().max() for t in (10.0, 100.0, 1000.0)]
    assert errors[-1] < 0.01 * expected.max()
    # the next term of the expansion is of order 1/T
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.3)


@pytest.mark.parametrize("classes", [2, 3, 10, 15, 16, 26])
@pytest.mark.parametrize("rows", [1, 29, 64])
def test_log_probabilities_of_any_number_of_classes(rng, classes, rows):
    logits = 30 * rng.normal(size=(3, rows, classes)).astype(np.float32)
    found = log_probabilities(torch.from_numpy(logits))
    np.testing.assert_allclose(found.numpy(), log_softmax(logits.astype(np.float64), axis=-1), atol=2e-5)
    for model in range(3):  # the same bits whatever lies beside it
        assert torch.equal(log_probabilities(torch.from_numpy(logits[[model, 0]]))[0], found[model])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_decoupled_soft_targets_with_the_teachers_own_weights_are_soft_targets(rng, temperature):
    student, teacher = views(rng)
    of_label = torch.softmax(teacher.outputs / temperature, dim=-1).gather(1, student.labels[:, None])[:, 0]
    found = DKD(student, teacher, temperature=temperature, target=1.0, others=1 - of_label)
    torch.testing.assert_close(found, KD(student, teacher, temperature=temperature))


def test_decoupled_soft_targets_survive_a_teacher_that_is_certain(rng):
    """p_T of the label rounds to 1 in float32: the other classes still have a distribution."""
    student, _ = views(rng, rows=1)
    labels = torch.zeros(1, dtype=torch.int64)
    sure = torch.tensor([[60.0, 1.0, 0.0, -1.0, 2.0, 0.0, 0.0]])
    outputs = student.outputs.float().requires_grad_()
    found = DKD(View(outputs, {}, labels), View(sure, {}), temperature=1.0, target=1.0, others=1.0)
    p = torch.softmax(sure[0, 1:], dim=-1)
    q = torch.softmax(outputs[0, 1:], dim=-1)
    of_target = -torch.log_softmax(outputs, dim=-1)[0, 0]
    torch.testing.assert_close(found[0], of_target + (p * (p / q).log()).sum())
    assert torch.autograd.grad(found.sum(), outputs)[0].isfinite().all()


@pytest.mark.parametrize("temperature", [1.0, 4.0, 16.0])
def test_the_gradient_of_soft_targets_keeps_its_size_over_temperatures(rng, temperature):
    """The trap: without T² at every alpha, the teacher's pull would fall as 1/T²."""
    student, teacher = views(rng)
    outputs = student.outputs.clone().requires_grad_()
    gradient = torch.autograd.grad(KD(View(outputs, {}), teacher, temperature=temperature).mean(), outputs)[0].norm()
    matching = torch.autograd.grad(LOGIT_MSE(View(outputs, {}), teacher).mean(), outputs)[0].norm()
    assert 0.5 < gradient / matching < 3


def test_soft_targets_go_from_teacher_to_student(rng):
    """The trap: the reverse direction is another loss, 0 in the same place."""
    student, teacher = views(rng)
    forward, reverse = KD(student, teacher, temperature=1.0), KD(teacher, student, temperature=1.0)
    assert (forward - reverse).abs().min() > 1e-3
    assert KD(teacher, teacher, temperature=1.0).abs().max() < 1e-12


def regression(rng, rows=40):
    student, teacher, y = (torch.from_numpy(rng.normal(size=(rows, 2))) for _ in range(3))
    return View(student, {}, y), View(teacher, {})


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_l2_imitation_is_relabelling(rng, alpha):
    """(1-α)(f-y)² + α(f-t)² and (f - ((1-α)y + αt))² differ by a constant, so their gradients are one."""
    student, teacher = regression(rng)
    outputs = student.outputs.clone().requires_grad_()
    mixed = (1 - alpha) * ((outputs - student.labels) ** 2).mean(dim=-1) + alpha * ALL["l2_imitation"].loss(View(outputs, {}), teacher)
    target = (1 - alpha) * student.labels + alpha * teacher.outputs
    relabelled = ((outputs - target) ** 2).mean(dim=-1)
    gradients = [torch.autograd.grad(loss.sum(), outputs)[0] for loss in (mixed, relabelled)]
    torch.testing.assert_close(*gradients)
    constant = alpha * (1 - alpha) * ((student.labels - teacher.outputs) ** 2).mean(dim=-1)
    torch.testing.assert_close(mixed - relabelled, constant)


def test_a_student_that_beats_its_teacher_by_the_margin_is_left_alone(rng):
    loss = ALL["teacher_bounded"].loss
    y, teacher = torch.zeros(3, 1), View(torch.full((3, 1), 2.0), {})
    # errors 4 (as the teacher's), 3 and 1
    outputs = torch.tensor([[2.0], [3**0.5], [1.0]]).requires_grad_()
    student = View(outputs, {}, y)
    # student error + margin > teacher error: the margin makes the bar harder to reach
    assert loss(student, teacher, margin=0.0).tolist() == [0.0, 0.0, 0.0]
    assert loss(student, teacher, margin=0.5).tolist() == [4.0, 0.0, 0.0]
    assert loss(student, teacher, margin=1.5).tolist() == pytest.approx([4.0, 3.0, 0.0])
    (gradient,) = torch.autograd.grad(loss(student, teacher, margin=1.5).sum(), outputs)
    assert gradient[:, 0].tolist() == pytest.approx([4.0, 2 * 3**0.5, 0.0])


def test_a_gaussian_head_with_a_fixed_variance_is_l2_imitation(rng):
    student, teacher = regression(rng)
    spread = 0.7
    means = student.outputs.clone().requires_grad_()
    outputs = torch.cat([means, torch.full_like(means, 2 * np.log(spread))], dim=1)
    found = ALL["gaussian_kl"].loss(View(outputs, {}), teacher, spread=spread)
    torch.testing.assert_close(found, ALL["l2_imitation"].loss(View(means, {}), teacher) / (2 * spread**2))


def test_a_gaussian_head_is_best_at_the_mean_and_the_whole_spread():
    """Over many teachers' predictions round one value, the best variance is theirs plus the spread given to each."""
    rng = np.random.default_rng(1)
    teacher = torch.from_numpy(2 + 0.5 * rng.normal(size=(4000, 1)))
    outputs = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([outputs], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = ALL["gaussian_kl"].loss(View(outputs.expand(4000, 2), {}), View(teacher, {}), spread=0.3).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    mean, log_variance = outputs.tolist()
    assert mean == pytest.approx(teacher.mean().item(), abs=1e-4)
    assert np.exp(log_variance) == pytest.approx(teacher.var(correction=0).item() + 0.3**2, rel=1e-4)
    # and then the loss is the entropy that the student has above the teacher's, as KL of equal means says
    assert closure().item() == pytest.approx(norm(0, np.exp(log_variance / 2)).entropy() - norm(0, 0.3).entropy(), abs=1e-4)


# ---- histograms


HL_GAUSS = ALL["hl_gauss"].loss


@pytest.mark.parametrize("spread", [0.15, 0.5])
def test_a_student_that_says_the_teachers_histogram_loses_nothing(rng, spread):
    values = torch.from_numpy(rng.uniform(-7, 7, size=(30, 2)))
    same = smoothed(values, spread).clamp(min=1e-300).log().flatten(1)
    assert HL_GAUSS(View(same, {}), View(values, {}), spread=spread).abs().max() < 1e-12
    other = View(same + 0.1 * torch.from_numpy(rng.normal(size=same.shape)), {})
    assert (HL_GAUSS(other, View(values, {}), spread=spread) > 0).all()


def test_its_gradient_is_the_difference_of_histograms_and_so_bounded(rng):
    """However far the student is: what is said to make histograms easier to learn than squares."""
    logits = torch.from_numpy(50 * rng.normal(size=(5, 50))).requires_grad_()
    teacher = torch.tensor([[-40.0], [-1.0], [0.0], [2.0], [40.0]], dtype=torch.float64)
    (slope,) = torch.autograd.grad(HL_GAUSS(View(logits, {}), View(teacher, {}), spread=0.15).sum(), logits)
    torch.testing.assert_close(slope, torch.softmax(logits, -1) - smoothed(teacher, 0.15)[:, 0])
    assert slope.abs().sum(dim=1).max() <= 2


def test_a_value_beyond_the_range_is_taken_at_its_end(rng):
    ends = smoothed(torch.tensor([[-1000.0, -5.0, 5.0, 1e6]]), 0.15)[0]
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[2], ends[3])
    torch.testing.assert_close(ends.sum(dim=-1), torch.ones(4))
    torch.testing.assert_close(ends[0], ends[2].flip(0))

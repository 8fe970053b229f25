"""What losses on hidden layers are blind to, what they bound, and where they have no meaning."""

import math

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from kdprobe.core.recipe import Shapes, View
from kdprobe.core.registry import available

ALL = available("distillers")
RELATIONS = ("rkd", "pkt", "sp")
OUTPUTS = torch.zeros(64, 3, dtype=torch.float64)


def view(features, *, auxiliary=None, name="hidden"):
    features = torch.as_tensor(features)
    return View(OUTPUTS[: len(features)], {name: features}, None, auxiliary)


def loss(name, student, teacher, **parameters):
    distiller = ALL[name]
    return distiller.loss(student, teacher, **{**distiller.parameters, **parameters}).mean().item()


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=(64, 5)), rng.normal(size=(64, 9)) + 0.5


@pytest.mark.parametrize("name", RELATIONS)
def test_relations_are_blind_to_rotation_and_scale(name, pair):
    """No regressor is needed: what counts is how rows lie to each other, whatever the width."""
    student, teacher = pair
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(9, 9)))[0]
    expected = loss(name, view(student), view(teacher))
    assert loss(name, view(student), view(3 * teacher @ turn)) == pytest.approx(expected, rel=1e-6)
    assert loss(name, view(teacher), view(3 * teacher @ turn)) == pytest.approx(0, abs=1e-9)
    assert expected > 1e-3


def test_distances_and_angles_are_blind_to_a_shift_where_similarities_are_not(pair):
    _, teacher = pair
    assert loss("rkd", view(teacher), view(teacher + 5)) == pytest.approx(0, abs=1e-9)
    assert loss("pkt", view(teacher), view(teacher + 5)) > 1e-2
    assert loss("sp", view(teacher), view(teacher + 5)) > 1e-4


def test_neighbourhoods_do_not_depend_on_the_batch_size():
    """The trap: averaged over all pairs, as in common code, the loss would fall as one over the batch size, and its weight with it."""
    rng = np.random.default_rng(0)
    found = {}
    for rows in (16, 64):
        draws = [loss("pkt", view(rng.normal(size=(rows, 5))), view(rng.normal(size=(rows, 9)))) for _ in range(100)]
        found[rows] = np.mean(draws)
    assert found[64] / found[16] == pytest.approx(1, abs=0.1)


def test_copies_of_a_row_have_distances_and_angles():
    """Letters has rows with the same inputs: a direction between them would be chosen by rounding."""
    rng = np.random.default_rng(0)
    student, teacher = (torch.from_numpy(rng.normal(size=(16, d)).astype(np.float32)) for d in (4, 6))
    student[3], teacher[3] = student[7], teacher[7]
    student.requires_grad_()
    found = ALL["rkd"].loss(View(OUTPUTS[:16], {"h": student}), View(OUTPUTS[:16], {"h": teacher}), **ALL["rkd"].parameters)
    (gradient,) = torch.autograd.grad(found.sum(), student)
    assert found.isfinite().all()
    assert gradient.isfinite().all()
    assert gradient.abs().max() < 100


def test_the_weight_of_a_hint_does_not_depend_on_the_teachers_width(pair):
    student, teacher = pair
    shapes = Shapes(kind="regression", outputs=3, student={"hidden": (5,)}, teacher={"hidden": (9,)})
    regressor = ALL["hint"].auxiliary(shapes, torch.Generator().manual_seed(0)).double()
    narrow = loss("hint", view(student, auxiliary=regressor), view(teacher))
    wide_shapes = shapes._replace(teacher={"hidden": (18,)})
    wide = ALL["hint"].auxiliary(wide_shapes, torch.Generator().manual_seed(0)).double()
    wide.linear.weight.data = regressor.linear.weight.data.repeat(2, 1)
    wide.linear.bias.data = regressor.linear.bias.data.repeat(2)
    assert loss("hint", view(student, auxiliary=wide), view(np.tile(teacher, 2))) == pytest.approx(narrow)


def test_attention_is_blind_to_scale_and_to_the_order_of_channels():
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(8, 3, 4, 4)), rng.normal(size=(8, 6, 4, 4))
    expected = loss("attention", view(student), view(teacher))
    assert loss("attention", view(student), view(5 * teacher[:, ::-1].copy())) == pytest.approx(expected)
    assert loss("attention", view(teacher), view(-teacher)) == pytest.approx(0, abs=1e-12)
    assert 0 < expected < 2  # between vectors of length 1


def test_attention_over_a_sequence_is_that_over_a_map_of_one_row():
    rng = np.random.default_rng(0)
    student, teacher = rng.normal(size=(8, 3, 1, 7)), rng.normal(size=(8, 6, 1, 7))
    tokens = [view(values[:, :, 0].transpose(0, 2, 1).copy()) for values in (student, teacher)]
    assert loss("attention", *tokens) == pytest.approx(loss("attention", view(student), view(teacher)))


@pytest.mark.parametrize(
    ("name", "student", "teacher", "text"),
    [
        ("attention", {"hidden": (8,)}, {"hidden": (16,)}, "no layer of the student has places to attend to: it needs spatial maps"),
        ("attention", {"block": (4, 7, 7)}, {"hidden": (16,)}, "no layer of the teacher has places"),
        (
            "attention",
            {"block": (16, 4)},
            {"block": (57, 4)},
            r"the student's places \(16, 4\) cannot be laid over the teacher's \(57, 4\)",
        ),
        ("rkd", {"hidden": (1,)}, {"hidden": (16,)}, "the last hidden layer of the student is a single number"),
        ("pkt", {"hidden": (4,)}, {"hidden": (1,)}, "the last hidden layer of the teacher is a single number"),
        ("sp", {"hidden": (4,)}, {"hidden": (1,)}, "between single numbers there are no angles"),
    ],
)
def test_where_a_loss_has_no_meaning_it_says_why(name, student, teacher, text):
    import re

    reason = ALL[name].refuses(Shapes(kind="regression", outputs=1, student=student, teacher=teacher))
    assert re.search(text, reason)


@pytest.mark.parametrize("name", ["attention", "rkd", "pkt", "sp"])
def test_where_a_loss_has_a_meaning_it_is_not_refused(name):
    layers = {"block": (4, 7, 7), "pooled": (4,)}
    assert ALL[name].refuses(Shapes(kind="classification", outputs=10, student=layers, teacher=layers)) == ""


def gaussian_channel(n, rng):
    """T = S·A + noise with known information: the student's layer, the teacher's, A, noise variances, H(T) and I(T;S) in nats."""
    matrix, noise = rng.normal(size=(3, 5)), np.array([0.2, 0.5, 1.0, 2.0, 4.0])
    student = rng.normal(size=(n, 3))
    teacher = student @ matrix + np.sqrt(noise) * rng.normal(size=(n, 5))
    covariance = matrix.T @ matrix + np.diag(noise)
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]
    information = entropy - 0.5 * np.log(2 * np.pi * np.e * noise).sum()
    return student, teacher, matrix, noise, entropy, information


def vid_bound(student, teacher, matrix, noise, entropy):
    shapes = Shapes(kind="regression", outputs=3, student={"hidden": (3,)}, teacher={"hidden": (5,)})
    module = ALL["vid"].auxiliary(shapes, torch.Generator().manual_seed(0)).double()
    module.mean.linear.weight.data = torch.from_numpy(matrix.T.copy())
    module.mean.linear.bias.data.zero_()
    module.spread.data = torch.from_numpy(np.log(np.expm1(noise - 1e-5)))
    outputs = torch.zeros(len(student), 3)
    own = ALL["vid"].loss(
        View(outputs, {"h": torch.from_numpy(student)}, None, module),
        View(outputs, {"h": torch.from_numpy(teacher)}),
        weight=1.0,
        response=0.0,
    )
    return entropy - 5 * own.mean().item()


def test_variational_information_is_a_bound_and_tight_for_the_true_channel():
    rng = np.random.default_rng(0)
    student, teacher, matrix, noise, entropy, information = gaussian_channel(100_000, rng)
    assert vid_bound(student, teacher, matrix, noise, entropy) == pytest.approx(information, abs=0.02)
    for _ in range(10):
        wrong = vid_bound(student, teacher, matrix + 0.3 * rng.normal(size=(3, 5)), noise * rng.uniform(0.5, 2, 5), entropy)
        assert wrong < information - 0.02


def test_contrast_bounds_information_by_the_log_of_the_batch():
    rng = np.random.default_rng(0)
    shapes = Shapes(kind="regression", outputs=3, student={"h": (3,)}, teacher={"h": (5,)})
    bounds = []
    for batch in range(40):
        student, teacher, *_, information = gaussian_channel(64, rng)
        module = ALL["crd"].auxiliary(shapes, torch.Generator().manual_seed(batch)).double()
        found = loss("crd", view(student, auxiliary=module), view(teacher))
        bounds.append(math.log(64) - found)
        assert bounds[-1] < math.log(64)
    assert np.mean(bounds) < information
    # a perfect student with the same embedding on both sides reaches the log of the batch
    same = Shapes(kind="regression", outputs=3, student={"h": (5,)}, teacher={"h": (5,)})
    module = ALL["crd"].auxiliary(same, torch.Generator().manual_seed(0)).double()
    module.student.load_state_dict(module.teacher.state_dict())
    assert loss("crd", view(teacher, auxiliary=module), view(teacher), softness=1e-3) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("kind", ["classification", "regression"])
@pytest.mark.parametrize("name", ["hint", "attention", "rkd", "pkt", "sp", "vid", "crd"])
def test_the_response_beside_it_is_the_label_loss_with_the_teachers_answer_for_a_label(name, kind):
    rng = np.random.default_rng(0)
    layers = {"block": (4, 3, 3), "pooled": (4,)}
    shapes = Shapes(kind="regression", outputs=2, student=layers, teacher=layers)
    distiller = ALL[name]
    module = distiller.auxiliary(shapes, torch.Generator().manual_seed(0)).double() if distiller.auxiliary else None

    def side():
        features = {k: torch.from_numpy(rng.normal(size=(8, *v))) for k, v in layers.items()}
        return View(torch.from_numpy(rng.normal(size=(8, 2))), features, kind=kind)

    student, teacher = side()._replace(auxiliary=module), side()
    without, beside = (distiller.loss(student, teacher, **{**distiller.parameters, "response": r}) for r in (0.0, 3.0))
    if kind == "classification":
        expected = [entropy(softmax(t), softmax(s)) for s, t in zip(student.outputs.numpy(), teacher.outputs.numpy(), strict=True)]
    else:
        expected = ((student.outputs - teacher.outputs) ** 2).mean(dim=1)
    torch.testing.assert_close(beside - without, 3 * torch.as_tensor(expected))


# ---- directions


class _Same(torch.nn.Module):
    def forward(self, student, teacher):
        return student[:, None], teacher[:, None]


def test_directions_are_blind_to_length_where_hints_are_not(pair):
    _, teacher = pair
    student = view(teacher[::-1].copy(), auxiliary=_Same())
    assert loss("cosine", student, view(teacher)) == pytest.approx(loss("cosine", student, view(3 * teacher)), rel=1e-9)
    assert loss("hint", student, view(teacher)) != pytest.approx(loss("hint", student, view(3 * teacher)), rel=1e-2)
    assert loss("cosine", view(2 * teacher, auxiliary=_Same()), view(teacher)) == pytest.approx(0, abs=1e-9)
    assert loss("cosine", view(-teacher, auxiliary=_Same()), view(teacher)) == pytest.approx(2, abs=1e-9)


def test_a_silent_layer_has_no_direction_and_a_finite_gradient():
    silent = torch.zeros(4, 5, dtype=torch.float64, requires_grad=True)
    teacher = torch.ones(4, 5, dtype=torch.float64)
    teacher[0] = 0
    found = ALL["cosine"].loss(view(silent, auxiliary=_Same()), view(teacher), weight=1.0, response=0.0)
    assert found.tolist() == pytest.approx([1.0] * 4)
    found.sum().backward()
    assert torch.isfinite(silent.grad).all()


@pytest.mark.parametrize("layer", [(1,), (1, 7, 7), (1, 1)])
def test_single_numbers_have_no_direction(layer):
    shapes = Shapes(kind="regression", outputs=1, student={"hidden": (4,)}, teacher={"hidden": layer})
    assert "has one channel, and the direction of a single number is its sign" in ALL["cosine"].refuses(shapes)
    assert not ALL["cosine"].refuses(shapes._replace(teacher={"hidden": (2, *layer[1:])}))

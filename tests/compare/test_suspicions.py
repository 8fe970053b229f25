"""What is legal and hardly meant is said first; and one model's predictions are one number, however they are written."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

from kdprobe.compare import compare
from kdprobe.core.errors import PlanError


@pytest.fixture(scope="module")
def digits():
    """Real classifiers of digits: a teacher, a student, three twins, and rows none of them saw."""
    x, y = load_digits(return_X_y=True)
    x = x / 16
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    models = [
        LogisticRegression(C=c, max_iter=300).fit(x[a : a + 300], y[a : a + 300])
        for c, a in zip((9, 1, 1, 1, 1), range(0, 1000, 200), strict=True)
    ]
    return models, x[1200:], y[1200:]


def test_one_models_predictions_have_one_cka_however_they_are_written(digits):
    models, x, y = digits
    teacher, student, *_ = (model.decision_function(x) for model in models)
    shift = 30 * np.random.default_rng(1).normal(size=(len(x), 1))
    # probabilities of a softmax, exact, and in the half precision that many are stored in
    written = [student, student + shift, softmax(student, axis=1), softmax(student, axis=1).astype(np.float32)]
    for of_teacher in (teacher, softmax(teacher, axis=1)):
        found = [compare(of_teacher, one, (None, y), task="classification").results["cka_output"]["own"] for one in written]
        assert [one.value for one in found] == pytest.approx([found[0].value] * 4, rel=1e-4)
        assert [one.low for one in found] == pytest.approx([found[0].low] * 4, rel=1e-3)
    assert 0.5 < found[0].value < 0.999


def test_classes_in_another_order_are_noticed(digits):
    models, x, y = digits
    teacher, student, *twins = (model.predict_proba(x) for model in models)
    order = np.roll(np.arange(10), 1)
    found = compare(teacher, student[:, order], (None, y), task="classification", twins=twins)
    assert found.results["cka_output"]["own"].value > 0.5
    assert found.results["agreement_top1"]["own"].value < 0.3
    assert found.sentence.startswith(
        "Warning: Classes seem to be in another order than the teacher's: with its columns put in another order, student"
    )
    assert "twin" not in found.warnings[0]
    right = compare(teacher, student, (None, y), task="classification", twins=twins)
    assert right.warnings == ()
    # all models alike: it is the teacher's columns that are moved
    moved = compare(teacher[:, order], student, (None, y), task="classification", twins=twins)
    assert "twin 3 with" in moved.warnings[0]
    # two that name one class almost always agree in another order whatever they know
    lazy = [np.eye(10)[np.where(np.arange(len(y)) % 9, to, y)] for to in (0, 1)]
    assert compare(*lazy, (None, y), task="classification").warnings == ()
    # few rows fit some order by chance: nothing is said
    assert compare(teacher[:90], student[:90, order], (None, y[:90]), task="classification").warnings == ()
    assert compare(teacher, student[:, order], None, task="regression").warnings == ()


def test_a_model_passed_twice_is_noticed(digits):
    models, x, y = digits
    found = compare(models[0], models[1], (x, y), task="classification", twins=[models[2], models[1]])
    assert found.sentence.startswith(
        "Warning: student and twin 2 give the same outputs on every row: if the student was passed as its own twin"
    )
    assert "student gives the outputs of teacher on every row" in compare(models[0], models[0], (x, y), task="classification").sentence


def test_dropout_left_on_inside_a_function_is_noticed(digits):
    models, x, y = digits
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10)).double()
    rows = torch.from_numpy(x)
    with torch.no_grad():
        found = compare(models[0].predict_proba, lambda x: net(torch.as_tensor(x)), (rows, y), task="classification")
        assert len(found.warnings) == 1
        assert found.warnings[0].startswith("student gives other outputs when asked twice of the same rows: if dropout is on inside")
        assert found.sentence.startswith("Warning: student gives")
        net.eval()
        assert compare(models[0].predict_proba, lambda x: net(torch.as_tensor(x)), (rows, y), task="classification").warnings == ()
    # a module is put in evaluation mode
    assert compare(models[0].predict_proba, net.train(), (rows, y), task="classification").warnings == ()


def test_a_function_that_gives_its_batches_once_is_left_alone(digits):
    models, x, y = digits
    given = iter([models[1].predict_proba(x)])
    found = compare(models[0], lambda x: next(given), (x, y), task="classification")
    assert found.warnings == ()
    assert found.n == len(x)


def test_a_teacher_no_better_than_the_untaught_is_told_of_first():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 400)
    student, *twins = (2 * np.eye(4)[y] + rng.normal(size=(400, 4)) for _ in range(4))
    weak, strong = (size * np.eye(4)[y] + rng.normal(size=(400, 4)) for size in (1.5, 4))
    data = (None, y)
    found = compare(weak, student, data, task="classification", twins=twins)
    assert found.sentence.startswith(
        "By these rows the teacher is no better than the mean of the twins, which had no teacher: nothing to gain is shown (loss at its "
        "own best temperature "
    )
    own = {name: one["loss at its own temperature"].value for name, one in found.scores.items()}
    assert found.lead.value == pytest.approx(np.mean([own[f"twin {i}"] for i in (1, 2, 3)]) - own["teacher"])
    assert "nats" in found.sentence.partition(" higher). ")[0]
    assert "nothing to gain" not in compare(strong, student, data, task="classification", twins=twins).sentence
    # overconfident by a factor, it is no worse: a raw loss is one of temperature too
    assert "nothing to gain" not in compare(30 * strong, student, data, task="classification", twins=twins).sentence
    assert compare(weak, student, data, task="classification").lead is None
    assert compare(weak, student, None, task="classification", twins=twins).lead is None
    sure = np.eye(4)[(y + 1) % 4]
    assert compare(sure, student, data, task="classification", twins=twins).lead.reason.startswith("it gives a label the probability 0")
    values = rng.normal(size=(100, 1))
    models = [values + 0.5 * rng.normal(size=(100, 1)) for _ in range(3)]
    lone = compare(models[0] + 1, models[1], (None, values), task="regression", twins=models[2:])
    assert lone.sentence.startswith(
        "By these rows the teacher is no better than the twin, which had no teacher: nothing to gain is shown (loss "
    )
    seeds = compare(
        teachers=[weak, weak + 0.1 * student], students=[student, 2 * strong], twins=twins[:2], data=data, task="classification"
    )
    told = "By these seeds the teacher is no better than the twins, which had no teacher: nothing to gain is shown"
    assert seeds.sentence.startswith(told)
    assert seeds.lead.n == 2


def test_seeds_that_all_gave_one_value_have_no_interval_of_no_width():
    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, 90)
    # all name every label, with other logits
    teachers, students, twins = ([9 * np.eye(3)[y] + rng.uniform(size=(90, 3)) for _ in range(3)] for _ in range(3))
    found = compare(teachers=teachers, students=students, twins=twins, data=(None, y), task="classification")
    one = found.results["agreement_top1"]["own"]
    assert (one.value, one.low, one.high) == (1, 1, 1)
    assert "names the teacher's class on 100 % [every seed gave the same value] of 90 rows" in found.sentence
    assert "a difference of 0 points [every seed gave the same value]" in found.sentence
    assert "accuracy is 0 points [every seed gave the same value] higher" in found.sentence
    for shown in (found.sentence, str(found), found._repr_html_()):
        assert "100.000" not in shown
        assert "1.000 [1.000, 1.000]" not in shown
    assert "1 [every seed gave the same value]" in str(found)


def world(rng, *, n=400, twins=4, siblings=4, taught=0.0):
    """Logits: teachers of one recipe err in common and each by itself; a taught student has some of its own teacher's errors."""
    y = rng.integers(0, 4, n)
    recipe = 2 * np.eye(4)[y] + 0.5 * rng.normal(size=(n, 4))
    teacher, *others = (recipe + 0.7 * rng.normal(size=(n, 4)) for _ in range(1 + siblings))
    student, *untaught = (1.5 * np.eye(4)[y] + rng.normal(size=(n, 4)) for _ in range(1 + twins))
    return teacher, (1 - taught) * student + taught * teacher, untaught, others, y


def test_predictions_times_a_constant_are_refused_too_and_another_sign_is_not():
    rng = np.random.default_rng(8)
    y = rng.normal(size=(60, 2))
    teacher, student, *others = (y + 0.3 * rng.normal(size=(60, 2)) for _ in range(5))
    options = {"task": "regression", "twins": others[:1]}
    with pytest.raises(PlanError, match=r"siblings\[1\] is teacher: teacher and sibling 2 give the same outputs, up to one scale"):
        compare(teacher, student, (None, y), siblings=[others[1], 2 * teacher - 5], **options)
    assert compare(teacher, student, (None, y), siblings=[others[1], -teacher], **options).unfit == ("sibling 2",)
    # two rows are in step with any other two
    assert compare(teacher[:2, :1], student[:2, :1], None, task="regression", siblings=[others[1][:2, :1]]).unfit == ()


def unfit_words(found, names):
    """The sentence, once what must hold of every comparison with unfit siblings does."""
    assert found.unfit == names
    assert "transferred from" not in found.sentence.lower()
    assert "What is of this very teacher no word says" in found.sentence
    assert found.sentence.startswith(f"Warning: {found.warnings[0]}")
    return found.sentence


def test_siblings_in_another_order_of_classes_leave_no_word():
    teacher, student, twins, siblings, y = world(np.random.default_rng(6), taught=0.4)
    right = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=siblings)
    assert (right.unfit, right.warnings) == ((), ())
    assert "Transferred from this very teacher" in right.sentence
    names = tuple(f"sibling {i}" for i in range(1, 5))
    for target in (y, None):
        data = None if target is None else (None, target)
        found = compare(teacher, student, data, task="classification", twins=twins, siblings=[np.roll(one, 1, axis=1) for one in siblings])
        assert "Classes seem to be in another order than the teacher's" in unfit_words(found, names)
        assert len(found.warnings) == 1
    one = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=[*siblings[:3], siblings[3][:, [1, 2, 3, 0]]])
    assert "sibling 4 is no fit sibling" in unfit_words(one, ("sibling 4",))


def test_siblings_far_worse_than_the_teacher_leave_no_word():
    rng = np.random.default_rng(7)
    teacher, student, twins, siblings, y = world(rng, taught=0.4)
    names = tuple(f"sibling {i}" for i in range(1, 5))
    noise = [rng.normal(size=teacher.shape) for _ in names]
    found = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=noise)
    said = unfit_words(found, names)
    below = np.mean((teacher.argmax(1) == y).astype(float) - (noise[0].argmax(1) == y))
    assert f"sibling 1 has an accuracy {100 * below:.0f} points [" in said
    assert "not of this recipe" in said
    zero = [np.zeros_like(teacher), *siblings]
    for data in ((None, y), None):
        found = compare(teacher, student, data, task="classification", twins=twins, siblings=zero)
        unfit_words(found, ("sibling 1",))
    assert "sibling 1 gives the same outputs on every row: not of this recipe" in found.sentence
    # a little worse, as teachers of one recipe are
    worse = [one + 0.3 * rng.normal(size=one.shape) for one in siblings]
    assert compare(teacher, student, (None, y), task="classification", twins=twins, siblings=worse).unfit == ()
    values = rng.normal(size=(200, 2))
    good = [values + 0.3 * rng.normal(size=values.shape) for _ in range(8)]
    poor = values + 0.9 * rng.normal(size=values.shape)
    found = compare(good[0], good[1], (None, values), task="regression", twins=good[2:5], siblings=[*good[5:], poor])
    assert "sibling 4 has an R² 0." in unfit_words(found, ("sibling 4",))


def test_of_several_seeds_a_teacher_in_another_order_leaves_no_word():
    rng = np.random.default_rng(9)
    y = rng.integers(0, 4, 300)
    teachers, students, twins = ([3 * np.eye(4)[y] + rng.normal(size=(300, 4)) for _ in range(3)] for _ in range(3))
    teachers[1] = np.roll(teachers[1], 1, axis=1)
    options = {"twins": twins, "data": (None, y), "task": "classification"}
    unfit_words(compare(teachers=teachers, students=students, **options), ("teacher 2",))
    strange = [rng.normal(size=(300, 4))]
    found = compare(teachers=[teachers[0], *teachers[2:]], students=students[:2], **options | {"twins": twins[:2]}, siblings=strange)
    assert "below the teachers' mean" in unfit_words(found, ("sibling",))
    with pytest.raises(PlanError, match=r"siblings\[0\] is student 2: "):
        compare(teachers=teachers, students=students, siblings=[2 * students[1]], **options)

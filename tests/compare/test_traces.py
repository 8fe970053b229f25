"""What models and data give is checked, paired and read rightly, or refused with the model and the row named."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from kdprobe.compare import compare
from kdprobe.compare.adapted.adapt import adapt
from kdprobe.compare.run import Reading, one_pass
from kdprobe.compare.stream.traces import traces_of
from kdprobe.compare.traces import classes_of
from kdprobe.core.errors import DataError, PlanError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4))
LOGITS = RNG.normal(size=(60, 3))
Y = RNG.integers(0, 3, 60)
VALUES = RNG.normal(size=(60, 2))


def traces(teacher, student, data, kind="classification", **options):
    options = {"forward": None, "layers": ("last hidden",), "spatial": "gap"} | options
    models = [adapt(model, name, kind, **options) for model, name in ((teacher, "teacher"), (student, "student"))]
    read = Reading(kind=kind, forward=options["forward"] is not None, classes=lambda ran, y, columns: classes_of(y, ran, columns))
    found = traces_of(one_pass(models, data, read), kind)
    (teacher, student), target = found.told
    return SimpleNamespace(teacher=teacher, student=student, target=target, notes=found.notes)


def net(outputs=3, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(6, outputs))


def test_every_kind_of_model_gives_the_same_trace():
    module = net()
    module(torch.from_numpy(X).float())  # moves the running statistics of the norm
    module.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()).numpy()
    module.train()

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x):
            return {"logits": self.inner(x), "loss": torch.tensor(0.0)}

    class Own(nn.Module):  # as the networks of kdprobe's families
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, x):
            return self.inner(x), {"hidden": x}

    class Proba:
        def predict_proba(self, x):
            return softmax(expected[[np.flatnonzero((row == X).all(axis=1))[0] for row in x]], axis=1)

    for model in (module, Wrapped(), Own(), expected, torch.from_numpy(expected)):
        found = traces(model, model, (X, Y))
        np.testing.assert_allclose(found.student.raw, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.student.outputs, softmax(expected.astype(float), axis=1), rtol=1e-5)
    found = traces(Proba(), lambda x: expected, (X, Y))
    np.testing.assert_allclose(found.teacher.outputs, softmax(expected.astype(float), axis=1), rtol=1e-6)
    assert found.teacher.raw is found.teacher.outputs
    assert module.training
    assert module[1].training


def test_batch_norm_and_dropout_are_in_evaluation_mode_and_come_back():
    module, other = net(), net(seed=1)
    other[1].eval()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    flags = [m.training for model in (module, other) for m in model.modules()]
    rng = torch.get_rng_state()
    first = compare(
        module, other, DataLoader(TensorDataset(torch.from_numpy(X).float(), torch.from_numpy(Y)), 7, shuffle=True), task="classification"
    )
    second = compare(module, other, (X, Y), task="classification")
    assert first.results["agreement_top1"]["own"].value == second.results["agreement_top1"]["own"].value
    assert [m.training for model in (module, other) for m in model.modules()] == flags
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_one_pass_feeds_all_models():
    passes, seen = [], {"teacher": [], "student": []}

    class Counted:
        def __iter__(self):
            passes.append(1)
            order = np.random.default_rng(len(passes)).permutation(60)  # another order each time
            yield from ((X[rows], Y[rows]) for rows in np.array_split(order, 7))

    def model(name):
        def call(x):
            seen[name].append(x)
            return x @ np.ones((4, 3))

        return call

    found = traces(model("teacher"), model("student"), Counted())
    assert len(passes) == 1
    np.testing.assert_array_equal(np.concatenate(seen["teacher"]), np.concatenate(seen["student"]))
    np.testing.assert_array_equal(found.teacher.raw, found.student.raw)
    positions = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in np.concatenate(seen["teacher"])]
    # the first batch comes once more at the end, to see whether a function gives the same for it again
    first = len(np.array_split(Y, 7)[0])
    np.testing.assert_array_equal(found.target, Y[positions[:-first]])
    assert positions[-first:] == positions[:first]


def test_a_model_compared_with_itself_and_shared_modules():
    module = net()
    found = traces(module, module, (X, Y))
    np.testing.assert_array_equal(found.teacher.features["4:input"], found.student.features["4:input"])

    class Other(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = module[:4], nn.Linear(6, 3)

        def forward(self, x):
            return self.head(self.body(x))

    found = traces(module, Other(), [(X[:40], Y[:40]), (X[40:], Y[40:])])
    np.testing.assert_array_equal(found.teacher.features["4:input"], found.student.features["head:input"])


def test_half_precision_outputs_and_numpy_input_of_any_layout():
    module = net().to(torch.bfloat16)
    backwards = X[::-1]
    backwards.flags.writeable = False
    found = traces(module, net().double(), (backwards, Y))
    assert found.teacher.raw.dtype == np.float32
    assert found.teacher.features["4:input"].dtype == np.float32
    assert found.student.features["4:input"].dtype == np.float64


def test_probabilities_are_told_from_logits_by_their_numbers():
    chances = softmax(LOGITS, axis=1)
    found = traces(chances.astype(np.float32), LOGITS, (None, Y))
    assert found.teacher.raw is found.teacher.outputs
    np.testing.assert_allclose(found.teacher.outputs, chances, rtol=1e-5)
    np.testing.assert_allclose(found.teacher.outputs.sum(axis=1), 1, atol=1e-15)
    np.testing.assert_allclose(found.student.outputs, chances, rtol=1e-9)
    assert "Outputs are read by their numbers: those of teacher as probabilities and those of student as logits." in found.notes
    half = torch.softmax(torch.from_numpy(10 * LOGITS).to(torch.bfloat16), dim=1)
    assert "read by their numbers: all as probabilities." in traces(half, half, (None, Y)).notes[0]


def test_temperatures_are_fitted_on_the_other_half_of_the_rows():
    rng, n = np.random.default_rng(2), 600
    logits = 2 * rng.normal(size=(n, 3))
    labels = np.argmax(logits + rng.gumbel(size=(n, 3)), axis=1)  # drawn from softmax(logits), so the true temperature below is 3
    sharp = 3 * logits
    found = traces(sharp, softmax(sharp, axis=1), (None, labels))
    half = np.zeros(n, dtype=bool)
    half[np.random.default_rng(0).permutation(n)[: n // 2]] = True
    for read in (half, ~half):

        def loss(t, fitted=~read):
            return -np.mean(log_softmax(sharp[fitted] / t, axis=1)[np.arange(n // 2), labels[fitted]])

        best = minimize_scalar(loss, bounds=(0.1, 20), method="bounded", options={"xatol": 1e-9}).x
        assert abs(best - 3) < 1
        for trace in (found.teacher, found.student):
            np.testing.assert_allclose(trace.temperature[read], best, rtol=1e-5)
    assert len(np.unique(found.teacher.temperature)) == 2
    assert "Temperatures are cross-fitted: each half of the rows is read at the temperature that fits the other half best." in found.notes


def test_regression_targets_of_shape_n_and_n_1_are_one():
    y = VALUES[:, 0]
    shapes = [(y, y[:, None]), (y[:, None], y), (y, y)]
    for prediction, target in shapes:
        found = traces(prediction + 0.1, prediction, (None, target), "regression")
        assert found.student.outputs.shape == found.target.shape == (60, 1)
        np.testing.assert_allclose(found.student.outputs, found.target)
        np.testing.assert_allclose(found.teacher.outputs - found.target, 0.1 / y.std())


def test_regression_losses_are_in_target_variances():
    target = VALUES * [1.0, 1e3] + [0.0, 1e6]
    found = traces(target + np.array([0.5, 500.0]), target, (None, target), "regression")
    np.testing.assert_allclose(found.target.var(axis=0), 1)
    np.testing.assert_allclose(found.target.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(found.teacher.outputs - found.target, np.tile(0.5 / VALUES.std(axis=0), (60, 1)), rtol=1e-6)
    assert found.notes == ("Target and predictions are scaled by the target's mean and standard deviation on these rows.",)


def test_a_constant_target_is_a_refusal_and_not_an_error():
    found = traces(VALUES, VALUES, (None, np.column_stack([VALUES[:, 0], np.ones(60)])), "regression")
    assert found.target.reason == "target 1 is constant on these rows"
    np.testing.assert_array_equal(found.student.outputs, VALUES)


def test_labels_are_matched_to_the_classes_of_predictors():
    names = np.array(["ash", "beech", "cedar"])
    fitted = LogisticRegression().fit(X, names[Y])
    found = traces(fitted, fitted, (X, names[Y]))
    np.testing.assert_array_equal(found.target, Y)
    odd = LogisticRegression().fit(X, 10 * Y)
    np.testing.assert_array_equal(traces(odd, LOGITS, (X, 10 * Y)).target, Y)
    with pytest.raises(DataError, match=r"y holds .*'yew'.* in row 0, which is not among the classes of teacher: ash, beech, cedar"):
        traces(fitted, fitted, (X, np.full(60, "yew")))
    with pytest.raises(
        DataError, match=r"teacher has the classes \['ash' 'beech' 'cedar'\], student \[ 0 10 20\]: fit both on the same classes"
    ):
        traces(fitted, odd, (X, Y))


def test_regressors_and_one_column_labels():
    ridge = Ridge().fit(X, VALUES)
    found = traces(ridge, ridge, (torch.from_numpy(X), VALUES), "regression")
    np.testing.assert_allclose(found.teacher.outputs, (ridge.predict(X) - VALUES.mean(axis=0)) / VALUES.std(axis=0))
    np.testing.assert_array_equal(traces(LOGITS, LOGITS, (None, Y[:, None].astype(float))).target, Y)


def test_no_hidden_layer_where_there_is_none():
    found = traces(nn.Linear(4, 3), net(), (X, Y))
    assert found.teacher.features == {}
    assert found.student.last_hidden == "4:input"


def bad(values, row, value):
    values = values.copy()
    values[row] = value
    return values


@pytest.mark.parametrize(
    ("teacher", "student", "data", "kind", "text"),
    [
        (
            bad(LOGITS, 17, np.nan),
            LOGITS,
            None,
            "classification",
            "teacher: outputs holds NaN or an infinity, first in row 17: drop or mend these",
        ),
        (LOGITS, bad(LOGITS, 3, np.inf), None, "classification", "student: outputs holds NaN or an infinity, first in row 3"),
        (LOGITS, LOGITS[:50], None, "classification", "student has 50 rows, teacher 60: rows must be paired"),
        (LOGITS, LOGITS, (None, Y[:50]), "classification", "teacher has 60 rows, the data 50: rows must be paired"),
        (lambda x: LOGITS[: len(x) - 1], LOGITS, (X, Y), "classification", "teacher gives 59 rows in batch 0 where the target has 60"),
        (lambda x: LOGITS[: len(x) - 1], LOGITS, X, "classification", "teacher gives 59 rows in batch 0 where the batch has 60"),
        (LOGITS, LOGITS[:, :2], None, "classification", "teacher gives 3 classes, student 2: compare models of the same classes"),
        (VALUES, VALUES[:, 0], None, "regression", "teacher gives 2 targets, student 1: compare models of the same targets"),
        (
            LOGITS,
            LOGITS,
            (None, bad(Y, 9, 3)),
            "classification",
            r"y holds class 3 in row 9, the outputs have 3 columns: give classes 0\.\.2",
        ),
        (LOGITS, LOGITS, (None, bad(Y, 2, -10)), "classification", "y holds class -10 in row 2, the outputs have 3 columns"),
        (LOGITS, LOGITS, (None, Y + 0.5), "classification", r"y holds .*\.5 in row 0, which is no class: .* or task='regression'"),
        (LOGITS, LOGITS, (None, bad(Y.astype(float), 4, np.nan)), "classification", "y holds NaN or an infinity, first in row 4"),
        (
            LOGITS,
            LOGITS,
            (None, np.eye(3)[Y]),
            "classification",
            r"y has shape \(60, 3\): give one class a row, \(n,\); y.argmax\(axis=1\)",
        ),
        (
            LOGITS,
            LOGITS,
            (None, Y.astype(str)),
            "classification",
            r"y has dtype <U\d+: give classes as integers 0\.\.2, the columns of the outputs",
        ),
        (
            LOGITS[:, 0],
            LOGITS,
            None,
            "classification",
            r"teacher gives outputs of shape \(60,\): two classes need two columns, give logits",
        ),
        (LOGITS, LOGITS[:, :1], None, "classification", r"student gives outputs of shape \(60, 1\): two classes need two columns"),
        (
            Y,
            LOGITS,
            None,
            "classification",
            r"teacher gives outputs of shape \(60,\): hard labels say little, give logits or probabilities",
        ),
        (
            VALUES,
            VALUES,
            (None, VALUES[:, 0]),
            "regression",
            r"y has shape \(60, 1\), the models give 2 values a row: give one target for each",
        ),
        (VALUES, VALUES, (None, VALUES[:, :, None]), "regression", r"y has shape \(60, 2, 1\), the models give 2 values"),
        (VALUES, VALUES, (None, Y.astype(str)), "regression", r"y has dtype <U\d+: give real numbers, or task='classification'"),
        (VALUES, VALUES, (None, bad(VALUES, 8, np.inf)), "regression", "y holds NaN or an infinity, first in row 8"),
        (LOGITS[:0], LOGITS[:0], None, "classification", "teacher has no rows: give at least one"),
        (LOGITS.astype(str), LOGITS, None, "classification", r"teacher gives outputs of dtype <U\d+: give real numbers"),
        (
            LOGITS[:, :, None],
            LOGITS,
            None,
            "classification",
            r"teacher gives outputs of shape \(60, 3, 1\), student \(60, 3\): compare models that give one",
        ),
        (lambda x: (x, x), LOGITS, X, "classification", "teacher gives a tuple of 2: say what to read with forward="),
        (
            lambda x: {"a": x, "b": x},
            LOGITS,
            X,
            "classification",
            "teacher gives a mapping with the keys 'a', 'b': say what to read with forward=",
        ),
    ],
)
def test_bad_outputs_and_targets_are_refused(teacher, student, data, kind, text):
    with pytest.raises(DataError, match=text):
        traces(teacher, student, data, kind)


def test_streams_that_break_off_are_refused():
    call = {"teacher": lambda x: x[:, :3], "student": lambda x: x[:, :3]}
    with pytest.raises(DataError, match="data gave no rows: an iterator that was used up before gives none, make a new one"):
        traces(call["teacher"], call["student"], iter([]))
    with pytest.raises(DataError, match="data gave no rows"):
        traces(net(), net(), DataLoader(TensorDataset(torch.zeros(0, 4), torch.zeros(0))))
    with pytest.raises(DataError, match="batch 1 has no target, unlike the batches before it: give all or none"):
        traces(call["teacher"], call["student"], [(X, Y), X])
    with pytest.raises(DataError, match="batch 1 has a target, unlike the batches before it: give all or none"):
        traces(call["teacher"], call["student"], [X, (X, Y)])
    widths = iter([3, 2, 3, 2])
    with pytest.raises(DataError, match=r"teacher has \(2,\) and \(3,\) columns in different batches: give the same in all"):
        traces(lambda x: x[:, : next(widths)], LOGITS[:, :3], [X[:30], X[30:]])


def test_arrays_do_not_meet_shuffled_rows():
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), shuffle=True)
    with pytest.raises(PlanError, match="student is an array of outputs and the loader shuffles: rows cannot be paired, use shuffle=False"):
        traces(net(), LOGITS, loader)


def test_what_is_no_model_is_refused():
    with pytest.raises(PlanError, match="teacher is the path 'resnet18': load the model and give it, or give an ONNX file"):
        traces("resnet18", LOGITS, (X, Y))
    with pytest.raises(PlanError, match="teacher is a int: give a torch module, a predictor, a function of x, an ONNX file, or an array"):
        traces(3, LOGITS, (X, Y))
    with pytest.raises(PlanError, match="teacher is a RidgeClassifier without predict_proba: labels alone say little, give a function"):
        traces(RidgeClassifier().fit(X, Y), LOGITS, (X, Y))

    class Unsure:
        def predict_proba(self, x):
            return np.full((len(x), 3), 0.5)

    with pytest.raises(DataError, match=r"teacher: predict_proba gives row 0 the sum 1\.5: give probabilities that sum to one"):
        traces(Unsure(), LOGITS, (X, Y))


def test_errors_of_a_model_name_it_and_say_what_to_do():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        traces(net(), net(), (X[:, :3], Y))
    assert caught.value.__notes__ == [
        "raised by teacher on batch 0 of the data; if the batch is not what it takes, say what to read with forward=, such as "
        "forward=lambda model, batch: model(batch[0])['logits']"
    ]
    with pytest.raises(PlanError, match="student: layer 'hiden' is not in Sequential"):
        traces(LOGITS, net(), (X, Y), layers=("hiden",))


def test_forward_is_given_the_batch_and_any_model():
    class TwoInputs(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.head = nn.Linear(4, 5), nn.Linear(9, 3)

        def encode(self, x):
            return torch.tanh(self.left(x))

        def forward(self, x, other):
            return self.head(torch.cat([self.encode(x), other], dim=1))

    model, batch = TwoInputs(), {"x": torch.from_numpy(X).float(), "other": torch.from_numpy(X).float(), "label": torch.from_numpy(Y)}
    found = traces(model, model, [batch], forward=lambda m, b: m(b["x"], b["other"]))
    with torch.no_grad():
        np.testing.assert_allclose(found.teacher.raw, model(batch["x"], batch["other"]).numpy())
    assert found.teacher.last_hidden == "head:input"
    ridge = Ridge().fit(X, VALUES)
    found = traces(ridge, VALUES, (X, VALUES), "regression", forward=lambda m, b: m.predict(b[0]))
    np.testing.assert_allclose(found.teacher.outputs, (ridge.predict(X) - VALUES.mean(axis=0)) / VALUES.std(axis=0))


@pytest.mark.parametrize(
    ("teacher", "y", "text"),
    [
        (1e200, 1.0, r"teacher: predictions reach .*e\+200, whose squares are no numbers: rescale target and predictions"),
        (1.0, 1e200, r"y: targets reach .*e\+200, whose squares are no numbers: rescale target and predictions"),
    ],
)
def test_values_whose_squares_overflow_are_refused(teacher, y, text):
    values = np.random.default_rng(0).normal(size=50)
    with pytest.raises(DataError, match=text):
        compare(teacher * values, values, (None, y * values), task="regression")

"""Models of other libraries, and torch modules in other forms: what works, and what is said where something does not."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from kdprobe.compare import compare
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.result import Refusal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


class Net(nn.Module):
    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.hidden, self.output = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.output(torch.tanh(self.hidden(x)))


def plain():
    return compare(Net(0), Net(1), (X, Y), task="classification")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("how", ["script", "trace"])
def test_torchscript_gives_outputs_and_says_that_its_layers_are_closed(how):
    make = torch.jit.script if how == "script" else lambda net: torch.jit.trace(net, torch.from_numpy(X[:2]))
    found = compare(make(Net(0)), make(Net(1)), (X, Y), task="classification")
    assert found.results["kl"]["own"].value == pytest.approx(plain().results["kl"]["own"].value, rel=1e-5)
    assert isinstance(found.results["cka"]["own"], Refusal)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_is_run_in_evaluation_mode_and_left_as_it_was():
    dropping = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.9))
    script = torch.jit.script(dropping)
    by_hand = compare(script, Net(1), (X, Y), task="classification", forward=lambda model, batch: model(torch.from_numpy(batch[0])))
    steady = compare(dropping, Net(1), (X, Y), task="classification")
    assert by_hand.results["kl"]["own"].value == pytest.approx(steady.results["kl"]["own"].value, rel=1e-4)
    assert script.training
    with pytest.raises(PlanError, match="teacher is a TorchScript module, whose layers are closed: leave out layers="):
        compare(script, Net(1), (X, Y), task="classification", layers="hidden")


@pytest.mark.parametrize(("precision", "near"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision(precision, near):
    found = compare(Net(0).to(precision), Net(1).to(precision), (X, Y), task="classification")
    assert found.results["kl"]["own"].value == pytest.approx(plain().results["kl"]["own"].value, rel=near)
    assert found.results["cka"]["own"].value == pytest.approx(plain().results["cka"]["own"].value, abs=near)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_compiled_modules_are_read_layer_by_layer():
    found = compare(torch.compile(Net(0)), torch.compile(Net(1)), (X, Y), task="classification")
    assert found.results["cka"]["own"].value == pytest.approx(plain().results["cka"]["own"].value, rel=1e-6)
    assert found.results["kl"]["own"].value == pytest.approx(plain().results["kl"]["own"].value, rel=1e-6)


def onnx_file(path, net):
    """A network of two layers as ONNX writes it."""
    onnx = pytest.importorskip("onnx")
    weights = {
        name: onnx.numpy_helper.from_array(value.detach().numpy().T.copy() if value.ndim == 2 else value.detach().numpy(), name)
        for name, value in net.named_parameters()
    }
    node = onnx.helper.make_node
    nodes = [
        node("MatMul", ["x", "hidden.weight"], ["a"]), node("Add", ["a", "hidden.bias"], ["b"]), node("Tanh", ["b"], ["c"]),
        node("MatMul", ["c", "output.weight"], ["d"]), node("Add", ["d", "output.bias"], ["logits"]),
    ]  # fmt: skip
    put = lambda name, columns: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, columns])  # noqa: E731
    graph = onnx.helper.make_graph(nodes, "net", [put("x", 4)], [put("logits", 3)], list(weights.values()))
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def test_onnx_files_and_sessions(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    teacher, student = (onnx_file(tmp_path / f"{seed}.onnx", Net(seed)) for seed in (0, 1))
    found = compare(teacher, runtime.InferenceSession(str(student)), (X, Y), task="classification")
    assert found.results["kl"]["own"].value == pytest.approx(plain().results["kl"]["own"].value, rel=1e-4)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing")
    with pytest.raises(PlanError, match="which onnxruntime cannot read"):
        compare(str(broken), Net(1), (X, Y), task="classification")


class FakeSession:
    """An ONNX session as its documentation describes it: for what needs no real one, the errors."""

    __module__ = "onnxruntime.capi"

    def __init__(self, inputs=("x",), outputs=("logits",), give=None):
        self.inputs, self.outputs, self.give = inputs, outputs, give

    def get_inputs(self):
        return [SimpleNamespace(name=name, type="tensor(double)") for name in self.inputs]

    def get_outputs(self):
        return [SimpleNamespace(name=name) for name in self.outputs]

    def run(self, names, feed):
        assert all(array.dtype == np.float64 for array in feed.values())
        return [self.give(feed) for _ in names]


def test_sessions_by_name_and_what_they_lack():
    with pytest.raises(PlanError, match="teacher is an ONNX model with the outputs 'a', 'b': name the one with logits"):
        compare(FakeSession(outputs=("a", "b")), Net(1), (X, Y), task="classification")
    with pytest.raises(DataError, match="teacher is an ONNX model with the inputs 'x', 'z': give batches with these keys"):
        compare(FakeSession(inputs=("x", "z")), Net(1), (X, Y), task="classification")
    chances = np.random.default_rng(1).dirichlet(np.ones(3), size=120)
    rows = FakeSession(outputs=("label", "probabilities"), give=lambda feed: [dict(zip("abc", row, strict=True)) for row in chances])
    found = compare(rows, chances, (X, np.array(list("abc"))[Y]), task="classification")
    assert found.results["agreement_top1"]["own"].value == 1.0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("model.pt", "teacher is the path 'model.pt': load the model and give it, or give an ONNX file"),
        ("model.onnx", "teacher is the path 'model.onnx': there is no such file"),
    ],
)
def test_paths_are_onnx_files_that_exist(given, text):
    with pytest.raises(PlanError, match=text):
        compare(given, Net(1), (X, Y), task="classification")


def test_an_onnx_file_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(PlanError, match="teacher is an ONNX file, which onnxruntime runs: pip install onnxruntime"):
        compare(tmp_path / "model.onnx", Net(1), (X, Y), task="classification")


@pytest.mark.parametrize("classes", [2, 3])
def test_boosters_of_lightgbm(classes):
    lightgbm = pytest.importorskip("lightgbm")
    y = np.minimum(Y, classes - 1)
    options = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": 3}
    boosters = [
        lightgbm.train({**options, "verbose": -1, "num_leaves": leaves, "num_threads": 1}, lightgbm.Dataset(X, y), 5) for leaves in (3, 7)
    ]
    found = compare(*boosters, (X, y), task="classification")
    given = [booster.predict(X) for booster in boosters]
    top = [(p > 0.5).astype(int) if p.ndim == 1 else p.argmax(axis=1) for p in given]
    assert found.results["agreement_top1"]["own"].value == pytest.approx((top[0] == top[1]).mean())


def test_boosters_of_xgboost():
    xgboost = pytest.importorskip("xgboost")
    options = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
    boosters = [xgboost.train({**options, "max_depth": depth}, xgboost.DMatrix(X, Y), 3) for depth in (1, 3)]
    found = compare(*boosters, (X, Y), task="classification")
    top = [booster.predict(xgboost.DMatrix(X)).argmax(axis=1) for booster in boosters]
    assert found.results["agreement_top1"]["own"].value == pytest.approx((top[0] == top[1]).mean())


class Booster:
    """As both libraries have it, with what it predicts."""

    def __init__(self, found):
        self.found = found

    def predict(self, x):
        return self.found


def test_a_booster_of_another_objective_is_named(monkeypatch):
    monkeypatch.setattr(Booster, "__module__", "xgboost.core")
    library = ModuleType("xgboost")
    library.DMatrix = lambda x: x
    monkeypatch.setitem(sys.modules, "xgboost", library)
    with pytest.raises(DataError, match="teacher gives one number a row that is no probability: train it with an objective"):
        compare(Booster(Y.astype(float) - 0.5), Net(1), (X, Y), task="classification")

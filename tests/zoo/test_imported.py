"""Models that were trained elsewhere, as models of a zoo."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import kdprobe
from kdprobe import DataError, GapPlan, PlanError, Trace, Zoo
from kdprobe.cli import run
from kdprobe.stats import scores

ROWS = 200


def truth(kind="classification", seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, ROWS) if kind == "classification" else 40 + 5 * rng.normal(size=ROWS)


def filled(kind="classification", seeds=3, path="mine", **more):
    y = truth(kind)
    clean = np.eye(3)[y] if kind == "classification" else y[:, None]
    rng = np.random.default_rng(1)
    zoo = Zoo.create(path, y, task=kind, name="mine", **more)
    for seed in range(seeds):
        own = rng.normal(size=clean.shape)
        zoo.add(clean + own, role="twin", seed=seed, size=30, family="small")
        for width, noise in ((5, 0.8), (9, 0.5)):
            said = clean + noise * rng.normal(size=clean.shape)
            teacher = zoo.add(
                said, role="teacher", seed=seed, size=100 * width, width=width, family="big", layers={"deep": said[:, :1] ** 2}
            )
            zoo.add(
                clean + 0.5 * own + 0.5 * (said - clean), role="student", seed=seed, size=30, family="small", teacher=teacher, alpha=0.5,
                layers={"deep": own},
            )  # fmt: skip
    return zoo, clean


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_probes_verdicts_and_pages_work_on_them(kind):
    zoo, _ = filled(kind)
    with kdprobe.measure(zoo) as measured:
        gains = measured.gains()
        assert len(gains) == 6
        assert (gains["gain"] > 0).all()
        assert set(gains["teacher_size"]) == {500, 900}
        assert kdprobe.capacity_gap(gains).verdict in {"SUPPORTED", "CONTRADICTED", "INCONCLUSIVE", "NOT APPLICABLE"}
        found = measured.measurements()
        assert found.loc[(found["probe"] == "cka") & (found["comparison"] == "own"), "value"].notna().all()
        assert {"own", "siblings", "baseline", "panel"} <= set(found["comparison"])
        assert measured.verify() == []
        page = re.sub(r"<[^>]+>", "", kdprobe.report(measured, "page.html").read_text())
    assert "15 models that were trained elsewhere" in page
    assert "No plan was sealed before their results" in page
    assert "sealed by its hash" not in page
    # nothing is measured twice
    before = found
    with kdprobe.measure("mine") as again:
        assert again.measurements().equals(before)


def test_what_is_kept_is_what_was_said():
    zoo, clean = filled("regression", seeds=1)
    model = zoo.models().query("role == 'teacher'")["model_id"].iloc[0]
    trace = zoo.trace(model, rows="B")
    y = truth("regression")
    said = trace.outputs[:, 0] * y.std() + y.mean()
    assert np.abs(said - clean[trace.ids, 0]).mean() < 2
    mse = zoo.scores().query("model_id == @model and metric == 'mse'")["value"].item()
    assert mse == pytest.approx(np.mean((said - y[trace.ids]) ** 2) / y.var(), rel=1e-4)
    with pytest.raises(DataError, match="trained elsewhere, and what it said of the rows is all that is here: read trace"):
        zoo.module(model)


def test_probabilities_and_logits_are_one_model():
    y, logits = truth(), np.random.default_rng(2).normal(size=(ROWS, 3))
    likelihood = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = []
    for place, said in enumerate((logits, likelihood)):
        zoo = Zoo.create(f"zoo{place}", y, task="classification")
        model = zoo.add(said, role="teacher", seed=0, size=9)
        nll = zoo.scores().query("metric == 'nll'")["value"].item()
        trace = zoo.trace(model)
        found.append((nll, trace.outputs))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-6)
    part = trace.ids
    assert isinstance(trace, Trace)
    assert scores.accuracy(found[0][1], y[part]) == np.mean(logits[part].argmax(axis=1) == y[part])


class Network(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.hidden, self.drop, self.output = nn.Linear(2, width), nn.Dropout(0.9), nn.Linear(width, 3)

    def forward(self, x):
        return self.output(self.drop(torch.relu(self.hidden(x))))


def test_a_module_is_run_in_evaluation_mode_and_left_as_it_was():
    x = np.random.default_rng(0).normal(size=(ROWS, 2))
    zoo, network = Zoo.create("mine", truth(), task="classification"), Network().train()
    model = zoo.add(network, role="teacher", seed=0, x=x, layers=["hidden"])
    assert network.training
    assert network.drop.training
    assert not network.hidden._forward_hooks
    row = zoo.models().iloc[0]
    assert (row["size"], row["width"], row["family"]) == (4 * 2 + 4 + 3 * 4 + 3, 27, "own")
    trace = zoo.trace(model)
    with torch.no_grad():
        expected = network.eval()(torch.tensor(x, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(trace.raw, expected[trace.ids], atol=1e-5)
    assert list(trace.features) == ["hidden"]
    assert trace.features["hidden"].shape == (len(trace.ids), 4)


def test_layers_keep_their_order_and_blocks_stay_whole():
    blocks = np.repeat(np.arange(ROWS // 4), 4)
    zoo = Zoo.create("mine", truth(), task="classification", blocks=blocks)
    layers = {f"z{place}" if place % 2 else f"a{place}": np.full((ROWS, 1), float(place)) for place in range(12)}
    model = zoo.add(np.random.default_rng(0).normal(size=(ROWS, 3)), role="teacher", seed=0, size=5, layers=layers)
    one, other = zoo.trace(model), zoo.trace(model, rows="B")
    assert list(one.features) == list(layers)
    assert not set(blocks[one.ids]) & set(blocks[other.ids])


def test_a_sweep_does_not_go_on_in_it_and_a_sweeps_zoo_takes_nobody_in():
    zoo, _ = filled(seeds=1)
    plan = GapPlan(tasks=("letters",), teacher_widths=(2, 4), student_widths=(2,), seeds=2, steps=2, schemes=("same_rows",), beside={})
    with pytest.raises(DataError, match="asks 'imported'"):
        kdprobe.sweep(plan, zoo.path, similarity=False)
    with kdprobe.sweep(plan, "swept", similarity=False) as swept, pytest.raises(PlanError, match="swept was written by a sweep"):
        swept.add(np.zeros((ROWS, 3)), role="teacher", seed=0, size=3)
    with pytest.raises(PlanError, match="swept was written by a sweep"):
        kdprobe.measure("swept")


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"model": np.zeros((ROWS - 1, 3))}, DataError, "model gives 199 rows, target has 200"),
        ({"model": np.zeros((ROWS, 4))}, DataError, r"outputs of shape \(200, 4\), \(200, 3\) is due"),
        ({"model": np.full((ROWS, 3), np.nan)}, DataError, "outputs of the model holds NaN"),
        ({"model": np.full((ROWS, 3), "a")}, DataError, "give numbers, one row a row of target"),
        ({"model": lambda x: x}, PlanError, "needs the rows it is called on: give x"),
        ({"model": Network()}, PlanError, "needs the rows it is run on: give x"),
        ({"model": Network(), "x": np.zeros((ROWS, 2)), "layers": ["hiden"]}, PlanError, "layers holds 'hiden', which the model has not"),
        ({"layers": {"deep": np.zeros((3, 1))}}, DataError, r"layer 'deep' has shape \(3, 1\)"),
        ({"layers": ["deep"]}, PlanError, "beside outputs give the layers themselves"),
        ({"role": "teecher"}, PlanError, "role='teecher': did you mean 'teacher'"),
        ({"seed": -1}, PlanError, "seed=-1"),
        ({"seed": 10_000}, PlanError, "seed=10000"),
        ({"size": None}, PlanError, "size is not known of outputs alone"),
        ({"family": "a/b"}, PlanError, "family='a/b'"),
        ({"teacher": "abc"}, PlanError, "a teacher has no teacher"),
        ({"family": "big", "width": 5, "size": 7, "seed": 9}, PlanError, "size=7: big-5 has 500 parameters in this zoo"),
        ({"family": "big", "width": 5, "size": 500}, PlanError, "there is a teacher big-5 of seed 0 already"),
        ({"role": "student", "alpha": 0.5, "family": "new"}, PlanError, "there are 2 teachers of seed 0: say which"),
        ({"role": "student", "alpha": 0.5, "seed": 8}, PlanError, "there is no teacher of seed 8: add that first"),
        ({"role": "student", "alpha": 0.5, "teacher": "zz"}, PlanError, "teacher='zz' fits no teachers of this zoo"),
    ],
)
def test_what_cannot_be_taken_in_says_why(given, error, text):
    zoo, _ = filled(seeds=1)
    before = len(zoo.models())
    said = np.random.default_rng(3).normal(size=(ROWS, 3))
    with pytest.raises(error, match=text):
        zoo.add(**{"model": said, "role": "teacher", "seed": 0, "size": 10, **given})
    assert len(zoo.models()) == before


def test_a_student_needs_what_it_is_read_against():
    zoo = Zoo.create("mine", truth(), task="classification")
    said = np.random.default_rng(3).normal(size=(ROWS, 3))
    how = {"role": "student", "seed": 0, "size": 5}
    teacher = zoo.add(said, role="teacher", seed=0, size=10)
    with pytest.raises(PlanError, match="there is no twin of seed 0 with family 'own' and width 5"):
        zoo.add(said, **how, alpha=0.5)
    zoo.add(said + 1e-3, role="twin", seed=0, size=5)
    for given, text in (
        ({}, "alpha=None: give the weight of the teacher's loss"),
        ({"alpha": 2}, "alpha=2"),
        ({"alpha": 0.5, "distiller": "kdd"}, "did you mean 'kd'"),
        ({"alpha": 0.5, "scheme": "same_row"}, "did you mean 'same_rows'"),
        ({"alpha": 0.5, "temperature": 0}, "temperature=0"),
        ({"alpha": 0.5, "distiller": "logit_mse", "temperature": 2}, "logit_mse has none, leave it out"),
    ):
        with pytest.raises(PlanError, match=re.escape(text)):
            zoo.add(said, **how, **given)
    with pytest.raises(PlanError, match="mine holds no student"):
        kdprobe.measure(zoo)
    zoo.add(said, **how, alpha=0.5)
    zoo.add(said, role="twin", seed=1, size=5)
    with pytest.raises(PlanError, match="students own-5 under teachers own-10 have one seed: an interval over seeds needs 2"):
        kdprobe.measure(zoo)
    with pytest.raises(PlanError, match="a student of seed 1 was taught by a teacher of seed 0"):
        zoo.add(said, role="student", seed=1, size=5, teacher=teacher, alpha=0.5)


@pytest.mark.parametrize(
    ("target", "how", "error", "text"),
    [
        (np.zeros(20), {"task": "regression"}, DataError, "target has 20 rows: give 50"),
        (np.zeros(ROWS), {"task": "regression"}, DataError, "target is constant"),
        (np.zeros(ROWS), {"task": "classification"}, DataError, "target has 1 class"),
        (np.linspace(0, 1, ROWS), {"task": "classification"}, DataError, "numbers that are no classes"),
        (truth(), {"task": "ranking"}, PlanError, "task='ranking'"),
        (truth(), {"task": "classification", "classes": [0, 1]}, DataError, "target holds 2, which is none of classes"),
        (truth(), {"task": "classification", "name": "a/b"}, PlanError, "name='a/b'"),
        (truth(), {"task": "classification", "blocks": [1, 2]}, DataError, "blocks has 2 rows"),
        (truth(), {"task": "classification", "blocks": np.zeros(ROWS)}, DataError, "blocks: one has 200 of 200 rows"),
    ],
)
def test_a_target_that_is_none_says_why(target, how, error, text):
    with pytest.raises(error, match=text):
        Zoo.create("mine", target, **how)
    assert not Path("mine").exists()


def folder(seeds=2, **changed):
    y = truth()
    rng = np.random.default_rng(5)
    Path("files").mkdir()
    np.save("files/y.npy", y)
    rows = []
    for seed in range(seeds):
        for role, size in (("student", 30), ("teacher", 300), ("twin", 30)):
            np.savez(f"files/{role}{seed}.npz", outputs=np.eye(3)[y] + rng.normal(size=(ROWS, 3)), deep=rng.normal(size=(ROWS, 4)))
            alpha = "0.5" if role == "student" else ""
            cells = {
                "model": f"{role}{seed}",
                "role": role,
                "seed": str(seed),
                "size": str(size),
                "outputs": f"{role}{seed}.npz",
                "alpha": alpha,
            }
            rows.append(cells | changed.get(f"{role}{seed}", {}))
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open("files/manifest.csv", "w", newline="") as file:
        table = csv.DictWriter(file, names, restval="")
        table.writeheader()
        table.writerows(rows)


LINE = ["zoo", "import", "files", "--target", "y.npy", "--task", "classification"]


def test_a_folder_and_its_manifest(capsys):
    folder()
    assert run(LINE) == 0
    out = capsys.readouterr().out
    assert "files-zoo: 6 models. report: files-zoo/report.html" in out
    with Zoo("files-zoo") as zoo:
        assert zoo.verify() == []
        assert len(zoo.gains()) == 2
        assert zoo.provenance()["command"] == "kdprobe zoo import files --manifest manifest.csv --target y.npy --task classification"
        assert zoo.measurements().query("probe == 'cka' and comparison == 'own'")["value"].notna().all()


def test_weights_with_the_function_that_builds_their_network(monkeypatch):
    monkeypatch.syspath_prepend(".")
    Path("my_networks.py").write_text(
        "from torch import nn\ndef build(width):\n    return nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 3))\n"
    )
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3))
    own = {"outputs": "", "weights": "net.safetensors", "factory": "my_networks:build", "arguments": '{"width": 8}', "size": ""}
    folder(teacher0=own, teacher1=own)
    save_file(network.state_dict(), "files/net.safetensors")
    x = np.random.default_rng(0).normal(size=(ROWS, 2)).astype(np.float32)
    np.save("files/x.npy", x)
    assert run([*LINE, "--x", "x.npy"]) == 0
    with Zoo("files-zoo") as zoo:
        row = zoo.models().query("role == 'teacher' and seed == 0").iloc[0]
        assert row["size"] == 8 * 2 + 8 + 3 * 8 + 3
        trace = zoo.trace(row["model_id"])
        with torch.no_grad():
            np.testing.assert_allclose(trace.raw, network(torch.from_numpy(x))[trace.ids].numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"role": "teach"}, "line 3 of files/manifest.csv: role is 'teach': did you mean 'teacher'"),
        ({"model": "twin0"}, "lines 3 and 4 of files/manifest.csv are both named 'twin0'"),
        ({"model": ""}, "line 3 of files/manifest.csv has no model"),
        ({"outputs": ""}, "gives neither outputs nor weights"),
        ({"weights": "w.safetensors"}, "gives both outputs and weights"),
        ({"outputs": "model.pt"}, "model.pt may be a pickle, which can run any code: save the weights with safetensors"),
        ({"outputs": "none.npy"}, "files/none.npy is not there"),
        ({"seed": "one"}, "seed is 'one': give a whole number"),
        ({"size": "1.5"}, "size is '1.5': give a whole number"),
        ({"size": ""}, "(teacher0): size is not known of outputs alone"),
        ({"teacher": "nobody"}, "teacher is 'nobody', which no row above names as its teacher"),
        ({"colour": "red"}, "has a column 'colour', which is unknown"),
        ({"outputs": "", "weights": "y.npy", "factory": "a:b"}, "y.npy is no .safetensors file"),
        ({"outputs": "", "weights": "y.npy", "factory": ""}, "factory is '': name the function"),
    ],
)
def test_a_bad_manifest_says_which_line_and_leaves_nothing(changed, text, capsys):
    folder(teacher0=changed)
    assert run(LINE) in (2, 3)
    assert text in " ".join(capsys.readouterr().err.split())
    assert not Path("files-zoo").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["zoo", "import", "nowhere", "--target", "y.npy", "--task", "regression"], "nowhere is no folder"),
        (["zoo", "import", "files"], "say what is true and of which kind it is"),
        (["zoo", "import", "files", "--manifest", "none.csv", "--target", "y.npy", "--task", "classification"], "none.csv cannot be read"),
    ],
)
def test_a_command_that_lacks_something_says_what(words, text, capsys):
    folder()
    assert run(words) in (2, 3)
    assert text in " ".join(capsys.readouterr().err.split())


def test_the_template_is_a_manifest(capsys):
    assert run(["zoo", "import", "--template"]) == 0
    found = capsys.readouterr()
    assert found.out.startswith("model,role,seed,size")
    assert "role: teacher, twin or student" in found.err

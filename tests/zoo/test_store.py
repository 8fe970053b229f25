"""What a zoo holds, and that it notices when it is not what was written."""

import hashlib
import math
import os
import random
import shutil
import sqlite3

import numpy as np
import pytest
import torch
from safetensors.torch import save

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.trace import softmax
from kdprobe.measures.transfer.calibration import calibration_error
from kdprobe.zoo.shards import _read, tensor_path
from kdprobe.zoo.writer import Writer


def test_models_of_every_role(small_zoo):
    models = small_zoo.models()
    counts = models.groupby(["task", "role"]).size().to_dict()
    assert counts == {(task, role): n for task in ("letters", "bikeshare") for role, n in (("teacher", 8), ("twin", 4), ("student", 16))}
    assert (models["status"] == "done").all()
    letters = models[(models["task"] == "letters") & (models["width"] == 8)].iloc[0]
    assert letters["size"] == 16 * 8 + 8 + 8 * 26 + 26
    assert letters["flops"] == 8 * (16 + 26)


def test_students_are_paired_by_seed_with_their_teacher_and_twin(small_zoo):
    models = small_zoo.models().set_index("model_id")
    for _, student in models[models["role"] == "student"].iterrows():
        teacher, twin = models.loc[student["teacher_id"]], models.loc[student["twin_id"]]
        assert (teacher["role"], teacher["seed"]) == ("teacher", student["seed"])
        assert (twin["role"], twin["seed"], twin["width"], twin["steps"]) == ("twin", student["seed"], student["width"], student["steps"])


def test_scores_are_those_of_the_stored_weights(small_zoo):
    """Independent route: weights from the shard, a forward pass in NumPy, the log score by hand."""
    row = small_zoo.models().query("task == 'letters' and role == 'student'").iloc[0]
    module = small_zoo.module(row["model_id"])
    weights = {name: value.double().numpy() for name, value in module.state_dict().items()}
    split = small_zoo.split(row["data"])
    hidden = np.maximum(split.probe_b.x @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
    p = softmax(hidden @ weights["output.weight"].T + weights["output.bias"])
    y = split.probe_b.y
    scores = small_zoo.scores().query("model_id == @row.model_id and rows == 'B'").set_index("metric")["value"]
    assert scores["nll"] == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), abs=1e-5)
    assert scores["calibration_error"] == pytest.approx(calibration_error(p, y), abs=1e-4)
    assert scores["accuracy"] == pytest.approx((p.argmax(1) == y).mean(), abs=1e-9)


@pytest.mark.parametrize("rows", ["C", "a", "", None])
def test_a_trace_on_no_half_of_the_probe_rows(small_zoo, rows):
    model = small_zoo.models()["model_id"].iloc[0]
    with pytest.raises(PlanError, match=rf"rows={rows!r} is no half of the probe rows: give 'A' \(similarity\) or 'B' \(performance\)"):
        small_zoo.trace(model, rows=rows)


def test_own_siblings_and_baseline_by_hand(small_zoo):
    """Recompute one probe's four comparisons from traces."""
    student = small_zoo.models().query("task == 'bikeshare' and role == 'student' and seed == 1 and scheme == 'same_rows'").iloc[0]
    models = small_zoo.models()
    teachers = models.query("task == 'bikeshare' and role == 'teacher' and width == @student.teacher_width").set_index("seed")["model_id"]
    twins = models.query("task == 'bikeshare' and role == 'twin'").set_index("seed")["model_id"]

    def r2(a, b):
        s, t = (small_zoo.trace(model, rows="A").outputs for model in (a, b))
        return 1 - ((t - s) ** 2).sum() / ((t - t.mean(0)) ** 2).sum()

    found = small_zoo.measurements().query("model_id == @student.model_id and probe == 'r2'").set_index("comparison")["value"]
    expected = {
        "own": r2(student["model_id"], teachers[1]),
        "siblings": np.mean([r2(student["model_id"], teachers[s]) for s in (0, 2, 3)]),
        "twin": r2(twins[1], teachers[1]),
        "baseline": np.mean([r2(twins[s], teachers[1]) for s in (0, 2, 3)]),
    }
    for comparison, value in expected.items():
        assert found[comparison] == pytest.approx(value, abs=1e-9)


def test_gain_by_hand(small_zoo):
    student = small_zoo.models().query("task == 'bikeshare' and role == 'student' and seed == 2").iloc[0]
    y = small_zoo.split(student["data"]).probe_b.y

    def mse(model):
        return float(((small_zoo.trace(model, rows="B").outputs - y) ** 2).mean())

    found = small_zoo.measurements().query("model_id == @student.model_id and probe == 'gain'").iloc[0]
    assert found["value"] == pytest.approx(mse(student["twin_id"]) - mse(student["model_id"]), abs=1e-9)
    assert found["low"] < found["value"] < found["high"]


def test_no_table_holds_nan_where_a_value_or_a_reason_belongs(small_zoo):
    measured = small_zoo.measurements()
    refused = measured["status"] == "refused"
    assert measured.loc[~refused, ["value", "low", "high"]].notna().all(axis=None)
    assert measured.loc[refused, "value"].isna().all()
    assert (measured.loc[refused, "reason"].str.len() > 20).all()
    assert np.isfinite(small_zoo.scores()["value"]).all()


def test_history_ends_at_the_last_step(small_zoo):
    history = small_zoo.history()
    assert set(history.groupby("model_id")["step"].max()) == {60}
    assert np.isfinite(history[["loss", "validation_loss", "gradient_norm"]]).all(axis=None)


def test_runs_has_one_row_a_model(small_zoo):
    runs = small_zoo.runs()
    assert len(runs) == len(small_zoo.models())
    assert {"nll.B", "mse.B", "gain.panel", "cka.own", "cka.baseline"} <= set(runs.columns)


def test_verify_finds_nothing_wrong_in_a_fresh_zoo(small_zoo):
    assert small_zoo.verify() == []


def test_targets_are_the_teachers_outputs_by_sample_id(small_zoo, small_zoo_folder):
    teacher = small_zoo.models().query("task == 'letters' and role == 'teacher'").iloc[0]
    sha256 = small_zoo.describe(teacher["model_id"])["targets"]
    from kdprobe.zoo.shards import read_targets

    targets = read_targets(small_zoo_folder, teacher["model_id"], sha256)
    split = small_zoo.split(teacher["data"])
    places = {int(sample): place for place, sample in enumerate(targets["ids"])}
    with torch.inference_mode():
        outputs = small_zoo.module(teacher["model_id"])(torch.from_numpy(split.transfer.x.copy()))[0]
    rows = [places[int(sample)] for sample in split.transfer.ids]
    torch.testing.assert_close(targets["outputs"][rows], outputs)


# ---- damage


@pytest.mark.parametrize("folder", ["shards", "targets"])
def test_one_flipped_byte_is_found_and_named(own_zoo_folder, folder):
    path = sorted((own_zoo_folder / folder).iterdir())[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with kdprobe.Zoo(own_zoo_folder) as zoo:
        (problem,) = zoo.verify()
        assert path.name in problem
        assert "is damaged" in problem
        if folder == "shards":
            model = zoo.models().query("shard == @path.stem").iloc[0]["model_id"]
            with pytest.raises(DataError, match=r"is damaged: its SHA-256 is .*delete the file and run the same sweep again"):
                zoo.module(model)


def test_no_mutation_of_a_shard_loads(own_zoo_folder):
    """Any byte, any bit: 300 random ones here, 10^6 on demand."""
    path = sorted((own_zoo_folder / "shards").iterdir())[0]
    content, rng = path.read_bytes(), random.Random(0)
    for _ in range(300):
        mutated = bytearray(content)
        mutated[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(mutated)
        _read.cache_clear()
        with pytest.raises(DataError, match="is damaged"):
            _read(path, path.stem)


def test_a_damaged_shard_is_trained_again_after_it_is_deleted(own_zoo_folder, small_zoo):
    from tests.conftest import SMALL

    path = sorted((own_zoo_folder / "shards").iterdir())[0]
    path.unlink()
    with kdprobe.sweep(SMALL, own_zoo_folder) as zoo:
        assert zoo.verify() == []
        assert path.exists()
        left = zoo.measurements().sort_values(["model_id", "probe", "comparison"]).reset_index(drop=True)
    right = small_zoo.measurements().sort_values(["model_id", "probe", "comparison"]).reset_index(drop=True)
    assert left.equals(right)


def test_a_folder_that_is_no_zoo(tmp_path):
    with pytest.raises(DataError, match=r"is not a zoo: it has no index.sqlite: give the folder that a sweep wrote"):
        kdprobe.Zoo(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_is_no_database(tmp_path):
    (tmp_path / "index.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(DataError, match=r"is damaged, or no index of a zoo \(it is no SQLite file\)"):
        kdprobe.Zoo(tmp_path)


def test_another_schema_version(own_zoo_folder):
    with sqlite3.connect(own_zoo_folder / "index.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    before = (own_zoo_folder / "index.sqlite").read_bytes()
    for open_ in (kdprobe.Zoo, Writer):
        with pytest.raises(DataError, match=r"has zoo format 99, this kdprobe reads 2 and 3: open it with the kdprobe that wrote it"):
            open_(own_zoo_folder)
    assert (own_zoo_folder / "index.sqlite").read_bytes() == before


def test_a_zoo_on_a_read_only_disk_can_be_read(own_zoo_folder):
    for path in [*own_zoo_folder.rglob("*"), own_zoo_folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with kdprobe.Zoo(own_zoo_folder) as zoo:
            assert len(zoo.models()) == 56
            assert zoo.verify() == []
    finally:
        for path in [own_zoo_folder, *own_zoo_folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "A" * 64, "", "x/" + "a" * 62])
def test_a_name_that_points_out_of_the_zoo(tmp_path, name):
    with pytest.raises(DataError, match="is not a SHA-256: the index was changed by hand"):
        tensor_path(tmp_path, "shards", name)


def test_unknown_and_ambiguous_models(small_zoo):
    with pytest.raises(PlanError, match=r"model_id='nope' fits no model of"):
        small_zoo.job("nope")
    with pytest.raises(PlanError, match=r"model_id='' fits several models of"):
        small_zoo.job("")


# ---- writing


def test_two_writers(tmp_path):
    with (
        Writer(tmp_path / "zoo"),
        pytest.raises(PlanError, match=rf"another process \(process {os.getpid()}\) is writing to .*zoo: wait until it ends, or choose"),
    ):
        Writer(tmp_path / "zoo")
    Writer(tmp_path / "zoo").__exit__(None, None, None)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write to .*: Not a directory: choose another folder with --out"):
        Writer(tmp_path / "file" / "zoo")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_store_refuses_nan(tmp_path, value):
    with Writer(tmp_path) as writer, pytest.raises(DataError, match=r"scores.value = .*: the store keeps values or reasons, never NaN"):
        writer.record_models([], [{"model_id": "m", "metric": "nll", "rows": "A", "value": value}])


def test_a_transaction_is_whole_or_nothing(own_zoo_folder):
    with Writer(own_zoo_folder) as writer:
        before = writer.index.rows("SELECT count(*) AS n FROM units")
        with pytest.raises(sqlite3.IntegrityError):
            writer.record_unit(
                {"unit_id": "u", "title": "t", "status": "done", "reason": "", "seconds": 0.0}, [("missing", "p", "own", _value())]
            )
        assert writer.index.rows("SELECT count(*) AS n FROM units") == before


def _value():
    return kdprobe.Measurement(value=0, low=0, high=0, n=1)


def test_reconcile_removes_what_no_row_names(own_zoo_folder):
    content = save({"a": torch.zeros(1)})
    stray = own_zoo_folder / "shards" / f"{hashlib.sha256(content).hexdigest()}.safetensors"
    stray.write_bytes(content)
    torn = own_zoo_folder / "targets" / ".x.abcd1234.kdprobe-tmp"
    torn.write_bytes(b"torn")
    with Writer(own_zoo_folder) as writer:
        assert writer.reconcile() == 0
    assert not stray.exists()
    assert not torn.exists()
    shutil.rmtree(own_zoo_folder / "targets")
    (own_zoo_folder / "targets").mkdir()
    with Writer(own_zoo_folder) as writer:
        assert writer.reconcile() == 16  # teachers of both tasks
        assert writer.index.rows("SELECT count(*) AS n FROM models")[0]["n"] == 8  # twins: students went with their teachers

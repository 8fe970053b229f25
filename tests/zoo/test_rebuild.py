"""A lost or damaged index is read back from the shards."""

import json
import subprocess
import sys

import pytest

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.sweep.executors.in_process import InProcess
from kdprobe.zoo.rebuild import rebuild
from tests.conftest import SMALL
from tests.zoo.test_soundness import change, unseal

LATER = ["seconds", "refusals"]


def table(zoo):
    return zoo.runs().drop(columns=LATER, errors="ignore").sort_values("model_id").reset_index(drop=True)


@pytest.mark.parametrize("how", ["missing", "empty", "damaged"])
def test_what_is_read_back_is_what_was_there_and_only_measuring_is_left(own_zoo_folder, small_zoo, monkeypatch, how):
    index = own_zoo_folder / "index.sqlite"
    if how == "damaged":
        change(own_zoo_folder, "UPDATE scores SET value = value * 1.5")
    else:
        index.unlink()
    if how == "empty":
        index.touch()
    done = subprocess.run([sys.executable, "-m", "kdprobe", "zoo", "rebuild", own_zoo_folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "56 models read back" in done.stdout
    assert ("index.sqlite.before" in done.stdout) == (how != "missing")
    with kdprobe.Zoo(own_zoo_folder) as zoo:
        assert zoo.verify() == []
        assert zoo.scores().sort_values(["model_id", "metric"])["value"].tolist() == (
            small_zoo.scores().sort_values(["model_id", "metric"])["value"].tolist()
        )
    with pytest.raises(PlanError, match="has an index, and it is what was written: there is nothing to rebuild"):
        rebuild(own_zoo_folder)
    trained = []
    submit = InProcess.submit

    def noted(self, key, call, *rest, **limits):
        trained.append(call.__name__)
        submit(self, key, call, *rest, **limits)

    monkeypatch.setattr(InProcess, "submit", noted)
    with kdprobe.sweep(SMALL, own_zoo_folder) as zoo:
        assert set(trained) == {"measure_unit"}
        assert table(zoo).equals(table(small_zoo))
        assert zoo.verify() == []
        assert zoo.provenance()["deviations"] == []


def test_another_plan_is_refused_after_a_rebuild_too(own_zoo_folder):
    from dataclasses import replace

    (own_zoo_folder / "index.sqlite").unlink()
    assert rebuild(own_zoo_folder).planned
    with pytest.raises(PlanError, match="holds results of another plan"):
        kdprobe.sweep(replace(SMALL, steps=61), own_zoo_folder)


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"plan": 1}', b"\xff", b"[" * 100_000])
def test_a_lost_plan_is_told(own_zoo_folder, content):
    (own_zoo_folder / "index.sqlite").unlink()
    if content is None:
        (own_zoo_folder / "plan.json").unlink()
    else:
        (own_zoo_folder / "plan.json").write_bytes(content)
    found = rebuild(own_zoo_folder)
    assert not found.planned
    assert "the plan that is run next becomes that of the zoo" in found.lost[0]
    assert found.models == 56


def test_a_plan_of_before_there_were_predictions_is_read(own_zoo_folder):
    (own_zoo_folder / "index.sqlite").unlink()
    file = own_zoo_folder / "plan.json"
    entries = json.loads(file.read_text())
    assert json.loads(entries.pop("predicted"))["entries"] is not None
    file.write_text(json.dumps(entries))
    assert rebuild(own_zoo_folder).planned


def test_damaged_files_are_left_out_with_what_learned_from_them(own_zoo_folder, small_zoo):
    models = small_zoo.models()
    teacher = models.query("role == 'teacher'").iloc[0]
    path = own_zoo_folder / "targets" / f"{teacher['model_id']}.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    (own_zoo_folder / "index.sqlite").unlink()
    found = rebuild(own_zoo_folder)
    assert found.models == 56 - 1 - int((models["teacher_id"] == teacher["model_id"]).sum())
    assert any(path.name in problem and "is damaged" in problem for problem in found.lost)
    assert any("learned from a model that is lost" in problem for problem in found.lost)


def test_a_zoo_whose_shards_say_nothing_cannot_be_rebuilt(own_zoo_folder):
    from hashlib import sha256

    from safetensors.torch import load, save

    for shard in (own_zoo_folder / "shards").iterdir():
        content = save(load(shard.read_bytes()))
        shard.unlink()
        (shard.with_name(f"{sha256(content).hexdigest()}.safetensors")).write_bytes(content)
    unseal(own_zoo_folder)
    change(own_zoo_folder, "DELETE FROM scores")
    with pytest.raises(DataError, match=r"cannot be rebuilt, no file says which models it holds: plan.json is missing"):
        rebuild(own_zoo_folder)


def test_what_is_no_zoo_cannot_be_rebuilt(tmp_path):
    with pytest.raises(DataError, match=r"is no zoo: it has no shards: give the folder that a sweep wrote"):
        rebuild(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes").write_text("theirs")
    with pytest.raises(PlanError, match="holds notes, which kdprobe did not write"):
        rebuild(tmp_path)

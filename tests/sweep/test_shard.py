"""Parts of a sweep, each trained by itself, and brought together: bit for bit what one sweep gives."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

import kdprobe
from kdprobe.cli import run as command
from kdprobe.core.errors import DataError, PlanError
from kdprobe.sweep import run
from kdprobe.sweep.shard import Shard, shard_of
from kdprobe.zoo.merge import merge
from tests.sweep.test_plan import DATA

PLAN = kdprobe.GapPlan(
    tasks=("bikeshare",), schemes=("same_rows", "teacher_assistant"), teacher_widths=(8,), student_widths=(2,), seeds=4, steps=20, beside={}
)
PARTS = 3


def parts_of(folder, plan=PLAN):
    paths = [folder / f"part{number}" for number in range(1, PARTS + 1)]
    for number, path in enumerate(paths, start=1):
        run.run(plan, path, shard=Shard(number, PARTS)).close()
    return paths


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Three parts of a sweep: copy before changing."""
    return parts_of(tmp_path_factory.mktemp("parts"))


def frames(zoo):
    """All that a zoo says of its models, but for what differs from run to run, and their weights."""
    models = zoo.models().drop(columns=["seconds", "shard", "slot"]).set_index("model_id").sort_index()
    tables = [zoo.scores(), zoo.measurements()]
    sorted_ones = [table.drop(columns=["seconds"], errors="ignore").sort_values(list(table.columns[:4])) for table in tables]
    weights = {model: {name: value.numpy().tobytes() for name, value in zoo.module(model).state_dict().items()} for model in models.index}
    return models, *(table.reset_index(drop=True) for table in sorted_ones), weights


def test_parts_that_are_merged_and_measured_are_the_whole_bit_for_bit(trained, tmp_path, monkeypatch):
    with kdprobe.sweep(PLAN, tmp_path / "whole") as zoo:
        *whole, weights = frames(zoo)
    found = merge(trained, tmp_path / "merged")
    assert found == (len(whole[0]), 0)
    assert merge(trained, tmp_path / "merged") == (0, len(whole[0]))
    monkeypatch.setattr(run, "train_unit", lambda *_: pytest.fail("all models are there"))
    with kdprobe.sweep(PLAN, tmp_path / "merged") as zoo:
        assert zoo.verify() == []
        *merged, same_weights = frames(zoo)
        assert zoo.provenance()["failed_cells"] == []
    for one, other in zip(whole, merged, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert same_weights == weights


def test_every_model_is_in_one_part_with_all_that_it_needs():
    plan = kdprobe.GapPlan(seeds=7, tune=("alpha",), alpha=(0.3, 0.7), tune_seeds=2)
    jobs = plan.grid(DATA).jobs
    parts = [Shard(number, 4).jobs(jobs) for number in range(1, 5)]
    assert sorted(job.id for part in parts for job in part) == sorted(job.id for job in jobs)
    assert all(job.needs <= {other.id for other in part} for part in parts for job in part)
    assert sorted(len({job.seed for job in part}) for part in parts) == [2, 2, 2, 3]


@pytest.mark.parametrize("text", ["3", "0/4", "5/4", "a/b", "1/2/3", "-1/4", "", "1/0", "1/200000"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(PlanError, match=r"shard='.*': give a part and how many there are, such as 3/16"):
        shard_of(text)


def test_more_parts_than_seeds_are_refused(tmp_path):
    with pytest.raises(PlanError, match="shard=1/5: the plan has 4 seeds, all draws and tuning together: give at most as many shards"):
        run.run(PLAN, tmp_path / "zoo", shard=Shard(1, 5))
    assert not (tmp_path / "zoo").exists()


def test_what_cannot_be_merged_is_refused(trained, tmp_path):
    with pytest.raises(PlanError, match="no part was given"):
        merge([], tmp_path / "out")
    with pytest.raises(PlanError, match="is a part itself: give the whole a new folder with --out"):
        merge(trained, trained[0])
    with pytest.raises(DataError, match=r"gone is not a zoo: it has no index\.sqlite"):
        merge([tmp_path / "gone"], tmp_path / "out")
    other = replace(PLAN, teacher_widths=(4,), seeds=2, steps=5)
    run.run(other, tmp_path / "other", measure=False).close()
    with pytest.raises(PlanError, match="hold parts of different plans: merge parts of one sweep"):
        merge([trained[0], tmp_path / "other"], tmp_path / "out")
    with pytest.raises(PlanError, match="holds results of another plan: choose another folder with --out"):
        merge(trained, tmp_path / "other")
    assert not (tmp_path / "out").exists()


def test_a_damaged_part_is_refused_by_its_file(trained, tmp_path):
    part = shutil.copytree(trained[0], tmp_path / "part")
    file = next((part / "shards").glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(DataError, match=rf"shards/{file.name} is damaged"):
        merge([part], tmp_path / "out")


def test_the_commands_name_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    settings = "--task bikeshare --scheme same_rows --teacher-widths 4 --student-widths 2 --seeds 2 --steps 5 --beside none --jobs 0"
    words = settings.split()
    for number in (1, 2):
        assert command(["sweep", "--gap", *words, "--out", "whole", "--shard", f"{number}/2"]) == 0
        said = capsys.readouterr().out
        assert f"whole-{number}-of-2: 3 models, part {number}/2" in said
        assert "kdprobe zoo merge whole-*-of-2 --out whole\n  kdprobe sweep --gap --task bikeshare" in said
    assert command(["zoo", "merge", "whole-1-of-2", "whole-2-of-2", "--out", "whole"]) == 0
    assert "whole: 6 models came. Run the same sweep with --out whole and without --shard" in capsys.readouterr().out
    assert command(["sweep", "--gap", *words, "--out", "whole", "--shard", "3/2"]) == 2
    words[words.index("--seeds") + 1] = "20"
    assert command(["sweep", "--gap", *words, "--pilot", "--shard", "1/2"]) == 2
    assert "a pilot is small, and is not cut into parts: leave --shard out" in capsys.readouterr().err

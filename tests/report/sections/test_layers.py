"""The maps of layers of a zoo: what compare gives, for one student a task; words where the networks are gone."""

import re
import shutil

import numpy as np
import pytest
import torch

import kdprobe
from kdprobe.compare.layers import layer_map
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.sections.layers import LAYERS, MOST_LAYERS, MOST_TWINS, _candidates, _layers, _map, _reference_twins
from kdprobe.testing.worlds.zoo import ZooWorld


@pytest.fixture
def drawn(small_zoo):
    return LAYERS.draw(Evidence(small_zoo))


def test_one_student_a_task_in_three_maps(small_zoo, drawn):
    assert [figure.caption for figure in drawn.figures] == [
        f"{task}: {title}"
        for task in ("letters", "bikeshare")
        for title in ("student and teacher", "3 twins and teacher, mean", "difference")
    ]
    assert re.match(r"bikeshare, same rows, mlp-2 under mlp-8, seed 0: Debiased linear CKA on .* Rows come in blocks", drawn.words[2])
    assert "letters, same rows, mlp-2 under mlp-8, seed 0" in drawn.words[1]
    assert "Rows come in blocks" not in drawn.words[1]
    assert sum(len(figure.svg) for figure in drawn.figures) < 15_000


def test_the_map_is_what_compare_gives_for_the_same_networks(small_zoo):
    evidence = Evidence(small_zoo)
    student = _candidates(evidence, "letters")[0]
    found = _map(evidence, student)
    twins = evidence.students
    twins = twins[(twins["task"] == "letters") & (twins["arm"] == student["arm"]) & (twins["teacher"] == student["teacher"])]
    twins = twins.loc[twins["seed"] != student["seed"], "twin_id"]
    rows = small_zoo.split(student["data"]).probe_a
    compared = kdprobe.compare(
        small_zoo.module(student["teacher_id"]),
        small_zoo.module(student["model_id"]),
        (rows.x, rows.y),
        task="classification",
        twins=[small_zoo.module(twin) for twin in twins],
        layers=["last hidden", "output"],
        forward=lambda model, batch: model(torch.tensor(batch[0]))[0],
    ).layer_map
    for ours, theirs in ((found.own, compared.own), (found.baseline, compared.baseline), (found.difference, compared.difference)):
        for line, other in zip(ours, theirs, strict=True):
            assert [cell.value for cell in line] == pytest.approx([cell.value for cell in other], abs=1e-6)
    assert found.teacher == found.student == ("hidden", "outputs")


def test_intervals_stand_in_tooltips(small_zoo, drawn):
    found = _map(Evidence(small_zoo), _candidates(Evidence(small_zoo), "bikeshare")[0])
    cell = found.own[0][0]
    assert "p" not in cell.details
    assert f"<title>{cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]</title>" in drawn.figures[3].svg


def test_networks_that_are_gone_are_told(own_zoo_folder):
    shutil.rmtree(own_zoo_folder / "shards")
    with kdprobe.Zoo(own_zoo_folder) as zoo:
        content = LAYERS.draw(Evidence(zoo))
        assert not content.figures
        assert content.words[1].startswith("letters: the networks could not be read (")
        assert content.words[2].startswith("bikeshare: the networks could not be read (")
    assert str(own_zoo_folder) not in " ".join(content.words)


def test_frames_without_networks_have_no_maps():
    world = ZooWorld(seeds=4, tasks=(("letters", "classification"),), student_widths=(8,))
    assert LAYERS.draw(Evidence(world.zoo())) is None


def test_too_few_twins_have_no_maps(tmp_path):
    plan = kdprobe.GapPlan(
        tasks=("bikeshare",), schemes=("same_rows",), teacher_widths=(3,), student_widths=(2,), seeds=3, steps=20, beside={}
    )
    with kdprobe.sweep(plan, tmp_path / "zoo") as zoo:
        assert LAYERS.draw(Evidence(zoo)) is None


def test_of_many_twins_those_of_the_next_seeds_are_read():
    world = ZooWorld(seeds=30, tasks=(("letters", "classification"),), student_widths=(8,))
    evidence = Evidence(world.zoo())
    student = _candidates(evidence, "letters")[0]
    assert sorted(_reference_twins(evidence, student).index) == [*range(1, MOST_TWINS + 1)]
    # around the seeds as around a circle
    late = student | {"seed": 25}
    assert sorted(_reference_twins(evidence, late).index) == [*range(16), *range(26, 30)]
    few = Evidence(ZooWorld(seeds=MOST_TWINS + 1, tasks=(("letters", "classification"),), student_widths=(8,)).zoo())
    assert len(_reference_twins(few, student | {"seed": 3})) == MOST_TWINS


def test_of_many_layers_some_are_shown_first_and_last_among_them():
    from kdprobe.core.trace import Trace

    features = {f"block{i}": np.ones((3, 2)) for i in range(20)}
    chosen = list(_layers(Trace.from_raw("regression", np.ones(3), features=features)))
    assert len(chosen) == MOST_LAYERS
    assert (chosen[0], chosen[-1]) == ("block0", "outputs")
    assert sorted(chosen, key=[*features, "outputs"].index) == chosen


def test_rows_in_blocks_give_cells_without_p():
    rng = np.random.default_rng(0)
    teacher, student, *twins = rng.normal(size=(5, 60, 3))
    models = {"teacher": {"a": teacher}, "student": {"a": student}} | {f"twin {i}": {"a": twin} for i, twin in enumerate(twins)}
    free, blocked = layer_map(models), layer_map(models, blocks=np.arange(60) // 5)
    assert free.own[0][0].value == pytest.approx(blocked.own[0][0].value, abs=1e-12)
    assert "p" in free.own[0][0].details
    assert "p" not in blocked.own[0][0].details
    assert blocked.difference[0][0].details["p"] == pytest.approx(free.difference[0][0].details["p"], rel=1e-9)
    assert "no test against independent rows" in str(blocked).replace("\n", " ")

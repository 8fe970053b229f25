"""Axes of a gap sweep: every combination is a setting of its own, paired with the others."""

import shlex
from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np
import pytest

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.cli import build
from kdprobe.cli.sweep import Where
from kdprobe.core.axes import AXES
from kdprobe.core.registry import available
from kdprobe.sweep.units import measure_units
from kdprobe.tasks.splits import split
from kdprobe.training.job import TUNING_SEEDS

DATA = {("letters", 0): "a" * 64, ("bikeshare", 0): "b" * 64}
PLAN = GapPlan(
    tasks=("letters",), schemes=("same_rows", "transfer_rows"), teacher_widths=(4, 8), student_widths=(2,), seeds=2, steps=30, alpha=0.7,
    beside={},
)  # fmt: skip


def jobs_of(plan):
    return Counter(job.role for job in plan.grid(DATA).jobs)


@pytest.mark.parametrize("task", ["letters", "bikeshare"])
def test_fewer_rows_are_the_first_of_more(task):
    for part in (split(available("tasks")[task], draw=1).train, split(available("tasks")[task], draw=1).transfer):
        before: set[int] = set()
        for rows in (10, 11, 100, 700, part.n):
            fewer = part.first(rows)
            assert fewer.n == len(set(fewer.ids.tolist())) == rows
            assert before < set(fewer.ids.tolist())
            assert (np.diff(fewer.ids) > 0).all()
            places = np.searchsorted(part.ids, fewer.ids)
            assert (fewer.x == part.x[places]).all()
            assert (fewer.y == part.y[places]).all()
            assert (fewer.first(10).ids == part.first(10).ids).all()
            before = set(fewer.ids.tolist())
        assert part.first(None) is part.first(part.n) is part


def test_fewer_rows_are_about_those_that_a_smaller_part_has():
    """A part of fewer rows takes the same groups of copies; where one did not fit it takes a later single row."""
    letters = available("tasks")["letters"]
    alone = split(letters, sizes=replace(letters.split, train=300)).train
    assert np.isin(split(letters).train.first(310).ids, alone.ids).sum() >= 295


def test_a_teacher_is_shared_by_all_settings_that_do_not_change_it():
    plan = replace(PLAN, transfer_rows=(100, 300), alpha=(0.3, 0.7), temperature=(1, 2, 4))
    # 6 settings on the teacher's own rows; on transfer rows alpha is 1: 2 × 3
    assert jobs_of(plan) == {"teacher": 4, "twin": 2, "student": 4 * (6 + 6)}
    plan = replace(PLAN, train_rows=(100, 300), label_noise=(0, 0.3), transfer_rows=(100, 300))
    assert jobs_of(plan) == {"teacher": 16, "twin": 8, "student": 16 * (1 + 2)}
    plan = replace(PLAN, teacher_steps=(10, 30, 60), teacher_weight_decay=(1e-4, 0.1), teacher_patience=3)
    assert jobs_of(plan) == {"teacher": 24, "twin": 2, "student": 48}
    plan = replace(PLAN, learning_rate=(0.01, 0.02), steps=(20, 30), teacher_steps=30)
    assert jobs_of(plan) == {"teacher": 8, "twin": 8, "student": 32}


def test_a_regression_has_no_temperature():
    plan = replace(PLAN, tasks=("bikeshare",), temperature=(1, 2, 4))
    assert jobs_of(plan) == {"teacher": 4, "twin": 2, "student": 8}


def test_an_untaught_student_has_neither_alpha_nor_temperature():
    plan = replace(PLAN, schemes=("step_matched_twin", "true_labels"), alpha=(0.3, 0.7), temperature=(1, 2), transfer_rows=(100, 300))
    assert jobs_of(plan) == {"teacher": 4, "twin": 2, "student": 4 * (1 + 2)}


def test_student_and_twin_learn_under_one_setting():
    plan = replace(PLAN, train_rows=(100, 300), label_noise=(0, 0.3), learning_rate=(0.01, 0.1), steps=(20, 30))
    jobs = {job.id: job for job in plan.grid(DATA).jobs}
    for cell in plan.cells():
        student, twin = plan.grid(DATA).student(cell), jobs[plan.grid(DATA).twin_id(cell)]
        teacher = jobs[student.teacher]
        assert (twin.steps, twin.learning_rate) == (student.steps, student.learning_rate)
        assert (twin.row_limit, twin.label_noise) == (teacher.row_limit, teacher.label_noise)
        assert teacher.row_limit == (100 if cell.setting["train_rows"] == 100 else None)
        if student.rows == "train":
            assert (student.row_limit, student.label_noise) == (twin.row_limit, twin.label_noise)
        else:
            assert (student.row_limit, student.label_noise) == (None, 0.0)


def test_every_unit_of_measuring_has_one_teacher_and_one_twin_a_seed():
    plan = replace(PLAN, train_rows=(100, 300), transfer_rows=(100, 300), alpha=(0.3, 0.7))
    units = measure_units(plan.grid(DATA), ("gain",))
    jobs = {job.id: job for job in plan.grid(DATA).jobs}
    assert len(units) == 4
    assert sum(len(group) for unit in units for group in unit.students.values()) == jobs_of(plan)["student"]
    for unit in units:
        for group in unit.students.values():
            assert {seed: jobs[model].teacher for seed, model in group.items()} == dict(unit.teachers)


def test_seeds_to_tune_on_are_in_no_result():
    plan = replace(PLAN, alpha=(0.3, 0.7), temperature=(1, 2), tune=("alpha",), tune_seeds=3)
    extra = [cell for cell in plan.cells() if cell.tunes]
    # on transfer rows there is no alpha to choose
    assert Counter(cell.scheme for cell in extra) == {"same_rows": 2 * 4 * 3}
    assert {cell.seed for cell in extra} == set(range(TUNING_SEEDS, TUNING_SEEDS + 3))
    later = {cell.seed for cell in replace(plan, first_seed=2).cells()}
    assert not later & {cell.seed for cell in plan.cells() if not cell.tunes}
    measured = {model for unit in measure_units(plan.grid(DATA), ("gain",)) for group in unit.students.values() for model in group.values()}
    assert not measured & {plan.grid(DATA).student(cell).id for cell in extra}
    assert replace(plan, tune=()).grid(DATA).jobs == [job for job in plan.grid(DATA).jobs if job.seed < TUNING_SEEDS]


def test_values_in_between_extend_a_plan():
    plan = replace(PLAN, transfer_rows=(100, 8000))
    assert replace(plan, transfer_rows=(100, 300, 8000)).extends(plan)
    assert replace(PLAN, train_rows=(300, 2000)).extends(PLAN)  # letters has 2,000 by itself
    assert not replace(plan, transfer_rows=(100, 9000)).extends(plan)
    assert not replace(plan, transfer_rows=100).extends(plan)
    assert replace(plan, alpha=(0.3, 0.7), tune=("alpha",)).extends(plan)


def test_a_list_of_one_is_a_number_and_whole_numbers_are_whole():
    plan = GapPlan(alpha=[1], steps=[300.0], transfer_rows=[100.0, 300])
    assert (plan.alpha, plan.steps, plan.transfer_rows) == (1.0, 300, (100, 300))
    assert plan.hash == GapPlan(alpha=1.0, steps=300, transfer_rows=(100, 300)).hash
    assert msgspec.json.decode(msgspec.json.encode(plan), type=GapPlan) == plan


def test_settings_are_every_combination():
    plan = GapPlan(train_rows=(100, 2000), label_noise=(0, 0.3), alpha=(0.3, 0.7), temperature=(1, 2, 4), beside={})
    found = next(block for block in plan.blocks() if (block.task, block.scheme) == ("letters", "same_rows")).settings("kd")
    assert len(found) == len(set(found)) == 24
    assert {setting["train_rows"] for setting in found} == {100, None}
    assert [(s["alpha"], s["temperature"]) for s in found[:3]] == [(0.3, 1.0), (0.3, 2.0), (0.3, 4.0)]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"alpha": ()}, r"alpha is empty: give at least one"),
        ({"alpha": (0.3, 0.3)}, r"alpha holds 0.3 twice: give each once"),
        ({"alpha": (0.3, 1.5)}, r"alpha=1.5: give a number from 0 to 1"),
        ({"alpha": "much"}, r"alpha='much': give a number"),
        ({"steps": 30.5}, r"steps=30.5: give a whole number"),
        ({"label_noise": 1.2}, r"label_noise=1.2: give a number from 0 to 1"),
        ({"transfer_rows": (100, 3)}, r"transfer_rows=3: give at least 10"),
        ({"teacher_steps": 0}, r"teacher_steps=0: give at least 1"),
        ({"tune": ("alfa",)}, r"tune holds 'alfa': what can be chosen on validation rows is steps, alpha, temperature"),
        ({"tune": ("train_rows",), "train_rows": (10, 20)}, r"tune holds 'train_rows': what can be chosen"),
        ({"tune": ("alpha",)}, r"tune holds 'alpha', which has one value, 0.5: give several, as in --alpha 1,2"),
        ({"tune": ("alpha",), "alpha": (0.3, 0.7), "tune_seeds": 0}, r"tune_seeds=0: give at least 1"),
        ({"draws": 10**11}, r"draws=100000000000: give 1 to 1,000"),
        ({"seeds": TUNING_SEEDS + 1}, r"seeds=10001 from first_seed=0: give numbers from 0 to below 10000"),
    ],
)
def test_what_cannot_be_run_is_refused(changes, text):
    with pytest.raises(PlanError, match=text):
        GapPlan(**changes)


# ---- as they are typed


def typed(monkeypatch, *words, config=None):
    """The plan that a command line gives."""
    seen = []
    monkeypatch.setattr("kdprobe.cli.sweep._sweep", lambda plan, where, quick, more: seen.append(plan) or 0)
    build(config, command="sweep")(["sweep", "--gap", *words, *(["--config", config] if config else [])], exit_on_error=False)
    return seen[0]


WANTED = {"transfer_rows": (100, 300, 3000), "label_noise": (0.0, 0.3), "alpha": (0.3, 0.7), "temperature": (1.0, 2.0, 4.0)}
COMMAS = shlex.split("--transfer-rows 100,300,3000 --label-noise 0,0.3 --alpha 0.3,0.7 --temperature 1,2,4 --tune alpha,temperature")
SPACES = shlex.split("--transfer-rows 100 300 3000 --label-noise 0 0.3 --alpha 0.3 0.7 --temperature 1 2 4 --tune alpha temperature")


@pytest.mark.parametrize("words", [COMMAS, SPACES], ids=["commas", "spaces"])
def test_lists_on_the_command_line(monkeypatch, words):
    assert typed(monkeypatch, *words, "--seeds", "3") == GapPlan(**WANTED, tune=("alpha", "temperature"), seeds=3)


LISTS = {
    "gap": {
        "--task": ["letters", "bikeshare"], "--scheme": ["same_rows", "transfer_rows"], "--teacher-widths": ["8", "32"],
        "--student-widths": ["4", "8"], "--distiller": ["kd", "l2_imitation"], "--probes": ["rsa", "cca"],
        **{f"--{name.replace('_', '-')}": ["20", "30"] for name, axis in AXES.items() if axis.high > 1},
    },
    "knowledge": {
        "--task": ["letters", "bikeshare"], "--scheme": ["same_rows", "transfer_rows"], "--student-widths": ["4", "8"],
        "--distiller": ["kd", "l2_imitation"], "--alpha": ["0.3", "0.7"], "--probes": ["rsa", "cca"],
    },
}  # fmt: skip


@pytest.mark.parametrize(("asks", "flag"), [(asks, flag) for asks, flags in LISTS.items() for flag in flags])
def test_every_list_takes_commas_and_spaces(monkeypatch, asks, flag):
    values = ["0.01", "0.1"] if flag == "--learning-rate" else LISTS[asks][flag]
    seen = []
    monkeypatch.setattr("kdprobe.cli.sweep._sweep", lambda plan, where, quick, more: seen.append((plan, where)) or 0)
    for given in ([",".join(values)], values, [f"{values[0]},", values[1]]):
        build(asked=asks, command="sweep")(["sweep", f"--{asks}", flag, *given], exit_on_error=False)
    assert seen[0] == seen[1] == seen[2]
    # what is typed arrives, where it is no default
    assert seen[0] != (type(seen[0][0])(), Where()) or flag in ("--task", "--scheme")


def test_all_lists_of_both_questions_are_tested():
    for asks, flags in LISTS.items():
        listed = {
            argument.names[0]
            for argument in build(asked=asks, command="sweep")["sweep"].assemble_argument_collection()
            if (argument.parameter.metavar or "").endswith("...")
        }
        # an objective stands in the place of schemes, and is tested with these
        assert listed - {"--tune", "--alpha", "--label-noise", "--probe", "--objective"} <= set(flags)


def test_too_many_settings_are_refused():
    plan = replace(PLAN, alpha=tuple(i / 1000 for i in range(1, 901)), temperature=tuple(range(1, 201)))
    with pytest.raises(PlanError, match=r"the axes have 180,000 combinations: give fewer values, so that there are at most 100,000"):
        plan.cells()


def test_lists_in_a_file_of_settings(monkeypatch, tmp_path):
    lines = [f"{name} = {list(values)}" for name, values in WANTED.items()]
    (tmp_path / "plan.toml").write_text(
        "\n".join([*lines, 'tune = ["alpha", "temperature"]', "teacher_steps = 900", "learning-rate = 0.02"])
    )
    found = typed(monkeypatch, config=str(tmp_path / "plan.toml"))
    assert found == GapPlan(**WANTED, tune=("alpha", "temperature"), teacher_steps=900, learning_rate=0.02)


@pytest.mark.parametrize("name", list(AXES))
def test_every_axis_can_be_typed_and_is_spelt_as_it_was(monkeypatch, name):
    from kdprobe.sweep.command import command_of

    values = (0.25, 0.75) if name in ("alpha", "label_noise", "temperature", "learning_rate", "teacher_weight_decay") else (20, 30)
    plan = typed(monkeypatch, f"--{name.replace('_', '-')}", ",".join(map(str, values)))
    assert plan == GapPlan(**{name: values})
    again = command_of("kdprobe sweep --gap", plan, "zoo").removeprefix("kdprobe sweep --gap ").removesuffix(" --out zoo").split()
    assert typed(monkeypatch, *again) == plan


def test_a_word_where_a_number_should_be():
    from kdprobe.cli import run

    assert run(["sweep", "--gap", "--alpha", "0.3,much"]) == 2


# ---- trained


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    plan = replace(PLAN, train_rows=(100, 2000), transfer_rows=(50, 8000), label_noise=(0, 0.5), seeds=3)
    with kdprobe.sweep(plan, tmp_path_factory.mktemp("axes") / "zoo", similarity=False) as zoo:
        yield zoo


def test_settings_are_columns_of_the_tables(swept):
    models = swept.models()
    assert (models["status"] == "done").all()
    teachers = models[models["role"] == "teacher"]
    assert set(zip(teachers["row_count"], teachers["label_noise"], strict=True)) == {(n, p) for n in (100, 2000) for p in (0.0, 0.5)}
    students = models[(models["role"] == "student") & (models["scheme"] == "transfer_rows")]
    assert set(students["row_count"]) == {50, 8000}
    assert (students["label_noise"] == 0).all()


def test_noise_and_few_rows_cost_the_teacher(swept):
    models, scores = swept.models(), swept.scores()
    loss = scores[(scores["metric"] == "nll") & (scores["rows"] == "B")].set_index("model_id")["value"]
    teachers = models[models["role"] == "teacher"].assign(loss=lambda frame: frame["model_id"].map(loss))
    mean = teachers.groupby(["row_count", "label_noise"])["loss"].mean()
    assert mean[2000, 0.0] < mean[2000, 0.5]
    assert mean[2000, 0.0] < mean[100, 0.0]


def test_without_similarity_only_gains_are_measured(swept):
    assert set(swept.measurements()["comparison"]) == {"panel"}
    assert {"gain", "gain_calibrated", "gain_second"} <= set(swept.measurements()["probe"])


def test_the_ladder_of_the_transfer_rows(tmp_path):
    """On true labels a student does best, on its own pseudo-labels it stays where it was; a good teacher's word lies in between."""
    ladder = ("transfer_rows", "self_pseudo_labels", "step_matched_twin", "true_labels")
    plan = GapPlan(
        tasks=("letters",), schemes=ladder, teacher_widths=(32,), student_widths=(8,), seeds=3, steps=400, train_rows=500,
        transfer_rows=(100, 4000), beside={},
    )  # fmt: skip
    with kdprobe.sweep(plan, tmp_path / "zoo", similarity=False) as zoo:
        gain = zoo.gains(metric="nll_calibrated").groupby(["scheme", "unlabelled_rows"], dropna=False)["gain"].mean()
        assert zoo.gains().groupby("scheme").size().to_dict() == {name: 3 if name == "step_matched_twin" else 6 for name in ladder}
    assert gain["true_labels", 4000] > gain["transfer_rows", 4000] > gain["self_pseudo_labels", 4000]
    assert gain["transfer_rows", 4000] > gain["transfer_rows", 100]


def test_teachers_of_every_size_are_stopped_where_they_are_as_good_as_the_twin(tmp_path):
    plan = GapPlan(
        tasks=("letters",), schemes=("equal_loss_teachers",), teacher_widths=(16, 64), student_widths=(4,), seeds=2, steps=400, beside={},
    )  # fmt: skip
    with kdprobe.sweep(plan, tmp_path / "zoo", similarity=False) as zoo:
        models = zoo.models()
        loss = zoo.scores().query("metric == 'nll' and rows == 'B'").set_index("model_id")["value"]
        mean = models.assign(loss=models["model_id"].map(loss)).groupby(["role", "width"])["loss"].mean()
    assert abs(mean["stopped", 16] - mean["stopped", 64]) < 0.3 * abs(mean["teacher", 16] - mean["twin", 4])
    assert abs(mean["stopped", 64] - mean["twin", 4]) < 0.3 * abs(mean["teacher", 64] - mean["twin", 4])


def test_options_of_a_family_are_typed_by_name_and_keep_their_type(monkeypatch, tmp_path):
    from kdprobe.sweep.command import command_of

    words = shlex.split("--options.depth 2 --options.norm layer --options.dropout 0.5 --teacher-options.dropout 0")
    plan = typed(monkeypatch, *words)
    # 0.5 is not cut to 0, and 2 is not made 2.0
    assert repr(plan.options["depth"]) == "2"
    assert plan.options == {"depth": 2, "norm": "layer", "dropout": 0.5}
    assert plan.teacher_options == {"dropout": 0.0}
    again = command_of("kdprobe sweep --gap", plan, "zoo").removeprefix("kdprobe sweep --gap ").removesuffix(" --out zoo").split()
    assert typed(monkeypatch, *again) == plan
    (tmp_path / "plan.toml").write_text("[options]\ndepth = 2\nnorm = 'layer'\ndropout = 0.5\n[teacher-options]\ndropout = 0\n")
    assert typed(monkeypatch, config=str(tmp_path / "plan.toml")) == plan

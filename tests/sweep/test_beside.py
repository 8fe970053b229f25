"""What stands beside a plan's own setting: one axis changed at a time, and nothing of the setting itself."""

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.cli import build
from kdprobe.report.evidence.frames import Evidence
from kdprobe.sweep.command import command_of
from kdprobe.sweep.pilot import pilot_plan
from kdprobe.sweep.units import measure_units

DATA = {("letters", 0): "a" * 64, ("bikeshare", 0): "b" * 64}
ALONE = GapPlan(
    tasks=("letters",), schemes=("same_rows",), teacher_widths=(4, 8), student_widths=(2,), seeds=2, steps=30, alpha=0.7, beside={},
    controls=False,
)  # fmt: skip
STAR = replace(ALONE, beside={"temperature": (1, 2, 4), "alpha": (0.7, 0.9), "train_rows": 300})


def settings_of(plan):
    """(rows, α, T) of every student of a plan, counted."""
    return Counter(tuple(cell.setting[name] for name in ("train_rows", "alpha", "temperature")) for cell in plan.cells())


def test_one_axis_changes_at_a_time():
    own = (None, 0.7, 1.0)
    star = [own, (300, 0.7, 1.0), (None, 0.9, 1.0), (None, 0.7, 2.0), (None, 0.7, 4.0)]
    assert settings_of(STAR) == dict.fromkeys(star, 4)
    # the plan's own setting comes first
    assert next(iter(settings_of(STAR))) == own


def test_what_is_at_the_plans_own_setting_has_the_same_jobs_as_without():
    alone, star = ALONE.grid(DATA), STAR.grid(DATA)
    assert {cell: alone.student(cell).id for cell in ALONE.cells()}.items() <= {c: star.student(c).id for c in STAR.cells()}.items()
    assert {job.id for job in alone.jobs} <= {job.id for job in star.jobs}
    # teachers and twins are shared but for other rows
    assert Counter(job.role for job in star.jobs) == {"teacher": 2 * 4, "twin": 2 * 2, "student": 5 * 4}
    assert {job.row_limit for job in star.jobs if job.role in ("teacher", "twin")} == {None, 300}
    assert STAR.extends(ALONE)
    assert not ALONE.extends(STAR)
    assert STAR.hash != ALONE.hash


def test_what_makes_no_difference_is_trained_once():
    # a regression has no temperature, and without labels there is nothing that alpha weighs
    assert settings_of(replace(STAR, tasks=("bikeshare",))) == dict.fromkeys([(None, 0.7, 1.0), (300, 0.7, 1.0), (None, 0.9, 1.0)], 4)
    fresh = settings_of(replace(STAR, schemes=("transfer_rows",)))
    assert fresh == dict.fromkeys([(None, 1.0, 1.0), (300, 1.0, 1.0), (None, 1.0, 2.0), (None, 1.0, 4.0)], 4)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        # crossed already
        ({"temperature": (1, 3)}, [(None, 0.7, 1.0), (None, 0.7, 3.0)]),
        ({"temperature": (1, 3), "alpha": (0.7, 0.8), "tune": ("temperature",)}, None),
        # the plan's own value, and rows that are not fewer than its own
        ({"temperature": 4}, [(None, 0.7, 4.0), (None, 0.7, 1.0), (None, 0.7, 2.0)]),
        ({"beside": {"train_rows": (2000, 5000, 300)}}, [(None, 0.7, 1.0), (300, 0.7, 1.0)]),
        ({"beside": {"train_rows": 300}, "train_rows": 200}, [(None, 0.7, 1.0)]),
        ({"beside": {"transfer_rows": 300}}, [(None, 0.7, 1.0)]),
    ],
)
def test_what_has_nothing_beside(changes, wanted):
    plan = replace(STAR, **({"beside": {"temperature": (1, 2, 4)}} | changes))
    if wanted is None:
        assert settings_of(plan) == settings_of(replace(plan, beside={}))
    else:
        assert settings_of(plan) == dict.fromkeys(wanted, 4)


def test_around_a_list_each_value_has_its_own():
    plan = replace(STAR, alpha=(0.3, 0.7), beside={"temperature": 2})
    assert settings_of(plan) == dict.fromkeys([(None, alpha, T) for T in (1.0, 2.0) for alpha in (0.3, 0.7)], 4)


def test_seeds_to_tune_on_are_for_every_setting():
    plan = replace(STAR, alpha=(0.3, 0.7), tune=("alpha",), tune_seeds=1, beside={"train_rows": 300})
    tuned = Counter((cell.setting["train_rows"], cell.setting["alpha"]) for cell in plan.cells() if cell.tunes)
    assert tuned == dict.fromkeys([(None, 0.3), (None, 0.7), (300, 0.3), (300, 0.7)], 2)


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        ({"temprature": 2}, r"beside holds 'temprature', which is no axis: did you mean 'temperature'"),
        ({"temperature": (1, 1)}, r"beside: temperature holds 1.0 twice: give each once"),
        ({"temperature": 0}, r"beside: temperature=0: give a number from 0.001"),
        ({"temperature": None}, r"beside: temperature is empty: give at least one"),
        ({"alpha": "much"}, r"beside: alpha='much': give a number"),
        ({"steps": 100}, r"beside holds 'steps', of which the plan has no value of its own: give one, as in --steps 100"),
        ("none", r"beside='none': give values by axis, such as \{'temperature': \(1, 2, 4\)\}, or \{\} for none"),
        (None, r"beside=None: give values by axis"),
    ],
)
def test_what_cannot_stand_beside_is_refused(beside, text):
    changes = {} if beside == {"steps": 100} else {"steps": 30}
    with pytest.raises(PlanError, match=text):
        GapPlan(beside=beside, **changes)


def test_a_quick_sweep_and_a_pilot_have_nothing_beside():
    assert GapPlan().quick().beside == {}
    assert GapPlan(beside={"temperature": 2}).quick().beside == {"temperature": (2.0,)}
    assert pilot_plan(GapPlan(seeds=20)).beside == {}


def test_one_form_whatever_it_is_given_as():
    plan = GapPlan(beside={"train-rows": 300.0, "temperature": [1, 2]})
    assert plan.beside == {"train_rows": (300,), "temperature": (1.0, 2.0)}
    assert plan.hash == GapPlan(beside={"temperature": (1.0, 2.0), "train_rows": (300,)}).hash
    assert msgspec.json.decode(msgspec.json.encode(plan), type=GapPlan) == plan


def typed(monkeypatch, *words, config=None):
    seen = []
    monkeypatch.setattr("kdprobe.cli.sweep._sweep", lambda plan, where, quick, more: seen.append(plan) or 0)
    build(config, command="sweep")(["sweep", "--gap", *words, *(["--config", config] if config else [])], exit_on_error=False)
    return seen[0]


@pytest.mark.parametrize(
    ("words", "toml", "wanted"),
    [
        (["--beside.temperature", "1,2", "4", "--beside.train-rows", "200"], "[beside]\ntemperature = [1, 2, 4]\ntrain-rows = 200\n", None),
        (["--beside", "none"], "beside = 'none'\n", {}),
    ],
)
def test_as_it_is_typed(monkeypatch, tmp_path, words, toml, wanted):
    plan = GapPlan(beside={"temperature": (1, 2, 4), "train_rows": 200} if wanted is None else wanted)
    assert typed(monkeypatch, *words) == plan
    (tmp_path / "plan.toml").write_text(toml)
    assert typed(monkeypatch, config=str(tmp_path / "plan.toml")) == plan
    again = command_of("kdprobe sweep --gap", plan, "zoo").removeprefix("kdprobe sweep --gap ").removesuffix(" --out zoo").split()
    assert typed(monkeypatch, *again) == plan


def test_a_word_in_place_of_an_axis(capsys):
    from kdprobe.cli import run

    assert run(["sweep", "--gap", "--beside", "temperature=2"]) == 2
    said = capsys.readouterr().err
    assert "beside=temperature=2: name an axis after a dot, as in --beside.temperature 1,2,4, or give none" in said


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    with kdprobe.sweep(STAR, tmp_path_factory.mktemp("star") / "zoo", similarity=False) as zoo:
        yield zoo


def test_the_table_of_gains_is_of_the_plans_own_setting(zoo):
    own = zoo.gains()
    assert len(own) == 4
    assert set(zip(own["labelled_rows"], own["alpha"], own["temperature"], strict=True)) == {(2000, 0.7, 1.0)}
    every = zoo.gains(beside=True)
    assert len(every) == 5 * 4
    assert len(every.drop_duplicates(["labelled_rows", "alpha", "temperature"])) == 5


def test_a_report_tells_them_apart(zoo):
    found = {group.arm: (group.beside, group.own_arm) for group in Evidence(zoo).groups}
    assert found == {
        "same rows": ("", "same rows"),
        "same rows α=0.9": ("at α 0.9", "same rows"),
        "same rows T=2": ("at T 2", "same rows"),
        "same rows T=4": ("at T 4", "same rows"),
        "same rows n=300": ("with 300 labelled rows", "same rows"),
    }


def test_no_likeness_is_measured_of_what_stands_beside():
    """A likeness is asked toward nine siblings too, and no page reads one of a student beside the plan's own setting."""
    names = ("gain", "agreement_top1", "transfer_coefficient", "teacher_wrong_room")
    units = measure_units(STAR.grid(DATA), names)
    assert {unit.probes for unit in units} == {names, ("gain",)}
    own = {model for unit in units if unit.probes == names for group in unit.students.values() for model in group.values()}
    assert own == {ALONE.grid(DATA).student(cell).id for cell in ALONE.cells()}

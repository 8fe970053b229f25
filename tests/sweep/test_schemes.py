"""Every scheme runs: its stages are trained from what they say, and controls do what they are for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import kdprobe
from kdprobe import GapPlan, PlanError, available
from kdprobe.core.identity import content_id
from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.stats.intervals import over_seeds
from kdprobe.sweep.estimate import estimate
from kdprobe.sweep.jobs import CellJobs
from kdprobe.sweep.problems import problem_of
from kdprobe.sweep.units import train_units
from kdprobe.tasks.splits import split
from kdprobe.training.streams import initial_module
from kdprobe.zoo.traces import Stored, outputs_of
from tests.sweep.test_run import table

SCHEMES = tuple(available("schemes"))
ALL = GapPlan(schemes=SCHEMES, teacher_widths=(9,), student_widths=(3,), seeds=2, steps=30, beside={})
DATA = {("letters", 0): "rows", ("bikeshare", 0): "other rows"}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    with kdprobe.sweep(ALL, tmp_path_factory.mktemp("schemes") / "zoo") as zoo:
        yield zoo


def jobs(scheme, task="letters", **changes):
    """Jobs of one cell of a scheme, by role."""
    plan = replace(ALL, schemes=(scheme,), tasks=(task,), **changes)
    made = CellJobs(plan.cells()[0], DATA[task, 0])
    return {stage.role: made.job(stage.role) for stage in find("schemes", scheme).stages}


def test_every_scheme_trains_and_measures_a_student_of_every_cell(zoo):
    assert zoo.provenance()["failed_cells"] == []
    students = zoo.models().query("role == 'student'")
    assert students.groupby(["scheme", "task"]).size().to_dict() == {(scheme, task): ALL.seeds for scheme in SCHEMES for task in ALL.tasks}
    gains = zoo.measurements().query("probe == 'gain'")
    assert (gains["status"] == "ok").all()
    assert len(gains) == len(students)
    assert zoo.verify() == []


def test_a_job_that_uses_no_later_field_has_the_id_of_before():
    """A zoo goes on where it was, whatever can be said of a job since."""
    first = "task data draw family width options role seed rows scheme distiller parameters alpha teacher steps batch_size learning_rate"
    names = [*first.split(), "weight_decay", "gradient_clip", "patience", "schema"]
    found = replace(ALL, schemes=("same_rows", "transfer_rows"), distillers=("kd", "l2_imitation", "hint")).grid(DATA).jobs
    assert len(found) > 20
    for job in found:
        assert job.id == content_id({name: getattr(job, name) for name in names})


def test_schemes_share_what_they_have_in_common():
    ids = {scheme: jobs(scheme) for scheme in SCHEMES}
    # the rows that a twin or a teacher learns from, or its size, make it another; whoever is taught beside it does not
    for role, due in (("twin", 5), ("teacher", 4)):
        kinds = {(available("schemes")[name].stage(role), found[role].width) for name, found in ids.items()}
        assert len({found[role].id for found in ids.values()}) == len(kinds) == due
    assert len({found["teacher_2"].id for found in ids.values() if "teacher_2" in found}) == 1
    assert len({found["student"].id for found in ids.values()}) == len(SCHEMES)


def test_jobs_say_what_their_stages_say():
    assistant = jobs("teacher_assistant", teacher_widths=(64,), student_widths=(4,))
    assert (assistant["assistant"].width, assistant["assistant"].taught_by) == (16, (assistant["teacher"].id,))
    assert assistant["student"].taught_by == (assistant["assistant"].id,)
    assert assistant["student"].teacher == assistant["teacher"].id
    many = jobs("multi_teacher")
    assert many["student"].taught_by == tuple(many[role].id for role in ("teacher", "teacher_2", "teacher_3"))
    assert len({many[role].stream for role in ("teacher", "teacher_2", "teacher_3")}) == 3
    sibling = jobs("sibling_teacher")
    assert sibling["student"].taught_by == (sibling["teacher_2"].id,)
    assert sibling["student"].teacher == sibling["teacher"].id
    weak = jobs("weak_teacher", steps=400)
    assert (weak["weak"].steps, weak["weak"].stream, weak["teacher"].steps) == (20, "teacher", 400)
    assert jobs("step_matched_twin", steps=400)["student"].steps == 800
    own = jobs("self_pseudo_labels")
    assert own["student"].taught_by == (own["twin"].id,)
    mutual = jobs("mutual_learning")
    assert mutual["student"].peers == (mutual["peer"].alone,)
    assert mutual["peer"].peers == (mutual["student"].alone,)
    assert (mutual["student"].teacher, mutual["student"].taught_by) == (mutual["teacher"].id, ())
    assert (mutual["student"].stream, mutual["peer"].stream) == ("student", "peer")
    mixed, control = jobs("labelled_and_transfer_rows"), jobs("labelled_and_own_answers")
    assert (mixed["student"].rows, mixed["student"].labels, mixed["student"].taught_on) == ("train", "own", "transfer")
    assert (mixed["student"].taught_by, control["student"].taught_by) == ((mixed["teacher"].id,), (mixed["twin"].id,))
    assert mixed["student"].alpha == control["student"].alpha == ALL.alpha
    assert (mixed["student"].steps, mixed["student"].batch_size) == (mixed["twin"].steps, mixed["twin"].batch_size)
    matched = jobs("untaught_same_loss")
    assert (matched["student"].matches, matched["student"].taught_by) == (matched["taught"].id, ())


def test_an_untrained_teacher_is_its_initialisation(zoo):
    model = zoo.models().query("role == 'untrained' and task == 'letters'").iloc[0]
    job = zoo.job(model["model_id"])
    made = initial_module(job, find("families", job.family), (16,), 26)
    for name, value in zoo.module(model["model_id"]).state_dict().items():
        assert torch.equal(value, made.state_dict()[name])
    teacher = zoo.models().query(f"role == 'teacher' and task == 'letters' and seed == {model['seed']}").iloc[0]
    other = initial_module(zoo.job(teacher["model_id"]), find("families", job.family), (16,), 26).state_dict()
    assert not torch.equal(other["output.weight"], made.state_dict()["output.weight"])


def stored(zoo, model_id):
    row = zoo.models().set_index("model_id").loc[model_id]
    return Stored(zoo.job(model_id), row["shard"], int(row["slot"])), None


@pytest.mark.parametrize("task", ["letters", "bikeshare"])
def test_targets_are_what_the_teachers_of_a_stage_say(zoo, task):
    """Of the mean of three, of the twin, and of an assistant: from files and anew, by hand."""
    parts = split(find("tasks", task))
    for scheme in ("multi_teacher_transfer", "self_pseudo_labels", "teacher_assistant"):
        student = zoo.job(zoo.models().query(f"scheme == '{scheme}' and task == '{task}'")["model_id"].iloc[0])
        part = parts.train if student.rows == "train" else parts.transfer
        found = problem_of(
            zoo.path, [student], find("tasks", task), parts, {name: stored(zoo, name) for name in student.taught_by}, torch.device("cpu")
        )
        said = np.stack([outputs_of(zoo.module(name), part.x)[0] for name in student.taught_by]).astype(np.float64)
        if task == "letters":
            p = np.exp(said - said.max(-1, keepdims=True))
            wanted = (p / p.sum(-1, keepdims=True)).mean(axis=0)
            got = torch.softmax(found.teachers.outputs[0], -1).numpy()
        else:
            wanted, got = said.mean(axis=0), found.teachers.outputs[0].numpy()
        np.testing.assert_allclose(got, wanted, atol=1e-5)
        assert (found.y is None) == (part is parts.transfer)


@pytest.mark.parametrize("task", ["letters", "bikeshare"])
def test_where_labels_and_teachers_speak_of_rows_apart(tmp_path, task):
    """The labels of the first 300 train rows, and what a teacher says of the first 500 transfer rows, in the tables too."""
    name = "labelled_and_transfer_rows"
    plan = replace(ALL, tasks=(task,), schemes=(name,), train_rows=(200, 300), transfer_rows=(400, 500), alpha=(0.5, 1.0), steps=4)
    parts = split(find("tasks", task), sizes=plan.sizes(task))
    with kdprobe.sweep(plan, tmp_path / "zoo") as found:
        models, gains = found.models(), found.gains()
        assert found.provenance()["failed_cells"] == []
        assert set(zip(gains["labelled_rows"], gains["unlabelled_rows"], gains["alpha"], strict=True)) == {
            (n, m, alpha) for n in (200, 300) for m in (400, 500) for alpha in (0.5, 1.0)
        }
        students = models.query("role == 'student'")
        assert set(students["rows"]) == {"train + transfer"}
        largest = students.query("row_count == 300 and taught_row_count == 500 and seed == 1").iloc[0]
        job = found.job(largest["model_id"])
        (teacher,) = job.taught_by
        twin = found.job(largest["twin_id"])
        assert (twin.row_limit, twin.steps, twin.stream) == (job.row_limit, job.steps, job.stream)
        problem = problem_of(found.path, [job], find("tasks", task), parts, {teacher: stored(found, teacher)}, torch.device("cpu"))
        labelled, others = parts.train.first(300), parts.transfer.first(500)
        assert problem.apart == len(problem.y) == labelled.n
        assert np.array_equal(problem.x.numpy(), np.concatenate([labelled.x, others.x]).astype(np.float32))
        np.testing.assert_array_equal(problem.y.numpy(), labelled.y.astype(problem.y.numpy().dtype))
        said = problem.teachers.outputs[0, labelled.n :].numpy()
        np.testing.assert_allclose(said, outputs_of(found.module(teacher), others.x)[0], atol=1e-5)


def test_a_model_that_matches_has_the_loss_it_matches(zoo):
    """Within the step between two checks: nearer than the twin is."""
    models = zoo.models()
    for _, model in models.query("scheme == 'untaught_same_loss' and task == 'letters'").iterrows():
        goal = zoo.job(model["model_id"]).matches
        history = zoo.history([model["model_id"], goal]).set_index("model_id")
        wanted = history.loc[goal, "validation_loss"].iloc[-1]
        mine = history.loc[model["model_id"], "validation_loss"]
        assert np.abs(mine - wanted).min() <= np.abs(np.diff(mine)).max()
        parts = split(find("tasks", "letters"))
        outputs = torch.from_numpy(outputs_of(zoo.module(model["model_id"]), parts.validation.x)[0])
        kept = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(parts.validation.y.copy()))
        assert float(kept) == pytest.approx(mine.iloc[np.abs(mine - wanted).argmin()], abs=1e-4)


def test_students_that_match_are_told_apart_by_what_they_match(tmp_path):
    plan = replace(ALL, tasks=("letters",), schemes=("untaught_same_loss",), distillers=("kd", "argmax_labels"), steps=10)
    with kdprobe.sweep(plan, tmp_path / "zoo", similarity=False) as zoo:
        models = zoo.models()
        assert set(models.query("role == 'student'")["matched"]) == {"kd α=1", "argmax_labels α=1"}
        assert models.query("role != 'student'")["matched"].isna().all()
        assert {group.arm for group in Evidence(zoo).groups} == {
            "untaught same loss matched to kd α=1",
            "untaught same loss matched to argmax_labels α=1",
        }


# ---- resuming, and what fails


@pytest.mark.parametrize("role", ["peer", "assistant", "taught"])
def test_whatever_is_lost_is_trained_again_with_all_that_learned_from_it(tmp_path, zoo, role):
    scheme = {"peer": "mutual_learning", "assistant": "teacher_assistant", "taught": "untaught_same_loss"}[role]
    plan = replace(ALL, tasks=("letters",), schemes=(scheme, "same_rows"))
    with kdprobe.sweep(plan, tmp_path / "zoo") as first:
        whole = table(first)
        lost = first.models().query(f"role == '{role}'")["shard"].iloc[0]
    (tmp_path / "zoo" / "shards" / f"{lost}.safetensors").unlink()
    with kdprobe.sweep(plan, tmp_path / "zoo") as again:
        assert again.verify() == []
        found = table(again)
    places = ["shard", "slot"]
    assert found.drop(columns=places).equals(whole.drop(columns=places))


def test_a_cohort_whose_training_fails_costs_itself(tmp_path, monkeypatch):
    from kdprobe.sweep import run as run_module
    from kdprobe.sweep import training

    together = training.train_together

    def sabotaged(groups, problems, engine):
        if any(job.seed == 1 for job in groups[0]):
            raise RuntimeError("poison")
        return together(groups, problems, engine)

    monkeypatch.setattr(training, "train_together", sabotaged)
    plan = replace(ALL, tasks=("letters",), schemes=("mutual_learning",), seeds=3)
    with run_module.run(plan, tmp_path) as found:
        failed = found.models().query("status == 'failed'")
        assert sorted(zip(failed["role"], failed["seed"], strict=True)) == [("peer", 1), ("student", 1)]
        assert set(failed["reason"]) == {"RuntimeError: poison"}
        assert found.measurements().query("probe == 'gain'")["seed"].tolist() == [0, 2]
    monkeypatch.undo()
    with kdprobe.sweep(plan, tmp_path) as found:
        assert (found.models()["status"] == "done").all()
        assert len(found.measurements().query("probe == 'gain'")) == 3


# ---- what the plan refuses


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"schemes": ("multi_teacher",), "distillers": ("hint",)},
            r"distiller 'hint' is undefined on task 'letters' with family 'mlp': it reads hidden layers, and in scheme "
            r"'multi_teacher' several teachers have none in common: leave it out",
        ),
        (
            {"schemes": ("mutual_learning",), "distillers": ("hint",)},
            r"it reads hidden layers, and in scheme 'mutual_learning' networks that still learn show each other their outputs only",
        ),
        (
            {"schemes": ("mutual_learning",), "distillers": ("shuffled",)},
            r"it changes a teacher's outputs once before training, and in scheme 'mutual_learning' they change at every step",
        ),
        (
            {"schemes": ("sibling_teacher",), "distillers": ("dkd",)},
            r"it needs labels, and scheme 'sibling_teacher' has none for its student",
        ),
        (
            {"schemes": ("labelled_and_transfer_rows",), "distillers": ("dkd",)},
            r"it needs labels, and scheme 'labelled_and_transfer_rows' has none for its student on the rows it is taught on",
        ),
    ],
)
def test_what_a_scheme_cannot_do_is_refused_before_anything_trains(tmp_path, changes, text):
    with pytest.raises(PlanError, match=text):
        kdprobe.sweep(replace(ALL, tasks=("letters",), **changes), tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()


def test_networks_that_learn_together_do_not_stop_early():
    with pytest.raises(PlanError, match=r"patience=3: in scheme 'mutual_learning' networks learn together, and one that stops would teach"):
        GapPlan(schemes=("mutual_learning",), patience=3)


def test_what_is_fitted_in_closed_form_counts_no_steps():
    with pytest.raises(
        PlanError, match=r"scheme 'weak_teacher': it counts steps, and .* is fitted in closed form and takes none: leave it out"
    ):
        GapPlan(family="random_features", schemes=("weak_teacher",))
    assert GapPlan(family="random_features", schemes=("sibling_teacher", "multi_teacher")).cells()


def test_units_keep_cohorts_together():
    plan = replace(ALL, tasks=("letters",), schemes=("mutual_learning", "same_rows"), seeds=3)
    found = train_units(plan.grid(DATA).jobs)
    (unit,) = [unit for unit in found if unit.stages == 2]
    assert [[job.role for job in group] for group in unit.groups] == [["student"] * 3, ["peer"] * 3]
    assert [[job.seed for job in group] for group in unit.groups] == [[0, 1, 2]] * 2
    assert [[job.seed for job in half.groups[1]] for half in unit.halves()] == [[0], [1, 2]]
    # one that is missing brings the other along
    peer = unit.groups[1][2]
    (again,) = train_units([peer], plan.grid(DATA).jobs)
    assert sorted(job.role for job in again.jobs) == ["peer", "student"]


def test_an_estimate_counts_every_stage():
    assert estimate(replace(ALL, tasks=("letters",)), jobs=0)["models"] == len(replace(ALL, tasks=("letters",)).grid(DATA).jobs)


# ---- controls do what they are for


@pytest.fixture(scope="module")
def controls(tmp_path_factory):
    """Ten seeds on real data, trained to the end."""
    schemes = ("transfer_rows", "sibling_teacher", "random_teacher", "other_task_teacher", "weak_teacher", "mutual_learning")
    plan = GapPlan(tasks=("bikeshare",), schemes=schemes, teacher_widths=(64,), student_widths=(16,), seeds=10, beside={})
    with kdprobe.sweep(plan, tmp_path_factory.mktemp("controls") / "zoo") as zoo:
        yield zoo


def interval(values):
    found = over_seeds(np.asarray(values, dtype=float))
    return found.low, found.high


def gain(zoo, scheme):
    return interval(zoo.measurements().query(f"scheme == '{scheme}' and probe == 'gain'")["value"])


def specific(zoo, scheme):
    """Likeness to the model that the student is read against, over its siblings."""
    found = zoo.measurements().query(f"scheme == '{scheme}' and probe == 'r2'").pivot(index="seed", columns="comparison", values="value")
    return interval(found["own"] - found["siblings"])


@pytest.mark.slow
def test_teachers_that_know_nothing_of_the_task_give_no_gain(controls):
    for scheme in ("random_teacher", "other_task_teacher", "weak_teacher"):
        assert gain(controls, scheme)[1] < 0


@pytest.mark.slow
def test_a_student_of_a_sibling_gains_as_much_and_has_nothing_of_the_teacher(controls):
    assert gain(controls, "transfer_rows")[0] > 0
    assert gain(controls, "sibling_teacher")[0] > 0
    assert specific(controls, "transfer_rows")[0] > 0
    for scheme in ("sibling_teacher", "mutual_learning"):
        low, high = specific(controls, scheme)
        assert low < 0 < high

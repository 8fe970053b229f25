"""Tables of runs that were trained elsewhere: columns recognised, gains formed, runs paired or named."""

import numpy as np
import pandas as pd
import pytest

from kdprobe import DataError, PlanError, capacity_gap, own_runs, runs_gap
from kdprobe.verdicts.run_columns import numbers, recognised

SIZES = (1000.0, 2000.0, 4000.0)


def table(*, students=(500,), seeds=10, gains=(0.1, 0.3, 0.1), shared=False, noise=0.02, seed=0):
    """Raw losses of students, twins and teachers."""
    rng, teachers, rows = np.random.default_rng(seed), {}, []
    for student in students:
        for s in range(seeds):
            twin = rng.normal(1, 0.02)
            for size, gain in zip(SIZES, gains, strict=True):
                own = 1000 / size + rng.normal(0, 0.01)
                own = teachers.setdefault((size, s), own) if shared else own
                rows.append((student, size, s, twin - gain + rng.normal(0, noise), twin, own))
    return pd.DataFrame(rows, columns=["student_size", "teacher_size", "seed", "student_loss", "twin_loss", "teacher_loss"])


def test_gains_are_formed_from_losses():
    frame = table()
    found = own_runs(frame)
    assert np.allclose(found["gain"], frame.twin_loss - frame.student_loss)
    assert np.array_equal(found["teacher_loss"], frame.teacher_loss)
    assert np.allclose(found["twin_score"], -frame.twin_loss)
    assert capacity_gap(found).best_sizes == (2000.0,)
    assert str(runs_gap(frame).verdict) == str(
        capacity_gap(frame.assign(gain=frame.twin_loss - frame.student_loss, twin_score=frame.twin_loss))
    )


@pytest.mark.parametrize("said", ["flag", "name"])
def test_of_scores_the_student_should_have_more(said):
    frame = table()
    losses = ["student_loss", "twin_loss", "teacher_loss"]
    scores = frame.assign(**{name: 3 - frame[name] for name in losses})
    if said == "name":
        scores.columns = [name.replace("_loss", "_accuracy") for name in scores.columns]
    found = own_runs(scores, higher_is_better=True if said == "flag" else None)
    assert np.allclose(found["gain"], own_runs(frame)["gain"])
    assert found.higher
    assert "a gain is the student minus the twin" in found.said[1]
    assert str(runs_gap(found).verdict) == str(runs_gap(frame).verdict)
    turned = own_runs(scores, higher_is_better=False)
    assert np.allclose(turned["gain"], -found["gain"])


def test_gains_that_are_there_are_taken_and_the_teacher_is_a_loss_unless_it_is_a_score():
    frame = table().assign(gain=0.5).drop(columns=["student_loss", "twin_loss"])
    assert own_runs(frame)["gain"].tolist() == [0.5] * 30
    assert np.array_equal(own_runs(frame)["teacher_loss"], frame.teacher_loss)
    assert np.array_equal(own_runs(frame.rename(columns={"teacher_loss": "teacher_acc"}))["teacher_loss"], -frame.teacher_loss)


def test_twins_and_teachers_may_have_rows_of_their_own():
    frame = table()
    taught = frame[["student_size", "teacher_size", "seed"]].assign(loss=frame.student_loss)
    twins = frame.drop_duplicates("seed")[["student_size", "seed"]].assign(loss=frame.twin_loss)
    teachers = frame[["teacher_size", "seed"]].assign(loss=frame.teacher_loss)
    found = own_runs(pd.concat([taught, twins, teachers]))
    assert np.allclose(found["gain"], own_runs(frame)["gain"])
    assert np.allclose(found["teacher_loss"], frame.teacher_loss)
    # a pretrained teacher has no seed: one for all
    once = pd.DataFrame({"teacher_size": SIZES, "loss": [3.0, 2.0, 1.0]})
    found = own_runs(pd.concat([taught, twins, once]))
    assert found["teacher_loss"].tolist() == [3.0, 2.0, 1.0] * 10
    assert any("one teacher for all seeds" in note for note in found.said)


def test_rows_without_partner_are_named():
    frame = table(seeds=9)
    taught = frame[["student_size", "teacher_size", "seed", "teacher_loss"]].assign(loss=frame.student_loss)
    twins = frame.drop_duplicates("seed")[["student_size", "seed"]].assign(loss=frame.twin_loss)
    twins.loc[twins.seed == 4, "seed"] = 77
    found = own_runs(pd.concat([taught, twins]))
    assert len(found["gain"]) == 24
    assert found.left_out[0] == (
        "Rows 14 (student 500, teacher 1000, seed 4), 15 (student 500, teacher 2000, seed 4), 16 (student 500, teacher 4000, seed 4) have "
        "no partner: there is no untaught twin of that size and seed."
    )
    assert found.left_out[1] == "Row 33 (student 500, seed 77) has no partner: no taught student has that untaught twin."


def test_failed_runs_and_unequal_numbers_are_said():
    frame = table()
    frame.loc[4, "student_loss"] = np.nan
    found = runs_gap(frame)
    assert found.runs.left_out == ("Row 6 (student 500, teacher 2000, seed 1) lacks a value (a failed run?).",)
    assert "unequal numbers of runs (10 under 1000, 9 under 2000 and 10 under 4000)" in found.runs.said[2]
    assert found.verdict.details["seeds"] == 9
    assert "Missing: size 2000 in 1 of 10 seeds; sizes are compared by the seeds that have both." in str(found)


def test_sizes_may_be_written_as_people_write_them():
    lines = np.arange(4)
    assert numbers(["1.2M", "300k", "7B", "1,000"], "s", lines, size=True).tolist() == [1.2e6, 3e5, 7e9, 1e3]
    assert numbers(["1,234.5k", "12,345,678", "1_000", "5"], "s", lines, size=True).tolist() == [1234500.0, 12345678.0, 1e3, 5.0]
    assert np.isnan(numbers(["none", None, "", "-"], "s", lines)).all()


@pytest.mark.parametrize("text", ["0,52", "1,25", "1,234", "12,5"])
def test_a_comma_before_decimals_is_no_thousand(text):
    with pytest.raises(DataError, match=r"column 'student_loss' holds .* in row 2: where commas stand before decimals, give --decimal ,"):
        own_runs(table().assign(student_loss=text))
    if text != "1,234":
        with pytest.raises(DataError, match="column 'teacher_size' holds"):
            own_runs(table().assign(teacher_size=text))


def test_columns_may_have_numbers_for_names_and_roles_are_checked():
    assert np.array_equal(own_runs(table().rename(columns={"seed": 2}), seed="2")["gain"], own_runs(table())["gain"])
    with pytest.raises(PlanError, match="students_loss='student_loss': there is no such role of a column: did you mean 'student_loss'"):
        own_runs(table(), students_loss="student_loss")
    with pytest.raises(DataError, match="--twin-loss 'student_loss': --student-loss names this column too"):
        own_runs(table(), student_loss="student_loss", twin_loss="student_loss")
    with pytest.raises(PlanError, match="higher_is_better='no': give True, False, or None"):
        runs_gap(table(), higher_is_better="no")


def test_usual_names_are_recognised():
    found = recognised(["Student Params", "teacherWidth", "rep", "val_acc_student", "student_alone_acc", "teacher test acc", "fold"], {})
    assert found == {
        "student_size": "Student Params", "teacher_size": "teacherWidth", "seed": "rep", "draw": "fold",
        "student_loss": "val_acc_student", "twin_loss": "student_alone_acc", "teacher_loss": "teacher test acc",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "arguments", "text"),
    [
        (lambda f: f.rename(columns={"teacher_size": "big"}), {}, "no column is recognised as the teacher size: name it"),
        (lambda f: f.drop(columns="twin_loss"), {}, "no row is of the untaught twin (a row without teacher size)"),
        (lambda f: f.drop(columns="teacher_loss").assign(gain=1.0), {}, "the teacher's own loss, without which no capacity gap"),
        (lambda f: f.drop(columns=["student_loss", "twin_loss"]), {}, "the loss of the student and of its untaught twin (or their gain)"),
        (lambda f: f, {"seed": "sed"}, "--seed 'sed': the table has no such column: did you mean 'seed'?"),
        (lambda f: f, {"by": ["alpah"]}, "by holds 'alpah', and the table has no such column"),
        (lambda f: f.assign(student_val_loss=1.0).rename(columns={"student_loss": "student_test_loss"}), {}, "could each be the student"),
        (lambda f: pd.concat([f, f.head(1)]), {}, "rows 2 and 32 are the same run (student 500, teacher 1000, seed 0): leave one out"),
        (lambda f: f.assign(seed=np.arange(30)), {}, "no seed is there under two teacher sizes, so no two runs are partners"),
        (lambda f: f.assign(student_loss="good"), {}, "column 'student_loss' holds 'good' in row 2: give numbers"),
        (lambda f: f.head(0), {}, "the table has no rows"),
        (lambda f: f.assign(student_loss=np.nan), {}, "no row has all that is needed"),
        (lambda f: f.assign(model_id="a", role="student", family="mlp"), {}, "this is a zoo's own table of runs"),
        (lambda f: 7, {}, "table is a int: give a DataFrame"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_read_are_refused(change, arguments, text):
    with pytest.raises(DataError) as error:
        own_runs(change(table()), **arguments)
    assert text in str(error.value)


def test_tasks_and_metrics_are_read_apart_unasked():
    frame = pd.concat([table().assign(task="a"), table(gains=(0.3, 0.3, 0.3)).assign(task="b")])
    found = runs_gap(frame)
    assert list(found.settings) == [("a",), ("b",)]
    assert [found.settings[key].verdict for key in found.settings] == ["SUPPORTED", "INCONCLUSIVE"]
    assert found.lines()[0].startswith("task a, student 500: Teaching helps: the largest gain over the twin is 0.2")
    assert " SUPPORTED: capacity gap." in found.lines()[0]


def test_few_seeds_say_the_direction_and_what_they_cannot():
    found = runs_gap(table(seeds=5))
    assert "A smaller teacher (2000) served better than the largest (4000) in 5 of 5 seeds; p = 0.031 by sign flips" in str(found)
    assert "5 cannot give less than 0.031. For a verdict give 8 seeds or more." in str(found)
    assert not found.pools


def test_students_are_read_together_where_none_has_seeds_enough():
    apart = runs_gap(table(students=(500, 700, 900), seeds=5)).pools[()]
    assert (apart.units, apart.shared, apart.verdict.verdict, apart.verdict.best_sizes) == (15, False, "SUPPORTED", (2000.0,))
    # teachers that are shared make no more units of five seeds
    together = runs_gap(table(students=(500, 700, 900), seeds=5, shared=True)).pools[()]
    assert (together.units, together.shared, together.verdict.verdict) == (5, True, "INCONCLUSIVE")
    assert together.verdict.details["deficit"].value == pytest.approx(0.2, abs=0.03)
    assert not runs_gap(table(students=(500, 700), seeds=8)).pools
    # the mean over students, against NumPy
    frame = table(students=(500, 700, 900), seeds=5, shared=True)
    means = (frame.twin_loss - frame.student_loss).to_numpy().reshape(3, 5, 3).mean(axis=(0, 1))
    assert together.verdict.details["deficit"].value == pytest.approx(means[1] - means[2])

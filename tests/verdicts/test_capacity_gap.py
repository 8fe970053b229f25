"""The public table reading: what it takes, what it says, what it refuses."""

import re

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe import DataError, GapVerdict, capacity_gap
from kdprobe.verdicts.capacity_gap import seed_spread

HUMP = {100: -0.05, 200: 0.13, 400: 0.09, 800: 0.07, 1600: 0.02, 3200: -0.02}


def table(effects=HUMP, *, seeds=10, draws=1, students=(100,), noise=0.02, rng=0, loss_slope=-0.1):
    rng = np.random.default_rng(rng)
    rows = []
    for student in students:
        for draw in range(draws):
            for seed in range(seeds):
                common = 0.03 * rng.normal()
                for size, effect in effects.items():
                    gain = effect + common + noise * rng.normal()
                    loss = 1 + loss_slope * np.log2(size) + 0.01 * rng.normal()
                    rows.append(
                        {"student_size": student, "teacher_size": size, "seed": seed, "draw": draw, "gain": gain, "teacher_loss": loss}
                        | {"twin_score": 2 + 0.05 * ((seed * 7919 + draw) % 5)}
                    )
    return pd.DataFrame(rows)


def test_a_gap_is_found_with_its_sizes_and_ratio():
    found = capacity_gap(table(), unit="nats")
    assert isinstance(found, GapVerdict)
    assert found.verdict == "SUPPORTED"
    assert found.best_sizes[0] == 200
    assert found.ratio.low <= 2 <= found.ratio.high
    assert found.conditions == {"a": True, "b": True, "c": True, "d": True}
    assert found.details["deficit"].unit == "nats"
    assert found.details["seeds"] == 10
    assert str(found).startswith("SUPPORTED: capacity gap. Best teacher sizes: 200")
    assert "<td>100</td>" in found._repr_html_()


def test_frames_mappings_and_shuffled_rows_are_read_alike():
    frame = table()
    shuffled = frame.sample(frac=1, random_state=0)
    mapping = {name: frame[name].tolist() for name in frame}
    for other in (shuffled, mapping, frame.assign(seed=frame["seed"] * 3 + 1)):
        found = capacity_gap(other)
        assert found.best_sizes == capacity_gap(frame).best_sizes
        assert found.details["deficit"].value == pytest.approx(capacity_gap(frame).details["deficit"].value, rel=1e-12)


def test_students_share_one_family_and_the_smallest_is_on_top():
    both = pd.concat([table(students=(100,)), table(dict.fromkeys(HUMP, 0.0), students=(400,), rng=1)])
    found = capacity_gap(both)
    assert list(found.by_student) == [100, 400]
    assert found.verdict == found.by_student[100].verdict == "SUPPORTED"
    assert found.by_student[400].verdict in ("INCONCLUSIVE", "CONTRADICTED")
    assert found.details["p"] == pytest.approx(2 * capacity_gap(table()).details["p"])


def test_the_margin_is_a_fifth_of_the_twins_spread():
    frame = table()
    scores = frame.groupby("seed")["twin_score"].first()
    assert capacity_gap(frame).details["margin"] == pytest.approx(0.2 * scores.std(ddof=1))
    alone = capacity_gap(frame.drop(columns="twin_score"))
    pooled = np.sqrt(frame.groupby("teacher_size")["gain"].var(ddof=1).mean())
    assert alone.details["margin"] == pytest.approx(0.2 * pooled)
    assert capacity_gap(frame, margin=0.5).details["margin"] == 0.5


def test_the_spread_of_seeds_is_within_draws():
    scores = np.array([[1.0, 1.0], [2.0, 2.0], [11.0, np.nan], [12.0, 12.0]])
    assert seed_spread(scores, np.array([0, 0, 1, 1])) == pytest.approx(np.sqrt(0.5))
    assert seed_spread(np.full((3, 2), np.nan), np.zeros(3)) == 0.0


def test_a_falling_gap_with_worse_large_teachers_is_not_applicable():
    found = capacity_gap(table(loss_slope=0.1))
    assert (found.verdict, found.details["qualifier"]) == ("NOT APPLICABLE", "teacher degraded")
    assert found.ratio.reason == "teacher degraded: what the largest teacher costs may be its own fault, and is no capacity gap"


def test_few_seeds_give_a_direction_only():
    found = capacity_gap(table(seeds=5))
    assert (found.verdict, found.details["qualifier"]) == ("INCONCLUSIVE", "direction only: below 8 seeds")
    assert found.ratio.reason == "direction only: below 8 seeds: no capacity gap can be shown yet"
    assert str(found).startswith("INCONCLUSIVE (direction only: below 8 seeds): capacity gap.")


def test_what_is_printed_of_few_seeds_names_no_best_size():
    few = capacity_gap(table(seeds=5))
    assert few.details["direction_only"]
    assert " Teacher sizes not ruled out: " in str(few)
    assert "Best teacher sizes" not in str(few)
    flat = capacity_gap(table(dict.fromkeys(HUMP, 0.0)))
    assert len(flat.best_sizes) == len(flat.details["sizes"]) == 6
    assert " All teacher sizes may be best." in str(flat)
    assert " Which teacher size is best is not known." in str(capacity_gap(table(seeds=1)))


def test_draws_are_units():
    assert capacity_gap(table(seeds=5, draws=3)).details["qualifier"] == "direction only: below 5 draws"
    found = capacity_gap(table(seeds=2, draws=8))
    assert (found.verdict, found.details["seeds"], found.details["deficit"].n) == ("SUPPORTED", 16, 8)


def test_missing_runs_cost_their_seed_only():
    frame = table(seeds=12)
    cut = frame.drop(frame.index[(frame["seed"] == 3) & (frame["teacher_size"] == 400)])
    found = capacity_gap(cut)
    assert found.details["seeds"] == 11
    assert found.details["deficit"].value == pytest.approx(capacity_gap(frame[frame["seed"] != 3]).details["deficit"].value)
    without_a_size = frame.drop(frame.index[(frame["teacher_size"] == 400) & (frame["seed"] > 2)])
    assert capacity_gap(without_a_size).details["seeds"] == 12
    assert str(found).endswith(" 11 of 12 seeds; 1 lacks a size.")
    assert found.details["left_out"] == {"seeds": 1, "sizes": ()}
    assert str(capacity_gap(without_a_size)).endswith(" Left out: size 400, which most seeds lack.")
    two = cut.drop(cut.index[(cut["seed"] == 5) & (cut["teacher_size"] == 800)])
    assert str(capacity_gap(two)).endswith(" 10 of 12 seeds; 2 lack a size.")
    assert "lack" not in str(capacity_gap(frame))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda f: f.drop(columns="gain"), "table has no column 'gain': it needs student_size, teacher_size, seed, gain, teacher_loss"),
        (lambda f: f.assign(gain=np.where(f.index == 3, np.nan, f["gain"])), "column 'gain' holds NaN, an infinity"),
        (lambda f: f.assign(seed="one"), "column 'seed' is not numeric: give numbers"),
        (lambda f: f.assign(teacher_size=-1.0), "column 'teacher_size' holds -1: sizes are above 0"),
        (lambda f: pd.concat([f, f.iloc[:1]]), "is there twice: give one metric, one task and one regime a call"),
        (lambda f: f.iloc[:0], "give one row a run, at least one"),
        (lambda f: None, "table is a NoneType: give a DataFrame or a mapping of columns; it needs student_size, teacher_size, seed"),
        (lambda f: "x", "table is a str: give a DataFrame"),
        (
            lambda f: f.assign(gain=f["gain"] * 1e200),
            r"column 'gain' holds \S+e\+199: give it in a unit in which it lies between 1e-100 and",
        ),
        (lambda f: f.assign(teacher_loss=1e-150), "column 'teacher_loss' holds 1e-150: give it in a unit"),
        (lambda f: f.assign(student_size=1e-300), "column 'student_size' holds 1e-300: give it in a unit"),
        (lambda f: {"gain": [1.0], **{name: f[name] for name in f if name != "gain"}}, "the columns have"),
    ],
)
def test_errors_say_what_to_do(change, text):
    with pytest.raises(DataError, match=text):
        capacity_gap(change(table()))


@pytest.mark.parametrize("margin", [-1, float("inf"), float("nan"), "x", True, [0.1]])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(
        DataError, match=re.escape(f"margin={margin!r}: give 0 or more, or None for a fifth of the seeds' standard deviation")
    ):
        capacity_gap(table(), margin=margin)


def test_a_huge_margin_leaves_supported_and_settles_the_rest():
    assert capacity_gap(table(), margin=1e9).verdict == "SUPPORTED"
    flat = table(dict.fromkeys(HUMP, 0.0))
    assert capacity_gap(flat, margin=1e9).verdict == "CONTRADICTED"
    assert capacity_gap(flat, margin=0).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("by", "text"),
    [
        (None, r"by=None: give a list of columns, such as \['alpha'\]"),
        (5, r"by=5: give a list of columns"),
        ([5], "by holds 5, and the table has no such column"),
        ([["alpha"]], r"by holds \['alpha'\], and the table has no such column"),
        (["seed"], "by holds 'seed', which is no setting: leave it out"),
        (["tables"], "column 'tables' holds what is no single value: give numbers or words as settings"),
        (["short"], r"column 'short' has shape \(1,\), the others 60 rows: give one value a row"),
    ],
)
def test_odd_settings_are_refused(by, text):
    frame = table()
    columns = {name: frame[name].tolist() for name in frame} | {"tables": [{}] * 60, "short": [1]}
    with pytest.raises(DataError, match=text):
        capacity_gap(columns, by=by)


def test_a_missing_setting_of_pandas_is_none():
    assert list(capacity_gap(table().assign(rows=pd.array([pd.NA] * 60, dtype="Int64")), by=["rows"]).by_setting) == [(None,)]


@pytest.mark.parametrize("gain", [0.0, 0.1, -3.0])
@pytest.mark.parametrize("seeds", [1, 3, 8, 20])
def test_gains_without_any_spread_are_read_without_a_warning(gain, seeds):
    found = capacity_gap(table(seeds=seeds).assign(gain=gain), margin=0.01)
    assert found.verdict == ("CONTRADICTED" if seeds >= 8 else "INCONCLUSIVE")
    if seeds > 1:
        assert len(found.best_sizes) == 6
        assert (found.details["deficit"].low, found.details["deficit"].high) == (0.0, 0.0)


@pytest.mark.parametrize("shift", [0.0, 0.1, 1e3])
def test_sizes_that_differ_without_any_spread_have_one_best(shift):
    frame = table()
    found = capacity_gap(frame.assign(gain=frame["teacher_size"].map(HUMP) + shift))
    assert (found.verdict, found.best_sizes) == ("SUPPORTED", (200,))


def test_the_law_is_read_as_what_it_is():
    """Gains of the nested least-squares world: with few rows of the student a gap, with endless ones none."""
    beta, sizes = np.arange(1, 61) ** -0.75, (4, 8, 14, 26, 40)
    words = {}
    for m in (12, np.inf):
        drawn = kdprobe.theory.simulate_nested_ols(beta, 0.25, n=80, p=4, q=sizes, m=m, seeds=100, rng=np.random.default_rng(0))
        frame = pd.DataFrame(
            {"student_size": 4, "teacher_size": size, "seed": seed, "gain": drawn.twin[seed] - drawn.student[seed, k]}
            | {"teacher_loss": drawn.teacher[seed, k], "twin_score": drawn.twin[seed]}
            for k, size in enumerate(sizes[:4])
            for seed in range(100)
        )
        words[m] = capacity_gap(frame)
    assert words[12].verdict == "SUPPORTED"
    assert max(words[12].best_sizes) < 26
    assert words[np.inf].verdict != "SUPPORTED"
    assert 26 in words[np.inf].best_sizes


def test_every_setting_is_a_condition_of_its_own_and_all_share_one_family():
    gap, flat = table().assign(alpha=0.3, rows=np.nan), table(dict.fromkeys(HUMP, 0.0), rng=1).assign(alpha=0.7, rows=100.0)
    found = capacity_gap(pd.concat([gap, flat]), by=["alpha", "rows"])
    assert list(found.by_setting) == [(0.3, None), (0.7, 100.0)]
    assert found.verdict == found.by_setting[0.3, None].verdict == "SUPPORTED"
    assert found.by_setting[0.7, 100.0].verdict in ("INCONCLUSIVE", "CONTRADICTED")
    assert found.details["p"] == pytest.approx(2 * capacity_gap(table()).details["p"])
    assert str(found).splitlines()[0].startswith("0.3, None: SUPPORTED: capacity gap.")
    assert "<td>0.7, 100.0</td>" in found._repr_html_()
    assert capacity_gap(table()).by_setting == {}
    with pytest.raises(DataError, match=r"is there twice: .* and name the columns of its settings in by"):
        capacity_gap(pd.concat([gap, flat]))
    with pytest.raises(DataError, match="by holds 'beta', and the table has no such column"):
        capacity_gap(gap, by=["beta"])
    with pytest.raises(DataError, match=r"by='alpha': give a list of columns, such as \['alpha'\]"):
        capacity_gap(gap, by="alpha")

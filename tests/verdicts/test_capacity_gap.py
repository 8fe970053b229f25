"""The public table reading: what it takes, what it says, what it refuses."""

import re

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe import DataError, GapVerdict, capacity_gap
from kdprobe.verdicts.capacity_gap import seed_spread
from kdprobe.verdicts.gap import decide, read_gap

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


def without(frame, seeds, size):
    return frame.drop(frame.index[frame["seed"].isin(seeds) & (frame["teacher_size"] == size)])


def test_missing_runs_cost_their_own_contrasts_only():
    frame = table(seeds=12)
    whole, cut = capacity_gap(frame), capacity_gap(without(frame, [3], 400))
    # the deficit is of size 200 against the largest, which no seed lacks
    assert cut.details["deficit"].value == pytest.approx(whole.details["deficit"].value)
    assert (cut.details["seeds"], cut.details["all_seeds"], cut.details["lacking"]) == (12, 12, {400: 1})
    assert str(cut).endswith(" Missing: size 400 in 1 of 12 seeds; sizes are compared by the seeds that have both.")
    rival = capacity_gap(without(frame, [3], 200))
    assert rival.details["seeds"] == 11
    assert rival.details["deficit"].value == pytest.approx(capacity_gap(frame[frame["seed"] != 3]).details["deficit"].value)
    assert "Missing" not in str(whole)


def test_seeds_that_each_lack_another_size_are_used():
    frame = table(seeds=12)
    sizes = sorted(HUMP)
    for seed in range(12):
        frame = without(frame, [seed], sizes[seed % 6])
    found = capacity_gap(frame)
    assert (found.verdict, found.details["seeds"]) == ("SUPPORTED", 8)
    assert found.best_sizes[0] == 200
    assert found.details["lacking"] == dict.fromkeys(sizes, 2)


def test_the_largest_teacher_is_never_dropped():
    frame = table(seeds=12)
    few = capacity_gap(without(frame, range(7), 3200))
    assert (few.verdict, few.details["qualifier"], few.details["seeds"]) == ("INCONCLUSIVE", "direction only: below 8 seeds", 5)
    one = capacity_gap(without(frame, range(11), 3200))
    assert (one.verdict, one.details["qualifier"]) == ("NOT APPLICABLE", "the largest teacher has too few runs")
    assert "Missing: size 3200 in 11 of 12 seeds" in str(one)
    assert one.conditions == {}
    # a smaller one with a single run is named, and the rest is read
    small = capacity_gap(without(frame, range(11), 400))
    assert (small.verdict, small.details["lacking"]) == ("SUPPORTED", {400: 11})
    assert 400 not in small.details["sizes"]


def test_copied_seeds_are_refused():
    frame = table()
    copy = frame[frame["seed"] == 3].assign(seed=77)
    with pytest.raises(DataError, match=r"seed 3 and seed 77 have the same gains under every teacher \(student 100\): one is a copy"):
        capacity_gap(pd.concat([frame, copy]))
    # other losses of the teachers make it no other seed
    with pytest.raises(DataError, match="leave it out, or train it from a seed of its own"):
        capacity_gap(pd.concat([frame, copy.assign(teacher_loss=copy["teacher_loss"] + 0.1)]))
    draws = table(draws=6, seeds=2)
    copy = draws[(draws["draw"] == 1) & (draws["seed"] == 0)].assign(draw=9)
    with pytest.raises(DataError, match="seed 0 of draw 1 and seed 0 of draw 9 have the same gains"):
        capacity_gap(pd.concat([draws, copy]))
    other = table(rng=1).assign(alpha=0.7)
    settings = pd.concat([frame.assign(alpha=0.3), other, other[other["seed"] == 2].assign(seed=50)])
    with pytest.raises(DataError, match=r"\(student 100, setting 0.7\)"):
        capacity_gap(settings, by=["alpha"])
    # the same table under two settings is the user's business; accuracies of a hundred rows coincide by chance
    coarse = table(noise=0.05).round({"gain": 1})
    assert coarse.pivot(index="seed", columns="teacher_size", values="gain").duplicated().any()
    assert capacity_gap(coarse).details["seeds"] == 10


def test_a_deficit_below_the_margin_says_that_it_is_too_small():
    tiny = table({size: 0.0002 * (size == 200) for size in HUMP}, noise=0.00002)
    found = capacity_gap(tiny, margin=0.196)
    assert (found.verdict, found.details["qualifier"]) == ("SUPPORTED", "too small to matter")
    assert str(found).startswith("SUPPORTED (too small to matter): capacity gap.")


def test_the_default_margin_of_several_draws_is_within_draws():
    """Draws differ by far more than the seeds of one, and what is negligible is read from these."""
    frame = table(seeds=3, draws=6)
    frame["twin_score"] += 5.0 * frame["draw"]
    scores = frame.groupby(["draw", "seed"])["twin_score"].first().unstack()
    within = np.sqrt(scores.var(axis=1, ddof=1).mean())
    assert capacity_gap(frame).details["margin"] == pytest.approx(0.2 * within)
    gains = frame.drop(columns="twin_score").assign(gain=frame["gain"] + 5.0 * frame["draw"])
    pooled = np.sqrt(gains.groupby(["draw", "teacher_size"])["gain"].var(ddof=1).mean())
    assert capacity_gap(gains).details["margin"] == pytest.approx(0.2 * pooled)


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
    """Such seeds are copies to the table's reader; what is below it takes them as they are."""
    frame = table()
    frame["gain"] = frame["teacher_size"].map(HUMP) + shift
    with pytest.raises(DataError, match="seed 0 and seed 1 have the same gains under every teacher"):
        capacity_gap(frame)
    gain, loss = (frame.pivot(index="seed", columns="teacher_size", values=name).to_numpy() for name in ("gain", "teacher_loss"))
    (found,) = decide([read_gap(gain, loss, margin=0.01)])
    assert (found.verdict, found.best_set) == ("SUPPORTED", (1,))


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

"""How a zoo is cut into paired runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kdprobe.report.evidence.frames import CELL, Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.groups import Group
from kdprobe.report.evidence.scrub import scrub
from kdprobe.stats.intervals import over_seeds
from kdprobe.testing.worlds.zoo import FLAT, HUMP, RISING, TrueArm, ZooWorld

LETTERS = ZooWorld(seeds=4, tasks=(("letters", "classification"),), student_widths=(8,), arms=(TrueArm(),))


@pytest.fixture(scope="module")
def letters():
    return Evidence(LETTERS.zoo())


def test_frames_are_read_once(world):
    calls = []

    class Counting:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(world, name)

    evidence = Evidence(Counting())
    for _ in range(2):
        for name in ("models", "scores", "measurements", "history", "runs", "provenance"):
            getattr(evidence, name)()
    assert sorted(calls) == ["history", "measurements", "models", "provenance", "runs", "scores"]


def test_grids_pair_seeds_with_sizes(letters):
    (group,) = letters.groups
    gain = group.grid(letters.value("gain", "panel"))
    assert gain.shape == (4, 6)
    measured = letters.measurements()
    for row in measured[(measured["probe"] == "gain")].itertuples():
        assert gain[row.seed, sorted(HUMP).index(row.teacher_width)] == row.value
    assert group.sizes.tolist() == sorted(group.sizes)
    losses = group.grid(letters.score("nll"), of="teacher_id")
    scores = letters.scores()
    teachers = scores[(scores["role"] == "teacher") & (scores["metric"] == "nll") & (scores["rows"] == "B")]
    for row in teachers.itertuples():
        assert losses[row.seed, sorted(HUMP).index(row.width)] == row.value


def test_gains_are_the_loss_of_the_twin_minus_that_of_the_student(letters):
    (group,) = letters.groups
    loss = letters.score("nll")
    np.testing.assert_allclose(group.grid(loss, of="twin_id") - group.grid(loss), group.grid(letters.value("gain", "panel")))


def frame(draws=1, seeds=4):
    rows = [
        {
            "task": "t",
            "kind": "regression",
            "arm": "a",
            "student": "s",
            "size": 1,
            "teacher": name,
            "teacher_size": size,
            "draw": draw,
            "seed": seed,
        }
        for draw in range(draws)
        for name, size in (("x", 10), ("y", 20), ("z", 30))
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_a_seed_that_lacks_a_size_is_left_out_whole():
    grid = np.arange(12.0).reshape(4, 3)
    grid[1, 2] = np.nan
    curve = Group(frame()).curve({"gain": grid, "other": np.ones((4, 3))})
    assert curve.values["gain"].tolist() == [[0, 1, 2], [6, 7, 8], [9, 10, 11]]
    assert (curve.seeds, curve.left_out, curve.missing, curve.clustered) == (3, 1, (), False)


def test_a_size_that_most_seeds_lack_is_left_out_instead():
    grid = np.arange(12.0).reshape(4, 3)
    grid[:3, 1] = np.nan
    curve = Group(frame()).curve({"gain": grid})
    assert (curve.teachers, curve.seeds, curve.left_out, curve.missing) == (("x", "z"), 4, 0, ("y",))
    nothing = Group(frame()).curve({"gain": np.full((4, 3), np.nan)})
    assert (nothing.seeds, nothing.left_out, nothing.values["gain"].shape) == (0, 4, (0, 0))


def test_runs_that_are_missing_stay_in_what_is_shared():
    grid = np.arange(12.0).reshape(4, 3)
    grid[1, 2], grid[:3, 1] = np.nan, np.nan
    curve = Group(frame()).shared({"gain": grid, "other": np.ones((4, 3))})
    assert (curve.teachers, curve.seeds, curve.missing, curve.largest) == (("x", "z"), 3, ("y",), True)
    assert curve.lacking == {"y": 3, "z": 1}
    grid[:3, 2] = np.nan
    assert not Group(frame()).shared({"gain": grid}).largest


def test_draws_are_the_units_where_there_are_several():
    grid = np.arange(24.0).reshape(8, 3)
    curve = Group(frame(draws=2)).curve({"gain": grid})
    assert curve.values["gain"].tolist() == [grid[:4].mean(axis=0).tolist(), grid[4:].mean(axis=0).tolist()]
    assert (curve.seeds, curve.clustered) == (8, True)


@pytest.mark.parametrize("draws", [1, 3])
def test_intervals_of_cells_are_those_over_seeds(draws):
    evidence = Evidence(replace(LETTERS, draws=draws, failed=(("same_rows", 8, 8, 0),)).zoo())
    gain = evidence.value("gain", "panel")
    found = evidence.over_seeds(gain.to_frame("gain"))
    assert len(found) == 6
    for key, cell in evidence.students.groupby(CELL):
        values = gain.reindex(cell["model_id"]).to_numpy()
        known = np.isfinite(values)
        values, draw = values[known], cell["draw"].to_numpy()[known]
        row = found.loc[key, "gain"]
        if draws == 1:
            expected = over_seeds(values)
            assert tuple(row[["value", "low", "high"]]) == pytest.approx((expected.value, expected.low, expected.high))
            assert row["p_above"] == pytest.approx(stats.ttest_1samp(values, 0, alternative="greater").pvalue)
        else:
            means = [values[draw == d].mean() for d in range(draws)]
            assert tuple(row[["value", "low", "high"]]) == pytest.approx(
                (np.mean(means), *stats.t.interval(0.95, 2, np.mean(means), stats.sem(means)))
            )


def test_one_seed_has_no_interval():
    evidence = Evidence(replace(LETTERS, seeds=1).zoo())
    assert evidence.over_seeds(evidence.value("gain", "panel").to_frame("gain")).isna().all(axis=None)


def test_arms_are_named_by_what_varies():
    tables = ZooWorld(seeds=2, tasks=LETTERS.tasks, student_widths=(8,)).zoo()
    models = tables.models()
    student = models["role"] == "student"
    later = student & (models["seed"] == 1) & (models["scheme"] == "same_rows")
    models.loc[later, "alpha"] = 0.5
    models.loc[later, "loss_parameters"] = '{"temperature": 4.0}'
    tables._tables["models"] = models
    arms = ["same rows α=0.5 T=4", "same rows α=1 T=1", "transfer rows"]
    assert list(dict.fromkeys(Evidence(tables).students["arm"])) == arms


@pytest.mark.parametrize(("gain", "verdict"), [(HUMP, "SUPPORTED"), (RISING, "CONTRADICTED"), (FLAT, "INCONCLUSIVE")])
def test_verdicts_of_whole_worlds(gain, verdict):
    found = gaps(Evidence(ZooWorld(arms=(TrueArm(gain=gain, over_confidence=0.0),), noise=0.005 if gain is RISING else 0.02).zoo()))
    assert {gap.reading.verdict for gap in found} == {verdict}
    assert [gap.unit for gap in found] == ["nats"] * 3 + ["target variances"] * 3


def test_verdicts_are_of_the_loss_after_one_temperature_and_the_loss_as_it_is_stands_third():
    found = gaps(Evidence(ZooWorld(arms=(TrueArm(over_confidence=0.1),)).zoo()))
    for gap in found[:3]:
        # a share of 4/5: the hump is at the second of six sizes
        assert gap.raw.deficit.value - gap.reading.deficit.value == pytest.approx(0.08, abs=0.05)
        assert gap.helps.gain.value == pytest.approx(gap.gains[gap.helps.best].value)
    assert all(gap.raw is None for gap in found[3:])


def test_a_degraded_teacher_in_a_whole_world():
    found = gaps(Evidence(ZooWorld(arms=(TrueArm(),), best_teacher=16).zoo()))
    assert {(gap.reading.verdict, gap.reading.qualifier) for gap in found} == {("NOT APPLICABLE", "teacher degraded")}


def test_the_margin_is_a_fifth_of_the_twins_spread_within_draws():
    evidence = Evidence(ZooWorld(draws=2, arms=(TrueArm(),)).zoo())
    models, scores = evidence.models(), evidence.scores()
    twins = models[(models["role"] == "twin") & (models["task"] == "letters") & (models["width"] == 8)]
    losses = scores[(scores["metric"] == "nll") & (scores["rows"] == "B")].set_index("model_id")["value"]
    spread = np.sqrt(np.mean([losses[twins.loc[twins["draw"] == draw, "model_id"]].var() for draw in range(2)]))
    assert gaps(evidence)[0].reading.margin == pytest.approx(0.2 * spread)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("/home/ada/x.py", "…/x.py"),
        ("see (/root/a b/c.py)", "see (…/a b/c.py)"),
        ("tcp://10.0.0.7:8786 refused", "… refused"),
        ("C:\\Users\\ada\\zoo", "…/zoo"),
        ("and/or, 1/2, https://arxiv.org/abs/1503.02531", "and/or, 1/2, https://arxiv.org/abs/1503.02531"),
        ("out/zoo/report.html", "out/zoo/report.html"),
    ],
)
def test_paths_are_scrubbed(text, scrubbed):
    assert scrub({"a": [text]}) == {"a": [scrubbed]}
    assert scrub(pd.DataFrame({"a": [text, None], "n": [1, 2]}))["a"].tolist()[0] == scrubbed

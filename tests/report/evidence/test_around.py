"""What stands around a reading: its setting, the controls of its regime, how sure of themselves the models are. Numbers by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from kdprobe.report.evidence.around import setting_of
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import beside, gaps
from kdprobe.report.evidence.groups import Group
from kdprobe.report.lede import details
from kdprobe.report.sections.gap import draw
from kdprobe.testing.worlds.zoo import HUMP, TrueArm, ZooWorld

LETTERS, BIKES = (("letters", "classification"),), (("bikeshare", "regression"),)
OWN = TrueArm(scheme="own_answers", gain={256: 0.05}, over_confidence=0.0)
WORLD = ZooWorld(seeds=6, tasks=LETTERS, student_widths=(8,), arms=(TrueArm(), OWN))


def by_pair(evidence, scheme, teacher, probe="gain_calibrated"):
    """Gain by (draw, seed), read off the frame of measurements alone."""
    table = evidence.measurements().query("probe == @probe and comparison == 'panel' and scheme == @scheme and teacher_width == @teacher")
    return dict(zip(zip(table["draw"], table["seed"], strict=True), table["value"].astype(float), strict=True))


def interval(values, level=0.95):
    return (np.mean(values), *stats.t.interval(level, len(values) - 1, np.mean(values), stats.sem(values)))


def numbers(found):
    return (found.value, found.low, found.high)


def test_a_control_is_told_with_its_regime_and_is_no_arm_of_its_own():
    evidence = Evidence(WORLD.zoo())
    (gap,) = gaps(evidence)
    assert evidence.attached == {"own_answers"}
    assert [control.title for control in gap.controls] == ["labels, and own answers on the same rows"]
    assert {finding.scope for card in draw(evidence).cards for finding in card.findings} == {"same rows"}
    assert "same rows; beside them 1 control" in details(evidence)[0]
    # without its regime it is an arm again, of which nothing is claimed
    (alone,) = gaps(Evidence(replace(WORLD, arms=(replace(OWN, gain=HUMP),)).zoo()))
    assert (alone.control != "", alone.reading.verdict, alone.controls) == (True, "NOT APPLICABLE", ())


@pytest.mark.parametrize(("tasks", "probe"), [(LETTERS, "gain_calibrated"), (BIKES, "gain")])
def test_a_control_is_paired_by_seed_with_the_student_under_its_best_teacher(tasks, probe):
    evidence = Evidence(replace(WORLD, tasks=tasks).zoo())
    (gap,) = gaps(evidence)
    (control,) = gap.controls
    best = sorted(HUMP)[gap.helps.best]
    student, untaught = by_pair(evidence, "same_rows", best, probe), by_pair(evidence, "own_answers", 256, probe)
    assert numbers(control.gain) == pytest.approx(interval(list(untaught.values())))
    # simultaneous over the six teachers that the best was chosen from
    beyond = [student[pair] - untaught[pair] for pair in student]
    assert numbers(control.beyond) == pytest.approx(interval(beyond, 1 - 0.05 / 6))
    assert (control.gain.unit, control.beyond.n) == (gap.unit, 6)


def test_only_seeds_that_both_have_are_compared():
    failed = (("same_rows", 16, 8, 1), ("own_answers", 256, 8, 4))
    evidence = Evidence(replace(WORLD, seeds=10, failed=failed).zoo())
    (gap,) = gaps(evidence)
    assert sorted(HUMP)[gap.helps.best] == 16
    student, untaught = by_pair(evidence, "same_rows", 16), by_pair(evidence, "own_answers", 256)
    shared = [(0, seed) for seed in (0, 2, 3, 5, 6, 7, 8, 9)]
    (control,) = gap.controls
    assert (control.gain.n, control.beyond.n) == (8, 8)
    assert numbers(control.gain) == pytest.approx(interval([untaught[pair] for pair in shared]))
    assert control.beyond.value == pytest.approx(np.mean([student[pair] - untaught[pair] for pair in shared]))


def test_a_teacher_size_that_most_seeds_lack_moves_no_other_into_its_place():
    """The smallest size has no runs: the best of those that are left is still the one that the control is read against."""
    evidence = Evidence(replace(WORLD, failed=tuple(("same_rows", 8, 8, seed) for seed in range(6))).zoo())
    (gap,) = gaps(evidence)
    assert gap.curve.missing == ("mlp-8",)
    best = int(gap.curve.teachers[gap.helps.best].removeprefix("mlp-"))
    student, untaught = by_pair(evidence, "same_rows", best), by_pair(evidence, "own_answers", 256)
    (control,) = gap.controls
    assert numbers(control.beyond) == pytest.approx(interval([student[pair] - untaught[pair] for pair in student], 1 - 0.05 / 5))


def test_draws_are_the_units_of_a_control_too():
    evidence = Evidence(replace(WORLD, draws=3, seeds=2).zoo())
    (gap,) = gaps(evidence)
    untaught = by_pair(evidence, "own_answers", 256)
    means = [np.mean([untaught[draw, seed] for seed in range(2)]) for draw in range(3)]
    (control,) = gap.controls
    assert control.gain.n == 3
    assert numbers(control.gain) == pytest.approx(interval(means))


@pytest.mark.parametrize("failed", [range(6), range(5)])
def test_a_control_without_two_pairs_is_not_told(failed):
    zoo = replace(WORLD, failed=tuple(("own_answers", 256, 8, seed) for seed in failed)).zoo()
    assert gaps(Evidence(zoo))[0].controls == ()


def test_a_regime_whose_runs_all_failed_has_no_controls():
    failed = tuple(("same_rows", teacher, 8, seed) for teacher in HUMP for seed in range(6))
    assert gaps(Evidence(replace(WORLD, failed=failed).zoo()))[0].controls == ()


@pytest.mark.parametrize(("level", "doubted"), [(0.0, False), (0.13, True), (0.3, True)])
def test_a_gain_that_a_control_has_too_is_not_shown_to_exceed_it(level, doubted):
    world = replace(WORLD, seeds=10, arms=(TrueArm(over_confidence=0.0), replace(OWN, gain={256: level})))
    finding = draw(Evidence(world.zoo())).cards[0].findings[0]
    assert (finding.claim, finding.verdict) == ("teaching helps", "SUPPORTED")
    assert ("not shown to exceed a control" in finding.qualifier) == doubted
    assert finding.sentences[1].startswith("Control, labels, and own answers on the same rows: ")
    assert "; the student beyond it: " in finding.sentences[1]


def test_a_control_says_nothing_where_no_gain_is_claimed():
    world = replace(WORLD, seeds=10, arms=(TrueArm(gain=dict.fromkeys(HUMP, 0.0), over_confidence=0.0), replace(OWN, gain={256: 0.3})))
    finding = draw(Evidence(world.zoo())).cards[0].findings[0]
    assert finding.verdict != "SUPPORTED"
    assert "control" not in finding.qualifier


STAR = replace(
    WORLD, beside={"temperature": (1.0, 2.0, 4.0)},
    arms=(*(TrueArm(temperature=T) for T in (1.0, 2.0, 4.0)), *(replace(OWN, temperature=T, gain={256: T / 100}) for T in (1.0, 2.0, 4.0))),
)  # fmt: skip


@pytest.fixture(scope="module")
def star():
    return Evidence(STAR.zoo())


def test_a_control_is_read_at_the_setting_of_its_regime(star):
    found = {gap.beside: gap.controls[0].gain.value for gap in (*gaps(star), *beside(star))}
    # one in a hundred for each degree
    assert found == pytest.approx({"": 0.01, "at T 2": 0.02, "at T 4": 0.04}, abs=0.02)
    frame = star.measurements().merge(star.models()[["model_id", "temperature"]], on="model_id")
    frame = frame.query("scheme == 'own_answers' and probe == 'gain_calibrated' and comparison == 'panel'")
    means = frame.groupby("temperature")["value"].mean()
    assert found == pytest.approx({"": means[1.0], "at T 2": means[2.0], "at T 4": means[4.0]})


def test_what_stands_beside_is_a_family_of_its_own(star):
    (own,), around = gaps(star), beside(star)
    assert [gap.beside for gap in around] == ["at T 2", "at T 4"]
    (alone,) = gaps(Evidence(replace(STAR, arms=(STAR.arms[0],)).zoo()))
    assert own.helps.p == alone.helps.p
    assert own.reading.p == alone.reading.p
    # the two beside are adjusted for each other
    (first,) = beside(Evidence(replace(STAR, arms=STAR.arms[:2]).zoo()))
    assert around[0].beside == first.beside
    assert around[0].reading.p >= first.reading.p


def test_a_table_shows_each_verdict_beside(star):
    (table,) = [table for table in draw(star).tables if table.caption.startswith("Beside each verdict")]
    assert [(row["arm"], row["beside"]) for row in table.rows] == [("same rows", "at T 2"), ("same rows", "at T 4")]
    for row, gap in zip(table.rows, beside(star), strict=True):
        assert row["gain"] == pytest.approx(numbers(gap.helps.gain))
        assert row["deficit"] == pytest.approx(numbers(gap.reading.deficit))
        assert (row["helps"], row["seeds"]) == (gap.helps.verdict, 6)
        assert row["verdict"].startswith(gap.reading.verdict)
        assert row["raw"] == pytest.approx(numbers(gap.raw.deficit))
    assert "raw" in [column.key for column in table.columns]
    bikes = ZooWorld(seeds=3, tasks=BIKES, student_widths=(8,))
    assert not [table for table in draw(Evidence(bikes.zoo())).tables if table.caption.startswith("Beside each")]


def test_temperatures_are_means_over_the_teachers_with_intervals_over_seeds():
    world = replace(STAR, fitted={"teacher": 1.6, "twin": 1.3, "student": 0.8})
    evidence = Evidence(world.zoo())
    tables = [table for table in draw(evidence).tables if table.caption.startswith("Over-confidence")]
    (table,) = tables
    assert [row["at"] for row in table.rows] == ["at α 1, T 1", "at T 2", "at T 4"]
    scores = evidence.scores().query("metric == 'temperature'").set_index("model_id")["value"]
    students = evidence.students.query("arm == 'same rows'")
    for role, column in {"teacher": "teacher_id", "twin": "twin_id", "student": "model_id"}.items():
        by_seed = students.assign(T=scores.reindex(students[column]).to_numpy()).groupby("seed")["T"].mean()
        assert table.rows[0][role] == pytest.approx(interval(by_seed))
        assert table.rows[0][role][0] == pytest.approx(world.fitted[role], rel=0.05)


@pytest.mark.parametrize("changes", [{}, {"fitted": {"teacher": 1.6, "twin": 1.3}}, {"tasks": BIKES, "fitted": {"teacher": 1.6}}])
def test_without_fitted_temperatures_of_all_there_is_no_table_of_them(changes):
    content = draw(Evidence(replace(WORLD, seeds=3, **changes).zoo()))
    assert not [table for table in content.tables if table.caption.startswith("Over-confidence")]


def setting(tune=(), *, tuned=False, **world):
    zoo = ZooWorld(seeds=2, student_widths=(8,), **world).zoo()
    zoo._provenance = zoo.provenance() | {"plan": zoo.provenance()["plan"] | {"tune": list(tune)}}
    evidence = Evidence(zoo)
    return setting_of(evidence, Group(evidence.groups[0].frame, tuned=tuned))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tasks": LETTERS}, "at α 1, T 1"),
        # without labels there is nothing that α weighs, and a regression has no T
        ({"tasks": LETTERS, "arms": (TrueArm(scheme="transfer_rows", rows="transfer"),)}, "at T 1"),
        ({"tasks": BIKES}, "at α 1"),
        ({"tasks": BIKES, "arms": (TrueArm(scheme="transfer_rows", rows="transfer"),)}, ""),
        # what was chosen for each teacher size is not one setting
        ({"tasks": LETTERS, "tune": ("alpha",), "tuned": True}, "at T 1"),
        ({"tasks": LETTERS, "tune": ("alpha", "temperature"), "tuned": True}, ""),
        ({"tasks": LETTERS, "tune": ("alpha",), "tuned": False}, "at α 1, T 1"),
        ({"tasks": LETTERS, "arms": (TrueArm(temperature=2.5),)}, "at α 1, T 2.5"),
    ],
)
def test_the_setting_that_a_sentence_speaks_of(changes, said):
    assert setting(**changes) == said


def test_sentences_begin_with_their_setting():
    for world, start in ((ZooWorld(seeds=3, tasks=LETTERS, student_widths=(8,)), "At α 1, T 1: "),):
        findings = draw(Evidence(world.zoo())).cards[0].findings
        assert all(finding.sentences[0].startswith(start) for finding in findings)
    bare = ZooWorld(seeds=3, tasks=BIKES, student_widths=(8,), arms=(TrueArm(scheme="transfer_rows", rows="transfer"),))
    assert draw(Evidence(bare.zoo())).cards[0].findings[0].sentences[0].startswith("Largest gain over the untaught twin: ")

"""The section on kinds of knowledge, on a small real sweep, and its figure."""

import re
from dataclasses import replace

import numpy as np
import pytest

import kdprobe
from kdprobe import GapPlan, KnowledgePlan
from kdprobe.core.registry import available
from kdprobe.report import report, verdict_lines
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.knowledge import kinds
from kdprobe.report.sections._scores import knowledge_scores
from kdprobe.report.theme.forest import HEADING, Line, forest
from kdprobe.testing.sections import check_section
from kdprobe.zoo.writer import Writer

PLAN = KnowledgePlan(
    tasks=("letters", "bikeshare"),
    distillers=("kd", "l2_imitation", "hint", "attention", "pkt", "argmax_labels", "mean_imitation"),
    alphas=(0.3, 0.9),
    teacher_width=8,
    student_widths=(3,),
    seeds=3,
    steps=40,
)

BARE = KnowledgePlan(
    tasks=("bikeshare",),
    distillers=("l2_imitation", "l1_imitation"),
    alphas=(0.5,),
    schemes=("same_rows",),
    teacher_width=4,
    student_widths=(2,),
    seeds=2,
    steps=10,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("knowledge") / "zoo"
    kdprobe.sweep(PLAN, path).close()
    return path


@pytest.fixture
def zoo(folder):
    with kdprobe.Zoo(folder) as opened:
        yield opened


@pytest.fixture
def page(zoo, tmp_path):
    return report(zoo, tmp_path / "report.html").read_text(encoding="utf-8")


def test_it_keeps_the_contract(zoo):
    check_section(available("sections")["knowledge"], zoo)


def test_the_page_asks_of_knowledge_and_not_of_teacher_sizes(page):
    assert "<h1>Which kind of knowledge helps this student" in page
    assert 'id="knowledge"' in page
    assert "Which teacher size serves" not in page
    for kind in ("response", "intermediate", "relation"):
        assert f"{kind} knowledge helps" in page


def test_the_page_says_why_a_cell_is_not_applicable(page):
    assert "Not applicable: asked for, and undefined there" in page
    row = re.search(r"<tr><th>attention maps<.*?<tr>", page).group()
    assert "letters · mlp · same rows" in row
    assert "no layer of the student has places to attend to" in row


def test_there_is_no_nan_on_the_page(page):
    body = page.partition("<body>")[2].partition("<script>")[0]
    assert not re.search(r"\b(nan|inf|None|NaN)\b", body)


def test_the_head_of_the_page_counts_many_settings_instead_of_naming_them(page):
    lede = re.search(r'<details class="how">(.*?)</details>', page, re.DOTALL).group(1)
    assert re.search(r"2 regimes × \d+ distillers, \d+ settings in all", lede)
    assert "argmax_labels" not in lede


def test_verdicts_are_lines_too(zoo):
    lines = verdict_lines(zoo)
    assert any(
        re.search(r"letters · student mlp-3 .* same rows: INCONCLUSIVE .*: response knowledge helps\. Soft targets at α=", line)
        for line in lines
    )


def test_each_seed_is_read_at_the_weight_that_the_others_favour(zoo):
    """Recomputed by hand from the frames of the zoo, for one distiller."""
    evidence = Evidence(zoo)
    (found,) = [group for group in kinds(evidence) if (group.task, group.scheme) == ("letters", "same_rows")]
    (arm,) = [arm for arm in found.arms if arm.name == "hint"]
    models, measured = zoo.models(), zoo.measurements()
    gains = measured[(measured["probe"] == "gain_calibrated") & (measured["comparison"] == "panel")].set_index("model_id")["value"]
    raw = measured[(measured["probe"] == "gain") & (measured["comparison"] == "panel")].set_index("model_id")["value"]
    history = zoo.history()
    final = history[history["step"] == history["step"].max()].set_index("model_id")["validation_loss"]
    mine = models[(models["distiller"] == "hint") & (models["task"] == "letters") & (models["scheme"] == "same_rows")]
    ids = mine.pivot(index="seed", columns="alpha", values="model_id")
    for seed in range(3):
        others = {alpha: np.mean([final[ids.loc[other, alpha]] for other in range(3) if other != seed]) for alpha in (0.3, 0.9)}
        alpha = min(others, key=others.get)
        assert arm.alphas[seed] == pytest.approx(alpha)
        assert arm.gain[seed] == pytest.approx(float(gains[ids.loc[seed, alpha]]))
        assert arm.raw[seed] == pytest.approx(float(raw[ids.loc[seed, alpha]]))


def test_the_teacher_specific_part_is_that_of_the_transfer_section(zoo):
    """Own minus siblings, less the same of the paired twin: no two pages disagree about one student."""
    evidence = Evidence(zoo)
    (found,) = [group for group in kinds(evidence) if (group.task, group.scheme) == ("letters", "same_rows")]
    (arm,) = [arm for arm in found.arms if arm.name == "hint"]
    table = zoo.measurements().query("probe == 'agreement_top1'")
    values = table.pivot(index="model_id", columns="comparison", values="value").astype(float)
    models = zoo.models().query("distiller == 'hint' and task == 'letters' and scheme == 'same_rows'")
    for seed, alpha in enumerate(arm.alphas):
        (student,) = models[(models["seed"] == seed) & (models["alpha"] == alpha)]["model_id"]
        own = values.loc[student]
        assert arm.specific[seed] == pytest.approx(own["own"] - own["siblings"] - (own["twin"] - own["twin_siblings"]))


def test_the_scores_are_those_of_the_students_that_were_chosen(zoo):
    evidence = Evidence(zoo)
    groups = [group for group in kinds(evidence) if group.task == "letters"]
    table = knowledge_scores(evidence, groups)
    arm = groups[0].best["response"]
    models, own = zoo.models().set_index("model_id"), zoo.runs().set_index("model_id")["calibration_error.B"]
    assert models.loc[list(arm.models), "alpha"].tolist() == pytest.approx(arm.alphas.tolist())
    (row,) = [row for row in table.rows if row["model"] == "soft targets, same rows"]
    assert row["calibration_error"][0] == pytest.approx(own[list(arm.models)].mean())
    assert table.rows[0]["model"] == "twin, untaught"
    assert table.rows[-1]["model"] == "teacher"
    assert len({row["model"] for row in table.rows}) == len(table.rows)


def test_a_kind_on_rows_without_labels_has_a_weight_beside_its_response_loss(zoo):
    (found,) = [group for group in kinds(Evidence(zoo)) if (group.task, group.scheme) == ("bikeshare", "transfer_rows")]
    weights = {arm.name: set(np.round(arm.alphas, 6)) for arm in found.arms}
    assert weights["hint"] <= {0.3, 0.9}
    assert weights["l2_imitation"] == {1.0}


def test_controls_are_no_kind_of_knowledge(zoo):
    for group in kinds(Evidence(zoo)):
        assert list(group.readings) == ["response", "intermediate", "relation"]
        beside = {"same_rows": "own_answers", "transfer_rows": "self_pseudo_labels"}[group.scheme]
        broken = {"letters": "argmax_labels", "bikeshare": "mean_imitation"}[group.task]
        # those of its targets, and the scheme that its regime names
        assert {arm.name for arm in group.arms if arm.knowledge == "control"} == {broken, beside}
        assert set(group.best["control"].chosen) <= {broken, beside}


def test_controls_of_a_regime_are_no_regime_of_their_own(zoo, page):
    evidence = Evidence(zoo)
    assert evidence.attached == {"own_answers", "self_pseudo_labels"}
    found = kinds(evidence)
    assert [group.scheme for group in found] == ["same_rows", "transfer_rows"] * 2
    models, measured = zoo.models(), zoo.measurements()
    gains = measured[(measured["probe"] == "gain") & (measured["comparison"] == "panel")].set_index("model_id")["value"]
    (group,) = [group for group in found if (group.task, group.scheme) == ("bikeshare", "transfer_rows")]
    (arm,) = [arm for arm in group.arms if arm.name == "self_pseudo_labels"]
    own = models.query("task == 'bikeshare' and scheme == 'self_pseudo_labels'").set_index("seed")["model_id"]
    assert arm.gain == pytest.approx([float(gains[own[seed]]) for seed in range(3)])
    # one in the table, under its name, and in no line of verdicts
    assert "a twin on its own pseudo-labels" in page
    assert not [line for line in verdict_lines(zoo) if " · self pseudo labels" in line or " · own answers" in line]


def test_a_missing_run_costs_its_seed(tmp_path):
    """The page still comes, and every contrast is between the same seeds."""
    with kdprobe.sweep(replace(BARE, seeds=3), tmp_path / "zoo") as zoo:
        lost = zoo.models().query("role == 'student' and distiller == 'l1_imitation' and seed == 1")["model_id"].iloc[0]
    with Writer(tmp_path / "zoo") as writer, writer.index.transaction():
        writer.index.delete("measurements", "model_id", [lost])
    with kdprobe.Zoo(tmp_path / "zoo") as zoo:
        (found,) = kinds(Evidence(zoo))
        assert (found.seeds, found.left_out) == (2, 1)
        assert all(len(arm.gain) == 2 for arm in found.arms)
        assert report(zoo, tmp_path / "page.html").stat().st_size > 10_000


def test_two_seeds_have_a_gain_and_no_siblings_to_compare_with(tmp_path):
    with kdprobe.sweep(BARE, tmp_path / "zoo") as zoo:
        (line,) = [line for line in verdict_lines(zoo) if "response knowledge" in line]
    assert "(direction only: below 8 seeds)" in line
    assert "Teacher-specific part (R² to teacher): not known (not measured, or too few seeds)." in line


def test_a_gap_sweep_has_no_section_on_knowledge(small_zoo, tmp_path):
    assert small_zoo.provenance()["asks"] == "gap"
    assert 'id="knowledge"' not in report(small_zoo, tmp_path / "page.html").read_text(encoding="utf-8")
    assert GapPlan.asks == "gap"


def lines(*values):
    return [Line(label="response", role=HEADING), *(Line(label=f"arm {i}", role=role, values=(v,)) for i, (role, v) in enumerate(values))]


def test_an_arm_far_off_is_named_with_its_value_and_does_not_set_the_scale():
    near = (0.01, 0.0, 0.02, np.array([0.0, 0.02]))
    far = (-0.54, -0.6, -0.5, np.array([-0.6, -0.5]))
    svg = forest(lines(("one", near), ("muted", far)), columns=("gain",), prefix="f", title="t", description="d")
    assert "◂ −0.54" in svg
    assert "−0.5<" not in svg  # no tick there


def test_a_figure_of_one_arm_without_an_interval_is_drawn():
    svg = forest(lines(("one", None)), columns=("gain",), prefix="f", title="t", description="d")
    assert "arm 0" in svg

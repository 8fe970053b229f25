"""The table of scores: means over seeds by hand, one row a model, and what is not known is not there."""

import numpy as np
import pytest
from scipy.stats import t

from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.page import render
from kdprobe.report.sections._scores import Model, gap_scores, scores
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

LETTERS = (("letters", "classification"),)
WORLD = ZooWorld(arms=(TrueArm(), TrueArm(scheme="transfer_rows")), tasks=LETTERS, student_widths=(8,))


@pytest.fixture(scope="module")
def evidence():
    return Evidence(WORLD.zoo())


def by_hand(values):
    reach = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), values.mean() - reach, values.mean() + reach


def test_each_row_is_the_mean_over_seeds_of_its_models(evidence):
    found = gaps(evidence)
    table = gap_scores(evidence, found)
    rows = {row["model"]: row for row in table.rows}
    best, largest = (found[0].curve.teachers[i].rpartition("-")[2] for i in (found[0].helps.best, -1))
    models, own = evidence.models(), evidence.scores().query("rows == 'B' and metric == 'accuracy'").set_index("model_id")["value"]

    def of(role, **changes):
        mine = models[models["role"] == role]
        for name, value in changes.items():
            mine = mine[mine[name] == value]
        return by_hand(own[mine["model_id"]].to_numpy())

    student = f"student, same rows (teacher {best})"
    assert rows["twin, untaught"]["accuracy"] == pytest.approx(of("twin"))
    assert rows[student]["accuracy"] == pytest.approx(of("student", scheme="same_rows", teacher_width=int(best)))
    assert rows[f"teacher {largest}"]["accuracy"] == pytest.approx(of("teacher", width=int(largest)))
    assert next(iter(rows)) == "twin, untaught"
    assert rows[student]["gain"] == (found[0].helps.gain.value, found[0].helps.gain.low, found[0].helps.gain.high)
    assert rows["twin, untaught"]["gain"] is rows[f"teacher {largest}"]["gain"] is None
    # sizes in full: a reader compares them
    assert rows[f"teacher {largest}"]["size"] == f"{models.loc[models['width'] == int(largest), 'size'].iloc[0]:,}"
    assert rows[student]["flops"] == f"{2 * found[0].student_size:,}"


def test_a_score_that_was_not_measured_has_no_column(evidence):
    (column,) = [c.title for c in gap_scores(evidence, gaps(evidence)).columns if c.title.startswith("NLL, ")]
    assert column == "NLL, calibrated"
    titles = [c.title for c in gap_scores(evidence, gaps(evidence)).columns]
    # this world has no calibration error
    assert titles == ["model", "accuracy", "NLL", "NLL, calibrated", "gain", "parameters", "multiply-adds"]


def test_one_seed_has_a_number_and_none_has_nothing(evidence):
    ids = tuple(evidence.models().query("role == 'twin'")["model_id"])
    (row,) = scores(evidence, "classification", [Model("one", ids[:1])]).rows
    assert isinstance(row["accuracy"], float)
    assert scores(evidence, "classification", [Model("none", ("no such model",))]) is None


def test_over_draws_the_units_are_draws():
    evidence = Evidence(ZooWorld(arms=(TrueArm(),), tasks=LETTERS, student_widths=(8,), draws=4, seeds=3).zoo())
    models = evidence.models().query("role == 'twin'")
    own = evidence.score("nll").reindex(models["model_id"]).groupby(models["draw"].to_numpy()).mean().to_numpy()
    (row,) = scores(evidence, "classification", [Model("twin", tuple(models["model_id"]))]).rows
    assert row["nll"] == pytest.approx(by_hand(own))


def test_it_stands_in_the_card_before_the_verdicts(evidence):
    html = render(evidence, runs="runs.csv")
    card = html[html.index('<article class="card"') : html.index("</article>")]
    assert card.index("<figure>") < card.index('<table class="plain') < card.index("<details>") < card.index('class="finding"')


def test_a_world_of_regression_has_its_own_scores():
    evidence = Evidence(ZooWorld(seeds=3, arms=(TrueArm(),), tasks=(("bikeshare", "regression"),), student_widths=(8,)).zoo())
    assert [c.title for c in gap_scores(evidence, gaps(evidence)).columns] == ["model", "R²", "MSE", "gain", "parameters", "multiply-adds"]

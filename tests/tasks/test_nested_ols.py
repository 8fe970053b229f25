"""The nested least-squares world: what is drawn is what the law speaks of, and a sweep finds the law."""

import dataclasses
import math
import re

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe import GapPlan
from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.evidence.laws import law_of
from kdprobe.tasks.nested_ols import BETA, FEATURES, NOISE, VARIANCE
from kdprobe.tasks.splits import split
from kdprobe.verdicts.capacity_gap import seed_spread

WORLD = find("tasks", "nested_ols")


def law(**changes):
    setting = {"family": "nested_linear", "options": {"ridge": 0.0}, "student": 4, "teacher": 14, "sizes": WORLD.split, "rows": "transfer"}
    return WORLD.world.law(**(setting | {"alpha": 1.0} | changes))


def test_rows_are_what_the_law_assumes():
    data = WORLD.load()
    x, y = data.x.astype(float), data.y[:, 0]
    # standard errors of 1/√60,000 and √2/√60,000
    assert np.abs(x.mean(axis=0)).max() < 5 / math.sqrt(len(x))
    assert np.abs(x.T @ x / len(x) - np.eye(FEATURES)).max() < 6 * math.sqrt(2 / len(x))
    assert y.var() == pytest.approx(1.0, abs=5 * math.sqrt(2 / len(x)))
    np.testing.assert_allclose(x.T @ y / len(x), BETA / math.sqrt(VARIANCE), atol=6 / math.sqrt(len(x)))
    assert np.var(y - x @ BETA / math.sqrt(VARIANCE)) == pytest.approx(NOISE / VARIANCE, rel=0.03)


def test_nothing_is_standardised():
    parts = split(WORLD, draw=3)
    data = WORLD.load()
    np.testing.assert_array_equal(parts.train.x, data.x[parts.train.ids])
    np.testing.assert_array_equal(parts.train.y, data.y[parts.train.ids])
    np.testing.assert_array_equal(parts.in_units(parts.train.y), parts.train.y)


def test_known_answers():
    """In target variances: the risks of the design page's case, computed once by a separate script, over the variance of y."""
    unseen = NOISE + float(BETA[4:] @ BETA[4:])
    found = law()
    assert found.student == pytest.approx((0.044676090440 + unseen) / VARIANCE, abs=1e-9)
    assert found.twin == pytest.approx((0.049826363994 + unseen) / VARIANCE, abs=1e-9)
    assert law(teacher=26).teacher == pytest.approx((0.318456452734 + NOISE) / VARIANCE, abs=1e-9)


def test_on_the_teachers_own_rows_the_student_is_its_twin():
    assert law(rows="train", alpha=0.3).student == law().twin
    assert law(rows="train", alpha=0.3, teacher=3) is None


@pytest.mark.parametrize("changes", [{"family": "mlp"}, {"options": {"ridge": 0.1}}, {"sizes": dataclasses.replace(WORLD.split, train=20)}])
def test_where_no_law_is_known_none_is_given(changes):
    assert law(**changes, teacher=26) is None


def test_each_seed_has_rows_of_its_own_and_more_seeds_change_none():
    small, large = (GapPlan(tasks=("nested_ols",), family="nested_linear", teacher_widths=(9, 14), seeds=seeds) for seeds in (2, 5))
    assert small.draws_of("nested_ols") == (0, 1)
    assert {(cell.seed, cell.draw) for cell in large.cells()} == {(seed, seed) for seed in range(5)}
    assert large.extends(small)
    assert not small.extends(large)
    assert GapPlan(tasks=("letters",), seeds=5, draws=2).draws_of("letters") == (0, 1)
    twice = GapPlan(tasks=("nested_ols",), family="nested_linear", teacher_widths=(9, 14), seeds=3, draws=2)
    assert len(set(twice.draws_of("nested_ols"))) == 6


def test_the_spread_of_seeds_that_are_draws_is_over_draws():
    values = np.random.default_rng(0).normal(size=(7, 1))
    assert seed_spread(np.repeat(values, 3, axis=1), np.arange(7)) == pytest.approx(values.std(ddof=1))


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """24 seeds, each with rows of its own."""
    plan = GapPlan(tasks=("nested_ols",), family="nested_linear", teacher_widths=(4, 14, 58), student_widths=(4,), seeds=24)
    with kdprobe.sweep(plan, tmp_path_factory.mktemp("law")) as found:
        yield found


@pytest.mark.slow
def test_a_sweep_finds_the_law(zoo):
    models, scores = zoo.models(), zoo.scores()
    loss = scores[(scores["rows"] == "B") & (scores["metric"] == "mse")].set_index("model_id")["value"]
    students = models[models["role"] == "student"]
    frame = pd.DataFrame(
        {"student": students["model_id"].map(loss), "twin": students["twin_id"].map(loss), "teacher": students["teacher_id"].map(loss)}
    ).assign(scheme=students["scheme"], teacher_width=students["teacher_width"])
    for (scheme, width), cell in frame.groupby(["scheme", "teacher_width"]):
        wanted = law(teacher=int(width), rows="transfer" if scheme == "transfer_rows" else "train")
        for name in ("student", "twin", "teacher"):
            # the probe rows are the same for all seeds: 8,000 of them measure a loss to 1.6 %
            error = math.hypot(cell[name].sem(), math.sqrt(2 / 8000) * getattr(wanted, name))
            assert abs(cell[name].mean() - getattr(wanted, name)) < 4 * error, (scheme, width, name)
        gain = cell["twin"] - cell["student"]
        if scheme == "same_rows":
            # exactly nothing, up to the rounding of stored weights
            assert gain.abs().max() < 1e-6
        else:
            assert abs(gain.mean() - (wanted.twin - wanted.student)) < 4 * max(gain.sem(), 1e-7)


@pytest.mark.slow
def test_its_report_counts_seeds_and_not_draws(zoo, tmp_path):
    page = kdprobe.report(zoo, tmp_path / "page.html").read_text(encoding="utf-8")
    # words that lead to their definitions are links
    head = re.sub(r"</?a\b[^>]*>", "", page.partition("<main")[0] + page.partition("<main")[2].partition("<section")[0])
    assert " × 24 paired seeds. " in head
    assert "draws of labelled rows" not in head


@pytest.mark.slow
def test_its_report_shows_the_law_beside_what_was_found(zoo, tmp_path):
    found = {gap.arm: gap for gap in gaps(Evidence(zoo))}
    transfer = found["transfer rows"]
    wanted = [law(teacher=width) for width in (4, 14, 58)]
    np.testing.assert_allclose(transfer.law.gain, [one.twin - one.student for one in wanted], rtol=1e-12)
    np.testing.assert_allclose(transfer.law.teacher_loss, [one.teacher for one in wanted], rtol=1e-12)
    assert (found["same rows"].law.gain == 0).all()
    # 58 features of 80 rows: the largest teacher is the worse model, so what it costs is no capacity gap
    assert (transfer.reading.verdict, transfer.reading.qualifier) == ("NOT APPLICABLE", "teacher degraded")
    page = kdprobe.report(zoo, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What the exact law says, and what was found" in page
    assert "yes, in the set" in page


def test_no_law_is_drawn_for_other_tasks_or_noisy_labels(small_zoo, zoo):
    assert all(gap.law is None for gap in gaps(Evidence(small_zoo)))
    group = Evidence(zoo).groups[0]
    curve = gaps(Evidence(zoo))[0].curve
    group.frame = group.frame.assign(label_noise=0.3)
    assert law_of(group, curve) is None

"""What is said of runs that were trained elsewhere, and before a sweep, holds for what there is."""

import re

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe import GapPlan, KnowledgePlan
from kdprobe.core.registry import find
from kdprobe.report.evidence.draws import one_draw
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.promises import promises
from kdprobe.testing.worlds.zoo import ZooWorld

HUMP = dict(zip((1000, 2000, 4000, 8000), (0.1, 0.3, 0.2, 0.1), strict=True))


def table(seeds=9, draws=1, gains=HUMP, level=0.0):
    rng = np.random.default_rng(1)
    rows = [
        (500, size, draw, seed, level + gain + rng.normal(0, 0.02), 1000 / size + rng.normal(0, 0.01))
        for draw in range(draws)
        for seed in range(seeds)
        for size, gain in gains.items()
    ]
    frame = pd.DataFrame(rows, columns=["student_size", "teacher_size", "draw", "seed", "gain", "teacher_loss"])
    return frame if draws > 1 else frame.drop(columns="draw")


def page(frame, name="page.html"):
    # words that lead to their definitions as if they did not
    return re.sub(r'<a class="term"[^>]*>([^<]*)</a>', r"\1", kdprobe.report(kdprobe.runs_gap(frame), name).read_text())


@pytest.mark.parametrize(("draws", "units"), [(1, "seeds"), (5, "draws, each the mean of its seeds")])
def test_intervals_are_over_what_is_said(draws, units):
    assert f"Intervals are 95 %, over {units}." in page(table(seeds=3, draws=draws))


def test_gains_that_were_given_are_not_said_to_be_formed_here():
    given, formed = table(), table().assign(student_loss=lambda t: 1 - t["gain"], twin_loss=1.0).drop(columns="gain")
    assert "Gains are as the table has them; more is better." in page(given)
    assert "A gain is the loss of the twin minus that of the student; more is better." in page(formed)


def test_somebody_elses_unit_is_not_called_nats():
    assert "after one temperature a model" not in page(table())


def test_harm_is_no_reason_to_teach():
    """Under every teacher the student is worse than its twin: one answer does not say to teach, where another says that it harms."""
    text = page(table(level=-1.0))
    assert "The student is worse than its untaught twin under every teacher" in text
    assert "Of these teachers take one of the best sizes" in text
    assert "Teach with" not in text


def test_nobody_is_told_to_train_what_is_not_there():
    one = str(kdprobe.runs_gap(table(gains={2000: 0.1})))
    assert "NOT APPLICABLE (one teacher size)" in one
    assert "Give runs under two teacher sizes or more." in one
    frame = table()
    lost = str(kdprobe.runs_gap(frame[(frame["teacher_size"] < 8000) | (frame["seed"] == 0)]))
    assert "the largest teacher has too few runs" in lost
    assert "Give runs under the largest teacher with the same seeds." in lost
    for text in (one, lost):
        assert "Train the largest teacher until" not in text


def test_the_largest_is_as_good_but_for_what_is_negligible():
    rising = dict(zip(HUMP, (0.0, 0.1, 0.3, 0.4), strict=True))
    assert "as good a choice as any smaller one: what it costs, if anything, is negligible." in str(
        kdprobe.runs_gap(table(seeds=20, gains=rising))
    )


def test_no_gap_is_promised_of_one_teacher_size():
    plan = {"tasks": ("letters",), "student_widths": (8,), "beside": {}, "seeds": 20}
    (said,) = promises(GapPlan(teacher_widths=(32,), **plan))
    assert said == "One teacher size: whether a smaller one serves better cannot be asked. Give two or more for that."
    assert any("A capacity gap of 1 sd" in text for text in promises(GapPlan(teacher_widths=(8, 32), **plan)))


def test_one_verdict_is_read():
    plan = KnowledgePlan(tasks=("letters",), distillers=("kd",), alphas=(0.5,), schemes=("same_rows",), seeds=10)
    assert next(promises(plan)).startswith("1 verdict is read together.")


def test_a_flag_is_named_only_where_the_sweep_has_it():
    """A knowledge sweep has no --draws."""

    class Asking(Evidence):
        asks = "knowledge"

    zoo = ZooWorld(seeds=3, tasks=(("fashion_mnist", "classification"),), student_widths=(8,)).zoo()
    assert "and a sweep with --draws tells" in one_draw(Evidence(zoo))
    assert one_draw(Asking(zoo)).endswith("on fashion_mnist was not measured.")


def test_a_control_has_the_steps_that_its_title_says():
    """Twice those of its twin, however long the teachers train."""
    scheme = find("schemes", "step_matched_twin")
    assert scheme.student.steps == 2.0
    for text in (scheme.title, scheme.regime):
        assert "twice the steps" in text
        assert "teacher" not in text

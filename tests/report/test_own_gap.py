"""The page of runs that were trained elsewhere says what the verdict says, and shows it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kdprobe
from kdprobe.core.pages import page_problems
from kdprobe.report.own_gap import gaps_of


def table(seeds=9, students=(500,), by=False):
    rng = np.random.default_rng(1)
    rows = [
        (student, size, seed, gain + rng.normal(0, 0.03), 1000 / size + rng.normal(0, 0.01), rng.normal())
        for student in students
        for seed in range(seeds)
        for size, gain in zip((1000, 2000, 4000, 8000), (0.1, 0.3, 0.28, 0.1), strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["student_size", "teacher_size", "seed", "gain", "teacher_loss", "lr"])
    return pd.concat([frame.assign(alpha=alpha) for alpha in (0.3, 0.7)]) if by else frame


def test_a_page_has_verdict_sentence_curve_and_table():
    found = kdprobe.runs_gap(table(), unit="nats")
    page = kdprobe.report(found, "page.html").read_text()
    assert not page_problems(Path("page.html"))
    assert len(page) < 300_000
    first_screen = page.partition('<section aria-labelledby="gap-heading"')[0]
    assert ">SUPPORTED<" in first_screen
    assert "Best teachers are sizes 2000 and 4000 of 1000…8000 (95 % set, 9 seeds)." in re.sub(r"</?a[^>]*>", "", first_screen)
    assert "teaching helps" in first_screen
    assert first_screen.count("<svg") == 1
    assert "may be best" in first_screen
    assert page.count("<svg") == 2 + 4  # curves, and a strip of seeds a row
    assert "Columns: as they are named." in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("by", [(), ("alpha",)])
def test_the_page_and_the_public_function_read_alike(by):
    frame = table(students=(500, 900), by=bool(by))
    found, alone = kdprobe.runs_gap(frame, by=by), kdprobe.capacity_gap(frame, by=by)
    for setting, verdict, gap in gaps_of(found):
        own = (alone.by_setting or {(): alone})[setting].by_student[gap.student_size]
        assert (gap.reading.verdict, gap.reading.p) == (own.verdict, own.details["p"])
        assert tuple(gap.curve.sizes[list(gap.reading.best_set)]) == own.best_sizes
        assert gap.reading.deficit.value == own.details["deficit"].value
        assert verdict.verdict == own.verdict


def test_a_verdict_alone_has_a_page_too():
    frame = table(students=(500, 900), by=True)
    page = kdprobe.report(kdprobe.capacity_gap(frame, by=["alpha"], unit="nats"), "verdict.html").read_text()
    assert page.count(">SUPPORTED<") >= 4
    assert "0.3 · student of size 500" in page
    assert "A verdict holds no runs, so no curve is drawn" in page
    assert kdprobe.report(kdprobe.capacity_gap(table(seeds=1)), "one.html").read_text().count("one seed gives no interval") >= 1


def test_few_seeds_are_told_on_the_page():
    page = kdprobe.report(kdprobe.runs_gap(table(seeds=5, students=(500, 900))), "few.html").read_text()
    first_screen = page.partition('<section aria-labelledby="gap-heading"')[0]
    assert "all students together" in first_screen
    assert "in 5 of 5 seeds" in first_screen
    assert "seed" in re.search(r"Would change our mind: ([^<]*)", first_screen)[1]


def test_a_long_table_keeps_its_page_small():
    frame = pd.concat([table(seeds=3).assign(lr=lr) for lr in range(45)])
    page = kdprobe.report(kdprobe.runs_gap(frame, by=["lr"]), "long.html").read_text()
    assert len(page) < 1_000_000
    assert "Of 45 students and settings the first 8 are drawn, and the first 40 stand on the first screen" in page
    assert page.count("lr 44 · student of size 500") >= 2


def test_what_is_no_page_is_not_replaced():
    Path("mine.html").write_text("mine")
    with pytest.raises(kdprobe.PlanError, match="is no page that kdprobe wrote"):
        kdprobe.report(kdprobe.runs_gap(table()), "mine.html")

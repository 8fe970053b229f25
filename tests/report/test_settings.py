"""A page of many settings: each has its card and its verdicts, and the chosen ones are read beside the fixed ones."""

from dataclasses import replace

import numpy as np
import pytest

import kdprobe
from kdprobe import GapPlan
from kdprobe.report.evidence.frames import FEW_ARMS, Evidence
from kdprobe.report.evidence.gaps import gaps
from kdprobe.report.lede import details
from kdprobe.report.page import drawn_sections, merged_cards
from kdprobe.training.job import TUNING_SEEDS

PLAN = GapPlan(
    tasks=("letters",), schemes=("same_rows", "transfer_rows"),
    teacher_widths=(4, 8), student_widths=(2,), seeds=3, steps=60, alpha=(0.3, 0.9), learning_rate=(1e-4, 0.02),
    transfer_rows=(300, 8000), tune=("alpha", "learning_rate"), tune_seeds=2, beside={},
)  # fmt: skip


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    with kdprobe.sweep(PLAN, tmp_path_factory.mktemp("settings") / "zoo", similarity=False) as zoo:
        yield zoo


@pytest.fixture(scope="module")
def evidence(zoo):
    return Evidence(zoo)


def test_every_setting_is_an_arm_of_its_own_and_so_is_what_was_chosen(evidence):
    fixed = [f"same rows α={alpha:g} learning rate {rate:g}" for alpha in (0.3, 0.9) for rate in (1e-4, 0.02)]
    fixed += [f"transfer rows m={rows} learning rate {rate:g}" for rows in (300, 8000) for rate in (1e-4, 0.02)]
    chosen = ["same rows, tuned", "transfer rows m=300, tuned", "transfer rows m=8000, tuned"]
    assert [gap.arm for gap in gaps(evidence)] == fixed + chosen
    assert all(gap.reading.n == 3 for gap in gaps(evidence))


def test_tuned_gains_are_those_of_the_public_table(zoo, evidence):
    table = zoo.gains(metric="nll_calibrated", tune=PLAN.tune)
    for gap in gaps(evidence):
        if gap.arm.endswith("tuned"):
            rows = table[table["scheme"] == ("same_rows" if gap.arm.startswith("same") else "transfer_rows")]
            if "m=" in gap.arm:
                rows = rows[rows["unlabelled_rows"] == float(gap.arm.split("m=")[1].removesuffix(", tuned"))]
            wanted = rows.pivot(index="seed", columns="teacher_size", values="gain").to_numpy()
            assert gap.curve.values["gain"] == pytest.approx(wanted)


def test_seeds_to_tune_on_are_in_no_number(evidence):
    assert set(evidence.students["seed"]) == {0, 1, 2}
    assert (evidence.tuning()["seed"] >= TUNING_SEEDS).all()
    assert len(evidence.models()) + len(evidence.tuning()) == len(evidence.runs())
    assert f"and {len(evidence.tuning())} networks on seeds of their own to choose settings by" in details(evidence)[0]


def test_many_settings_have_a_card_each(zoo):
    cards = merged_cards([card for _, content in drawn_sections(zoo) for card in content.cards])
    assert len(cards) == 11 > FEW_ARMS
    assert cards[0].headline.endswith("· same rows α=0.3 learning rate 0.0001")
    assert {finding.claim for finding in cards[0].findings} == {"teaching helps", "capacity gap"}
    assert all(card.figure is not None for card in cards)


def test_what_was_chosen_is_told(zoo):
    tables = [table for _, content in drawn_sections(zoo) for table in content.tables]
    (chosen,) = [table for table in tables if table.caption.startswith("What was chosen on validation rows")]
    assert len(chosen.rows) == 3 * 2
    found = zoo.gains(tune=PLAN.tune).drop_duplicates(["scheme", "unlabelled_rows", "teacher_width"])
    assert sorted(row["learning_rate"] for row in chosen.rows) == sorted(found["learning_rate"])
    assert {row["learning_rate"] for row in chosen.rows} == {0.02}


def test_the_page_is_written(zoo, tmp_path):
    page = kdprobe.report(zoo, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "same rows, tuned" in page
    assert "NaN" not in page.replace("isNaN", "").replace("Number.NaN", "")


def test_without_settings_nothing_is_tuned(small_world):
    plain = Evidence(small_world)
    assert plain.tuned_groups == []
    assert plain.tune == []
    assert np.isfinite([gap.reading.margin for gap in gaps(plain)]).all()
    assert replace(PLAN, tune=()).hash != PLAN.hash


def test_the_weight_and_the_temperature_have_one_name_each(zoo):
    """α is the teacher's weight everywhere on a page, in what was chosen too."""
    drawn = {section.name: content for section, content in drawn_sections(zoo)}
    assert "Verdicts of what is tuned speak of α and learning rate as chosen" in drawn["mind"].words[0]
    (chosen,) = [table for table in drawn["gap"].tables if table.caption.startswith("What was chosen")]
    assert [column.title for column in chosen.columns[3:]] == ["α", "learning rate"]
    assert "a twin has the learning rate that is best for twins" in details(Evidence(zoo))[1]

"""What the knowledge page says of how it is read, is true of every knowledge plan."""

import re

import pytest

import kdprobe
from kdprobe import KnowledgePlan
from kdprobe.core.registry import find
from kdprobe.report.evidence.frames import Evidence

CHOSEN = r"Most often (soft targets|hints) at α=[\d.]+ \([12] of 3 seeds\): |(Soft targets|Hints) at α=[\d.]+: "
SMALL = {"teacher_width": 4, "student_widths": (2,), "seeds": 3, "steps": 10}


def drawn(folder, similarity=True, **plan):
    with kdprobe.sweep(KnowledgePlan(**SMALL, **plan), folder / "zoo", similarity=similarity, jobs=0) as zoo:
        return find("sections", "knowledge").draw(Evidence(zoo))


def test_where_nothing_was_chosen_no_choice_is_spoken_of(tmp_path):
    """One weight, one distiller, no control, regression, and gains alone."""
    found = drawn(
        tmp_path, False, tasks=("bikeshare",), distillers=("l2_imitation",), alphas=(0.5,), schemes=("same_rows",), controls=False
    )
    how, control, *rest = found.words
    assert "at one weight α of the teacher's loss" in how
    assert "one weight for all would compare scales" not in how
    assert "No control was trained" in control
    assert "where its student gains over the paired twin." in control
    assert "twin in the teacher's place" not in control
    assert not rest  # nothing of classes, nor of likeness
    (finding,) = found.cards[0].findings
    assert finding.sentences[0].startswith("L2 imitation at α=0.5: ")
    assert "best" not in finding.sentences[0]


def test_rows_without_labels_have_a_response_loss_beside(tmp_path):
    """Its temperature is 1 whatever that of others is, and a kind has to gain over that loss alone too."""
    plan = {"tasks": ("letters",), "distillers": ("kd", "hint"), "alphas": (0.3, 0.9), "schemes": ("transfer_rows",)}
    how, control, *_ = drawn(tmp_path, False, temperature=4.0, **plan).words
    assert "T is 4 wherever a loss has one, but for the response loss beside a loss on hidden layers" in how
    assert "and where a response loss stood beside its own, over that loss alone" in control
    # no control of this plan was taught from broken targets
    assert "Controls are taught by their own twin in the teacher's place." in control
    assert "broken" not in control


@pytest.mark.parametrize(("alphas", "most"), [((0.1, 0.3, 0.5, 0.7, 0.9), None), ((0.5,), False)])
def test_how_many_seeds_chose_what_is_named_is_said(tmp_path, alphas, most):
    plan = {"tasks": ("letters",), "distillers": ("kd", "hint"), "schemes": ("same_rows",), "controls": False}
    for finding in drawn(tmp_path, False, alphas=alphas, **plan).cards[0].findings:
        said = re.match(CHOSEN, finding.sentences[0])
        assert said
        assert most is None or bool(said[1]) == most


def test_a_kind_that_is_undefined_has_the_reason_of_its_own_distillers(tmp_path):
    """On rows without labels decoupled targets are undefined for one reason, and attention maps of an mlp for another."""
    plan = {"tasks": ("letters",), "distillers": ("dkd", "attention", "pkt"), "alphas": (0.5,), "schemes": ("transfer_rows",)}
    found = drawn(tmp_path, False, **plan)
    reasons = {finding.claim: finding.sentences[0] for finding in found.cards[0].findings if finding.verdict == "NOT APPLICABLE"}
    assert "it needs labels" in reasons["response knowledge helps"]
    assert "places to attend to" in reasons["intermediate knowledge helps"]

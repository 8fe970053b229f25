"""The figure of a comparison: the student among twins and siblings, on a scale of one more of them."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import t as student_t

from kdprobe.compare import compare
from kdprobe.report import among as room
from kdprobe.report import report
from kdprobe.report.among import among

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 300)
TEACHER, *SIBLINGS = (2 * np.eye(3)[Y] + RNG.normal(size=(300, 3)) for _ in range(5))
STUDENT = TEACHER + 0.5 * RNG.normal(size=(300, 3))
TWINS = [2 * np.eye(3)[Y] + RNG.normal(size=(300, 3)) for _ in range(4)]


@pytest.fixture
def drawn(monkeypatch):
    """The lines that reach the picture, beside the picture."""
    seen, forest = [], room.forest

    def recorded(lines, **rest):
        seen.append((lines, rest["columns"]))
        return forest(lines, **rest)

    monkeypatch.setattr(room, "forest", recorded)
    return seen


def test_one_unit_is_one_more_twin_or_sibling_and_the_right_is_nearer(drawn):
    found = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS, siblings=SIBLINGS)
    (figure,) = among(found)
    ((lines, columns),) = drawn
    assert columns == ["twins", "siblings"]
    kl = next(line for line in lines if line.label.startswith("KL"))
    results = found.results["kl"]
    twins = np.array([results[name].value for name in found.twins])
    unit = student_t.ppf(0.975, 3) * twins.std(ddof=1) * np.sqrt(1.25)
    mean, low, high, ticks = kl.values[0]
    # less divergence is nearer
    assert mean == pytest.approx((twins.mean() - results["own"].value) / unit)
    assert low < mean < high
    assert mean > 0
    assert ticks == pytest.approx((twins.mean() - twins) / unit)
    siblings = np.array([results[name].value for name in found.siblings])
    assert kl.values[1][0] == pytest.approx(
        (siblings.mean() - results["own"].value) / (student_t.ppf(0.975, 3) * siblings.std(ddof=1) * np.sqrt(1.25))
    )
    svg = ET.fromstring(re.sub(r' xmlns="[^"]+"', "", figure.svg))
    texts = [element.text for element in svg.iter("text")]
    assert {"twins", "siblings", "Calibration apart"} <= set(texts)
    # what is no likeness has no nearer side
    assert "Information left behind" in str(found)
    assert not any("left behind" in (text or "") for text in texts)


def test_columns_are_left_out_where_there_is_no_scale(drawn):
    assert among(compare(TEACHER, STUDENT, (None, Y), task="classification")) == ()
    assert among(compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS[:2])) == ()
    assert among(compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS))
    assert among(compare(TEACHER, STUDENT, (None, Y), task="classification", siblings=SIBLINGS))
    assert [columns for _, columns in drawn] == [["twins"], ["siblings"]]


def test_of_several_seeds_each_is_a_tick(drawn):
    students = [teacher + 0.5 * RNG.normal(size=(300, 3)) for teacher in (TEACHER, *SIBLINGS[:3])]
    found = compare(teachers=[TEACHER, *SIBLINGS[:3]], students=students, twins=TWINS, data=(None, Y), task="classification")
    assert "Each tick is one seed" in among(found)[0].caption
    ((lines, _),) = drawn
    assert all(len(value[3]) == 4 for line in lines for value in line.values if value is not None)


def test_the_page_gives_scores_of_every_model_and_the_harm_before_the_list(tmp_path):
    # a student of a teacher whose classes are turned by noise: worse than its twins, and like its teacher
    worse = 0.2 * TWINS[0] + 3 * RNG.normal(size=(300, 3))
    found = compare(worse, worse + 0.3 * RNG.normal(size=(300, 3)), (None, Y), task="classification", twins=TWINS, siblings=SIBLINGS)
    assert set(found.scores) == {"teacher", "student", *found.twins, *found.siblings}
    loss = np.mean(-log_softmax(TWINS[1], axis=1)[np.arange(300), Y])
    assert found.scores["twin 2"]["loss"].value == pytest.approx(loss)
    assert found.scores["twin 2"]["accuracy"].value == np.mean(TWINS[1].argmax(1) == Y)
    text = " ".join(re.sub(r"<[^>]+>", " ", report(found, tmp_path / "pair.html").read_text(encoding="utf-8")).split())
    warning = text.index(
        "Warning: the student is worse than its twins, which had no teacher, in loss at its own best temperature and accuracy."
    )
    assert warning < text.index("Other measures that differ from the twins")
    for heading in ("Scores of each model on these rows", "Is it this very teacher", "sibling 4"):
        assert heading in text
    regression = compare(TEACHER, STUDENT, (None, TEACHER + RNG.normal(size=(300, 3))), task="regression", twins=TWINS)
    y = TEACHER
    assert set(regression.scores["student"]) == {"R²", "squared error"}
    exact = compare(TEACHER, STUDENT, (None, y), task="regression").scores
    assert exact["teacher"]["R²"].value == pytest.approx(1.0)
    # targets count alike, each by its own variance
    assert exact["student"]["R²"].value == pytest.approx(1 - np.mean(np.mean((STUDENT - y) ** 2, axis=0) / y.var(axis=0)))
    assert compare(TEACHER, STUDENT, None, task="regression").scores == {}

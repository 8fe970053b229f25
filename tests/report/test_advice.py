"""The page of the advisor says what the advice says, and its maps say what the law says."""

import re

import numpy as np
import pytest

import kdprobe
from kdprobe.core.pages import page_problems
from kdprobe.report import advice as page_of
from kdprobe.report.theme.phase import Cross, phase
from kdprobe.theory import nested_ols
from kdprobe.theory.gains import nested_share


def advised(rows=300, unlabelled=5000, noise=2.0, **how):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 12))
    y = x @ (3 * np.arange(1, 13) ** -0.5) + noise * rng.normal(size=rows)
    return kdprobe.theory.advise(x, y, unlabelled=unlabelled, order="columns", **how)


def test_the_page_answers_first(tmp_path):
    found = advised()
    path = kdprobe.report(found, tmp_path / "page.html")
    assert not page_problems(path)
    page = path.read_text()
    assert len(page) < 300_000
    first_screen = page.partition('<section aria-labelledby="phase')[0]
    assert len(first_screen) < len(page)
    assert found.objectives["compression"].says in first_screen
    for word in {one.verdict for one in found.objectives.values()}:
        assert f">{word}<" in first_screen
    assert page.count("<svg") == 3
    # the map is seen without opening anything
    card = first_screen.partition('<article class="card"')[2].partition("<details")[0]
    assert card.count("<svg") == 1
    assert "Where do these data lie? A larger teacher (12 features), 300 labelled rows. The cross is these data" in card
    assert "A larger teacher (12 features), 300 labelled rows" in page
    for name in found.theorems:
        assert f">{name.replace('_', ' ')}<" in page
    assert kdprobe.report(found, tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_a_map_is_the_law(monkeypatch):
    """At some points of the map, against the exact law of nested least squares without intercepts, for many rows."""
    drawn = {}
    monkeypatch.setattr(page_of, "phase", lambda x, y, gains, **how: drawn.update(x=x, y=y, gains=gains, **how) or "<svg></svg>")
    assert page_of._by_transfer(advised()) is not None
    p, q, n = 3, 12, 300
    for i, j in ((5, 40), (30, 20), (55, 55)):
        ratio, m = drawn["y"][i], drawn["x"][j]
        beta = np.zeros(q)
        beta[-1] = np.sqrt(1 / ratio - 1)
        law = nested_ols(beta, 1.0, n=n, p=p, q=q, m=round(m))
        exact = 1 - law.student / law.twin
        assert drawn["gains"][i, j] == pytest.approx(np.clip(exact, -1.5, 1.5), abs=0.03)
    assert drawn["cross"].x == 5000
    assert drawn["cross"].y[1] < drawn["cross"].y[0] < drawn["cross"].y[2]


def test_the_cross_lies_where_the_gain_is():
    """The map at the cross is the share that the advice gives."""
    found = advised()
    gain = next(one for one in found.objectives["compression"].sizes if one.teacher == found.objectives["compression"].teacher)
    assert nested_share(gain.ratio.value, n=300, p=3, q=gain.teacher, m=5000) == pytest.approx(gain.share.value)
    assert sorted(nested_share(end, n=300, p=3, q=gain.teacher, m=5000) for end in gain.ratio[1:]) == pytest.approx(gain.share[1:])


@pytest.mark.parametrize(
    ("how", "figures"),
    [({"unlabelled": np.inf}, 3), ({"unlabelled": None}, 0), ({"student": 12}, 2), ({"teacher": 2}, 1), ({"teacher": 8}, 2)],
    ids=["endless rows", "no rows", "the largest student", "a smaller teacher", "one larger teacher"],
)
def test_pages_of_other_questions(tmp_path, how, figures):
    path = kdprobe.report(advised(**how), tmp_path / "page.html")
    assert not page_problems(path)
    page = path.read_text()
    assert page.count("<svg") == figures
    assert not re.search(r"\bnan\b|\binf\b", page, re.IGNORECASE)


def test_the_page_of_a_smaller_teacher_answers_of_it():
    found = advised(student=12)
    page = page_of.advice_page(found)
    answer = page.partition('<dl class="answers">')[2].partition("</dl>")[0]
    assert "Distilling from a smaller teacher is expected to hurt" in answer
    card = page.partition('<article class="card"')[2].partition("<details")[0]
    assert "Where do these data lie? A smaller teacher (11 features)" in card


def test_a_map_without_loss_has_no_line():
    x, y = np.geomspace(1, 100, 5), np.linspace(0, 1, 5)
    how = {"cross": Cross(x=10, y=(0.5, 0.4, 0.6), label="here"), "x_label": "rows", "y_label": "share", "names": ("helps", "hurts")}
    only = phase(x, y, np.full((5, 5), 0.3), **how, prefix="a", title="t", description="d")
    assert "helps" in only
    assert "hurts" not in only
    both = phase(x, y, np.linspace(-1, 1, 25).reshape(5, 5), **how, prefix="a", title="t", description="d")
    assert "helps" in both
    assert "hurts" in both

"""The page of a comparison and its notebook view, in a browser."""

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from torch import nn

from kdprobe.compare import compare
from kdprobe.compare.words import paragraphs
from kdprobe.report import report
from tests.report.test_browser import CLIPPED, OUTSIDE, OVERLAPPING, SIDEWAYS, UNFOLD, Visit, browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]
__all__ = ["browser"]

SETTINGS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]


@pytest.fixture(scope="module")
def comparison():
    """With twins, a map of layers, and a refusal."""
    torch.manual_seed(0)
    x, y = np.random.default_rng(0).normal(size=(150, 6)).astype(np.float32), np.random.default_rng(1).integers(0, 3, 150)
    models = [nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 3)) for _ in range(5)]
    return compare(models[0], models[1], (x, y), task="classification", twins=models[2:], layers=["*"])


def network(width, rows, targets, seed):
    """A small network of scikit-learn."""
    return MLPClassifier((width,), max_iter=80, random_state=seed, tol=0, n_iter_no_change=100).fit(rows, targets)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Pages of one student of real digits, taught by its teacher's labels of rows that twins have none for, with ever less beside it."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order] / 16, y[order]
    teacher, *siblings = (network(64, x[:200], y[:200], seed) for seed in range(4))
    student = network(10, x[:600], np.concatenate([y[:200], teacher.predict(x[200:600])]), 10)
    twins = [network(10, x[:200], y[:200], seed) for seed in range(11, 15)]
    given = {"all": {"twins": twins, "siblings": siblings}, "lone": {"twins": twins[:1]}, "none": {}}
    given["suspicious"] = {"twins": [student, *twins[:3]], "siblings": siblings}
    folder, task = tmp_path_factory.mktemp("digits"), "classification"
    found = {name: compare(teacher, student, (x[900:], y[900:]), task=task, **more) for name, more in given.items()}
    return {name: (one, report(one, folder / f"{name}.html")) for name, one in found.items()}


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("given", ["all", "lone", "none", "suspicious"])
def test_the_first_screen_says_what_was_compared_what_was_found_and_what_next(browser, digits, given, width):
    comparison, path = digits[given]
    with Visit(browser, path, width=width) as visit:
        answers = visit.page.locator(".answers > div")
        assert answers.count() == 1
        assert answers.locator("strong").inner_text() == comparison.answer.partition(": ")[0]
        assert comparison.answer in answers.inner_text()
        for place in (visit.page.locator(".lede"), *(answers.locator(part) for part in ("dd >> nth=0", ".own", ".next", ".next code"))):
            box = place.bounding_box()
            assert box["y"] + box["height"] <= 800, place
        # a click on the call takes all of it
        answers.locator(".next code").click()
        assert visit.page.evaluate("() => getSelection().toString()").strip().startswith("kdprobe.compare(")
        # then the scores of every model, without unfolding anything
        rows = visit.page.locator("article .scores tbody tr")
        assert rows.count() == 2 + len(comparison.twins) + len(comparison.siblings)
        assert rows.first.is_visible()
        assert visit.page.locator("article figure").count() == (len(comparison.twins) > 2)
        assert not visit.page.locator("#similarity").is_visible()


@pytest.mark.parametrize(("scheme", "width"), SETTINGS)
def test_an_answered_page_reads_in_every_setting(browser, digits, scheme, width):
    with Visit(browser, digits["all"][1], scheme=scheme, width=width) as visit:
        assert visit.is_quiet()
        for _ in range(2):
            for measure, expected in ((OUTSIDE, []), (OVERLAPPING, []), (CLIPPED, []), (SIDEWAYS, 0)):
                assert visit.page.evaluate(measure) == expected
            visit.page.evaluate(UNFOLD)
        found = Axe().run(visit.page).response["violations"]
        assert [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found] == []


@pytest.fixture(scope="module")
def pages(comparison, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    notebook = folder / "notebook.html"
    # notebooks say what their ground is; the cell says nothing of it
    style = "<style>:root { color-scheme: light dark } body { background: light-dark(#fff, #111); color: light-dark(#111, #eee) }</style>"
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>cell</title>{style}</head>'
    notebook.write_text(f"{head}<body><main><h1>cell</h1>{comparison._repr_html_()}</main></body></html>", encoding="utf-8")
    return {"page": report(comparison, folder / "pair.html"), "notebook": notebook}


@pytest.mark.parametrize(("scheme", "width"), SETTINGS)
@pytest.mark.parametrize("kind", ["page", "notebook"])
def test_it_reads_in_every_setting(browser, pages, comparison, kind, scheme, width):
    with Visit(browser, pages[kind], scheme=scheme, width=width) as visit:
        assert visit.is_quiet()
        visit.page.evaluate(UNFOLD)
        for paragraph in paragraphs(comparison):
            assert visit.page.get_by_text(paragraph).is_visible()
        found = Axe().run(visit.page).response["violations"]
        assert [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found] == []
        if kind == "page":
            assert visit.page.evaluate(OUTSIDE) == []
            assert visit.page.evaluate(OVERLAPPING) == []
            assert visit.page.evaluate(CLIPPED) == []
            assert visit.page.evaluate(SIDEWAYS) == 0

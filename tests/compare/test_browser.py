"""The page of a comparison and its notebook view, in a browser."""

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from torch import nn

from kdprobe.compare import compare
from kdprobe.compare.words import paragraphs
from kdprobe.report import report
from tests.report.test_browser import CLIPPED, OUTSIDE, OVERLAPPING, SIDEWAYS, Visit, browser

pytestmark = pytest.mark.browser
__all__ = ["browser"]

SETTINGS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]


@pytest.fixture(scope="module")
def comparison():
    """With twins, a map of layers, and a refusal."""
    torch.manual_seed(0)
    x, y = np.random.default_rng(0).normal(size=(150, 6)).astype(np.float32), np.random.default_rng(1).integers(0, 3, 150)
    models = [nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 3)) for _ in range(5)]
    return compare(models[0], models[1], (x, y), task="classification", twins=models[2:], layers=["*"])


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
        for paragraph in paragraphs(comparison):
            assert visit.page.get_by_text(paragraph).is_visible()
        found = Axe().run(visit.page).response["violations"]
        assert [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found] == []
        if kind == "page":
            assert visit.page.evaluate(OUTSIDE) == []
            assert visit.page.evaluate(OVERLAPPING) == []
            assert visit.page.evaluate(CLIPPED) == []
            assert visit.page.evaluate(SIDEWAYS) == 0

"""What the site makes of the package and of the repository: no public name and no built page can be missing."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import kdprobe

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def made():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        yield importlib.import_module("made")
        sys.modules.pop("made")


def test_the_api_has_every_public_name(made):
    listed = re.findall(r"^   (kdprobe\.\S+)$", made.api(), flags=re.M)
    assert len(listed) == len(set(listed))
    assert {name for name in listed if name.count(".") == 1} == {f"kdprobe.{name}" for name in kdprobe.__all__} - {"kdprobe.theory"}
    theory = {name.removeprefix("kdprobe.theory.") for name in listed if name.startswith("kdprobe.theory.")}
    assert theory == set(kdprobe.theory.__all__)
    gates = importlib.import_module("kdprobe.testing.gates")
    assert {"kdprobe.testing.check", *(f"kdprobe.testing.gates.{name}" for name in ("gates", "metric", "Gate"))} <= set(listed)
    assert all(hasattr(gates, name.rpartition(".")[2]) for name in listed if ".gates." in name)


def test_every_public_name_is_documented(made):
    for name in re.findall(r"^   (kdprobe\.\S+)$", made.api(), flags=re.M):
        package, _, last = name.rpartition(".")
        assert (getattr(importlib.import_module(package), last).__doc__ or "").strip(), name


def test_links_of_the_repository_are_turned_or_named(made):
    source = Path("reports/first_experiments.md")
    text = "see [the rule](defaults.md), [a page](knowledge.html), [the paper](https://arxiv.org/abs/1) and [sections](../kdprobe/report)"
    assert made.linked(text, source, "tables/first_experiments") == (
        'see [the rule](defaults.md), <a href="../../reports/knowledge.html">a page</a>, [the paper](https://arxiv.org/abs/1) and '
        "sections (`kdprobe/report`)"
    )
    assert made.linked("[calibration](../reports/calibration.md)", Path("benchmarks/README.md"), "benchmarks") == (
        "[calibration](tables/calibration.md)"
    )


def test_the_gallery_has_every_built_page_by_its_question(made):
    gallery = made.gallery()
    pages = {path.name for path in (ROOT / "reports").glob("*.html")}
    assert set(re.findall(r'<a class="report" href="reports/([^"]+)"', gallery)) == pages
    assert gallery.count("<b>") == len(pages)
    assert "Which teacher size serves this student best" in gallery


def test_a_notebook_runs_anew_where_the_package_changed(made, monkeypatch, tmp_path):
    (tmp_path / "kdprobe").mkdir()
    file = tmp_path / "kdprobe" / "a.py"
    monkeypatch.setattr(made, "ROOT", tmp_path)
    found = set()
    for content in ("x = 1", "x = 2"):
        file.write_text(content)
        found.add(made.fingerprint())
    assert len(found) == 2

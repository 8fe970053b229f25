"""The check of the built site's links finds what is broken, and nothing else."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "docs" / "links.py"


@pytest.fixture
def site(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text('<h1 id="top">Sub</h1><a href="../index.html#a%20b">back</a><a href="#top">top</a>')
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "macros.html").write_text('<script src="{{ place }}"></script>')
    (tmp_path / "index.html").write_text(
        '<a id="a b"></a><a href="sub/">sub</a><a href="sub/index.html#top">top</a><a href="https://example.org/gone">outside</a>'
        '<link rel="canonical" href="https://example.org/"><img src="data:image/png;base64,AAAA">'
    )
    return tmp_path


@pytest.fixture(scope="module")
def problems():
    spec = importlib.util.spec_from_file_location("links", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.problems


def test_a_sound_site_has_no_problem(problems, site):
    assert problems(site) == []
    assert subprocess.run([sys.executable, SCRIPT, site]).returncode == 0


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="gone.html">x</a>', "new.html: gone.html leads nowhere"),
        ('<a href="index.html#gone">x</a>', "new.html: index.html#gone names a place that is not there"),
        ('<img src="gone.png">', "new.html: gone.png leads nowhere"),
        ('<script src="https://example.org/a.js"></script>', "new.html: loads https://example.org/a.js from the net"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "new.html: loads https://example.org/a.css from the net"),
    ],
)
def test_what_is_broken_is_named(problems, site, markup, text):
    (site / "new.html").write_text(markup)
    assert problems(site) == [text]
    done = subprocess.run([sys.executable, SCRIPT, site], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, f"{text}\n")

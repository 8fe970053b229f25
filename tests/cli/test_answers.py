"""``kdprobe answers``."""

import shutil
import webbrowser
from pathlib import Path

import pytest

from kdprobe.cli import run

REPORTS = Path(__file__).parent.parent.parent / "reports"


def test_it_opens_the_page_and_says_how_to_make_each_again(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    assert run(["answers"]) == 0
    told = capsys.readouterr().out
    assert opened == [(REPORTS / "index.html").resolve().as_uri()]
    assert "What is the best size of the teacher" in told
    assert "again: python analyses/optimal_ratio.py --out reports/optimal_ratio.html" in told


def test_where_it_lies(capsys):
    assert run(["answers", "--path"]) == 0
    assert Path(capsys.readouterr().out.strip()).samefile(REPORTS / "index.html")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    shutil.copytree(REPORTS, tmp_path / "reports", ignore=shutil.ignore_patterns("gap.runs.csv", "knowledge.runs.csv", "index.html"))
    monkeypatch.setattr("kdprobe.cli.tables.reports_folder", lambda: tmp_path / "reports")
    return tmp_path / "reports"


def test_made_again_from_the_pages_beside_it(elsewhere, capsys):
    assert run(["answers", "--path"]) == 3
    assert "kdprobe answers --again" in capsys.readouterr().err
    assert run(["answers", "--again", "--path"]) == 0
    assert (elsewhere / "index.html").read_bytes() == (REPORTS / "index.html").read_bytes()

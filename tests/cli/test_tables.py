"""The tables that pages cite can be read where there is only a command line."""

import re
import runpy
import zipfile
from pathlib import Path

import pytest

import kdprobe
from kdprobe.cli import run

ROOT = Path(__file__).parent.parent.parent


def test_a_table_is_printed_by_the_name_that_pages_give_it(capsys):
    written = (ROOT / "reports" / "calibration.md").read_text(encoding="utf-8")
    for name in ("calibration", "reports/calibration.md"):
        assert run(["tables", name]) == 0
        assert capsys.readouterr().out.strip() == written.strip()
    assert run(["tables", "calibration", "--path"]) == 0
    assert Path(capsys.readouterr().out.strip()).samefile(ROOT / "reports" / "calibration.md")


def test_tables_alone_are_listed(capsys):
    assert run(["tables"]) == 0
    lines = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert lines["calibration"] == "How often the verdicts are wrong"
    assert "README" not in lines


def test_a_table_that_is_not_there(capsys):
    assert run(["tables", "calibratoin"]) == 2
    assert capsys.readouterr().err.startswith("kdprobe: table 'calibratoin' is unknown: did you mean 'calibration'? Known: calibration, ")


def test_a_wheel_prefers_the_tables_inside_it(capsys, tmp_path, monkeypatch):
    inside = tmp_path / "kdprobe" / "reports"
    inside.mkdir(parents=True)
    (inside / "own.md").write_text("# Of this wheel\n")
    monkeypatch.setattr(kdprobe, "__file__", str(inside.parent / "__init__.py"))
    assert run(["tables"]) == 0
    assert capsys.readouterr().out == "table\twhat it is\nown\tOf this wheel\n"


@pytest.mark.slow
def test_a_wheel_carries_every_file_that_the_package_cites(tmp_path, monkeypatch):
    """And the pages of `kdprobe answers`. Built by the wheel's own steps from a copy, so that nothing is left in the checkout."""
    import shutil

    ignored = shutil.ignore_patterns("__pycache__", "*.csv")
    for name in ("kdprobe", "reports"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored if name == "reports" else shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    backend = pytest.importorskip("setuptools.build_meta")
    wheel = backend.build_wheel(str(tmp_path / "dist"))
    held = set(zipfile.ZipFile(tmp_path / "dist" / wheel).namelist())
    cited = {name for path in (ROOT / "kdprobe").rglob("*.py") for name in re.findall(r"reports/\w+\.md", path.read_text(encoding="utf-8"))}
    assert "reports/calibration.md" in cited
    pages = {f"reports/{name}" for name in re.findall(r'<a href="([\w-]+\.\w+)"', (ROOT / "reports" / "index.html").read_text("utf-8"))}
    assert {"reports/optimal_ratio.html", "reports/taxonomy.html", "reports/trade_offs.md"} <= pages
    assert {f"kdprobe/{name}" for name in (*cited, *pages, "reports/index.html")} <= held


def test_every_file_that_is_cited_is_there(monkeypatch):
    monkeypatch.setattr("setuptools.setup", lambda **_: None)
    found = runpy.run_path(str(ROOT / "setup.py"))["cited"]()
    assert len(found) >= 2
    assert all(path.exists() for path in found)

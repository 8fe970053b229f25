"""``kdprobe report``: the main table for a paper, figures as files, a page that opens; and no stranger's file is lost."""

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kdprobe.cli import run
from kdprobe.core.errors import DataError
from kdprobe.core.pages import MARK, is_figure, is_table
from kdprobe.core.section import Card, Column, Content, Table
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.figures import write_figures
from kdprobe.report.tables import comma_separated, latex, main_tables, markdown
from kdprobe.report.theme.svg import PRINTED
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

SWEEP = "sweep --gap --task letters --scheme same_rows --teacher-widths 4,8 --student-widths 2 --seeds 2 --steps 20 --beside none --jobs 0"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """A sweep of the smallest kind."""
    folder = tmp_path_factory.mktemp("zoo") / "zoo"
    assert run([*SWEEP.split(), "--no-similarity", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def tables():
    world = ZooWorld(seeds=3, arms=(TrueArm(),), tasks=(("letters", "classification"), ("bikeshare", "regression")), student_widths=(8,))
    return main_tables(Evidence(world.zoo()))


def test_there_is_one_table_for_each_kind_of_task(tables):
    assert [table.columns[2].key for table in tables] == ["accuracy", "r2"]
    for table in tables:
        models = [row["model"] for row in table.rows]
        # a student is never shown without its twin
        assert models[0] == "twin, untaught"
        assert [model.partition(",")[0] for model in models[1:2]] == ["student"]
        assert all(row["student"].endswith("parameters)") for row in table.rows)


def test_markdown_has_every_number_with_its_interval(tables):
    text = markdown(tables)
    assert text.startswith(f"<!-- {MARK} -->\n")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| letters")]
    assert len(rows) == len(tables[0].rows)
    assert all(re.fullmatch(r"\d\.\d+ \[\d\.\d+, \d\.\d+\]", row[2]) for row in rows)
    odd = Table(caption="c", columns=(Column(key="a", title="x|y"),), rows=({"a": "p|q\\"},))
    assert "| x\\|y |" in markdown([odd])
    assert "| p\\|q\\\\ |" in markdown([odd])


def test_a_spreadsheet_reads_the_same_numbers(tables):
    rows = list(csv.DictReader(io.StringIO(comma_separated(tables))))
    assert len(rows) == sum(len(table.rows) for table in tables)
    wanted = tables[0].rows[0]["accuracy"]
    assert tuple(float(rows[0][name]) for name in ("accuracy", "accuracy_low", "accuracy_high")) == pytest.approx(wanted)
    assert rows[0]["size"] == tables[0].rows[0]["size"].replace(",", "")
    # what a kind of task has not is empty, and no number
    assert rows[0]["r2"] == rows[-1]["accuracy"] == ""
    odd = Table(caption="c", columns=(Column(key="a", title="a"),), rows=({"a": "=1+1"},))
    assert comma_separated([odd]) == "a\n'=1+1\n"


def test_latex_has_no_sign_that_it_would_read_as_its_own(tables):
    text = latex(tables)
    assert text.startswith(f"% {MARK};")
    assert text.count("\\begin{table}") == text.count("\\end{table}") == 2
    assert "\\toprule" in text
    assert "−" not in text.replace("$-$", "")
    assert all(sign.isascii() for sign in text)
    odd = Table(caption="50 % & more", columns=(Column(key="a", title="a_b"),), rows=({"a": "x#1 {α}"},))
    assert all(part in latex([odd]) for part in ("50 \\% \\& more", "a\\_b", "x\\#1 \\{$\\alpha$\\}"))


def test_a_zoo_of_another_question_has_no_such_table(monkeypatch):
    drawn = [(None, Content(cards=(Card(headline="h", findings=()),)))]
    monkeypatch.setattr(sys.modules[main_tables.__module__], "drawn_sections", lambda _: drawn)
    with pytest.raises(DataError, match="has no table of scores: a sweep that asks --gap or --knowledge has one; give --format html"):
        main_tables(Evidence(None))


def test_a_table_is_printed_or_written_where_a_file_is_named(zoo, capsys):
    assert run(["report", str(zoo), "--format", "md"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"<!-- {MARK} -->\n")
    for name in ("md", "csv", "tex"):
        path = Path(f"table.{name}")
        for _ in range(2):  # its own file it may replace
            assert run(["report", str(zoo), "--format", name, "-o", str(path)]) == 0
            assert capsys.readouterr().out == f"{path}\n"
        assert is_table(path)
    assert Path("table.md").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "pdf"], "format='pdf': give one of csv, html, md, tex"),
        (["--format", "htm"], "format='htm': did you mean 'html'"),
        (["--format", "md", "--open"], "--open opens a page, and --format md writes a table: leave one of the two out"),
        (["--format", "md", "-o", "mine.md"], "path='mine.md' is no table that kdprobe wrote, and would be lost: name another file"),
        (["--format", "csv", "-o", "no/such.csv"], "path='no/such.csv': its folder does not exist"),
        (["--format", "tex", "-o", "."], "path='.' is a folder: name the file to write"),
        (["-o", "page.html", "--figures", "mine.md"], "figures='mine.md' is a file: name a folder, or one that is not there"),
        (["-o", "page.html", "--figures", "link"], "figures='link' is a link: name a folder"),
        (["-o", "page.html", "--figures", "no/such"], "figures='no/such': its folder does not exist"),
        (["-o", "mine.md", "--figures", "figures"], "path='mine.md' is no page that kdprobe wrote"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(zoo, capsys, words, said):
    Path("mine.md").write_text("| my own |\n")
    Path("link").symlink_to("nowhere")
    assert run(["report", str(zoo), *words]) == 2
    assert said in capsys.readouterr().err
    assert sorted(os.listdir()) == ["link", "mine.md"]
    assert Path("mine.md").read_text() == "| my own |\n"


def test_figures_are_files_of_their_own_colours():
    folder, evidence = Path("figures"), ZooWorld(seeds=3, arms=(TrueArm(),), tasks=(("letters", "classification"),), student_widths=(8,))
    files = write_figures(Evidence(evidence.zoo()), folder)
    assert sorted(file.name for file in files) == sorted(os.listdir(folder))
    names = {file.stem for file in files}
    assert {f"{name}{kind}" for name in names for kind in (".svg", ".pdf")} == set(os.listdir(folder))
    assert any("gain-of-mlp-8-on-letters-by-teacher-size" in name for name in names)
    drawn = {file: file.read_bytes() for file in files}
    for file, content in drawn.items():
        assert is_figure(file)
        if file.suffix == ".svg":
            # nothing of a page is left in it, and its text is text
            assert b"var(--" not in content
            assert not re.search(rb"#(0[1-8])\1\1", content)
            assert b"<text" in content
        else:
            assert content.startswith(b"%PDF-")
    assert any(PRINTED["one"].encode() in content for content in drawn.values())
    # the same figures again are the same bytes, in the place of what was there
    write_figures(Evidence(evidence.zoo()), folder)
    assert {file: file.read_bytes() for file in files} == drawn
    strangers = next(iter(drawn))
    strangers.write_bytes(b"%PDF-1.4 mine")
    with pytest.raises(Exception, match="is no figure that kdprobe wrote, and would be lost"):
        write_figures(Evidence(evidence.zoo()), folder)
    assert strangers.read_bytes() == b"%PDF-1.4 mine"


def test_printed_colours_are_those_of_the_light_page():
    style = Path(__file__).parents[2].joinpath("kdprobe/report/theme/page.css").read_text(encoding="utf-8").partition("@media")[0]
    told = dict(re.findall(r"--(\w+): (#\w+);", style))
    assert {role: colour.replace("#ffffff", "#fff") for role, colour in PRINTED.items()} == {role: told[role] for role in PRINTED}


def opened(tmp_path, words, browser):
    """What a browser is asked to show, in a process of its own: which browser there is is read once in each."""
    code = f"import sys; open({str(tmp_path / 'shown')!r}, 'w').write(sys.argv[1])"
    Path("browser.py").write_text(code)
    name = f"{sys.executable} {Path('browser.py').resolve()} %s" if browser else "/no/such/browser"
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")} | {"BROWSER": name}
    if not browser:
        environment["PATH"] = "/nowhere"
    return subprocess.run([sys.executable, "-m", "kdprobe", *words], capture_output=True, text=True, env=environment)


def test_a_page_opens(zoo, tmp_path):
    done = opened(tmp_path, ["report", str(zoo), "-o", "page.html", "--open"], browser=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "shown").read_text() == Path("page.html").resolve().as_uri()


def test_without_a_browser_the_page_is_there_all_the_same(zoo, tmp_path):
    done = opened(tmp_path, ["report", str(zoo), "-o", "page.html", "--open"], browser=False)
    assert done.returncode == 0
    assert done.stderr == "no browser could be opened: open page.html yourself, or name one in the variable BROWSER\n"
    assert Path("page.html").is_file()


@pytest.mark.parametrize("words", [["--dry-run"], ["--pilot"]])
def test_a_sweep_that_writes_no_page_has_none_to_open(capsys, words):
    assert run([*SWEEP.replace("--seeds 2", "--seeds 20").split(), "--open", *words]) == 2
    assert f"--open opens the report, and {words[0]} writes none: leave one of the two out" in capsys.readouterr().err
    assert os.listdir() == []


def test_the_command_of_a_zoo_says_what_was_not_measured(zoo):
    import kdprobe

    with kdprobe.Zoo(zoo) as opened_zoo:
        command = opened_zoo.provenance()["command"]
    assert command.startswith("kdprobe sweep --gap --no-similarity --task letters ")
    page = zoo.joinpath("report.html").read_text(encoding="utf-8")
    assert page.count("--no-similarity") >= 2, "what would change the answer leaves it out too"

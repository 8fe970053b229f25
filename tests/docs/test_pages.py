"""What the site's pages show works: python blocks run, commands are run or at least understood, and no flag is named that there is not."""

import re
import shlex
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from kdprobe import PlanError
from kdprobe.cli import COMMANDS, build, run
from kdprobe.sweep.plan import UNCHECKED
from kdprobe.sweep.plans import asked

ROOT = Path(__file__).parent.parent.parent
WRITTEN = sorted(path for path in (ROOT / "docs").rglob("*.md") if not {"made", "_build"} & set(path.relative_to(ROOT / "docs").parts))
BLOCK = re.compile(r"^```(python|sh|toml)\n(.*?)^```", flags=re.S | re.M)
RUN = {"zoo import", "data check", "data ls", "ls", "gap", "advise", "probe"}
"""Commands that are run as the page gives them. The others would train for minutes, or need a zoo of hours: they are read, plan and all."""


def blocks(path):
    return BLOCK.findall(path.read_text(encoding="utf-8"))


def commands(text):
    """Lines of a shell block that call kdprobe, without their comments."""
    return [words for line in text.splitlines() if (words := shlex.split(line, comments=True))[:1] == ["kdprobe"]]


def path_of(words):
    """Which command a line calls: one word, or two for those that have commands of their own."""
    return " ".join(words[1:3]) if words[1] in ("data", "zoo") else words[1]


def parser(words, config=None):
    question = next((name for name in asked() if f"--{name}" in words), "")
    return build(config, asked=question, command=words[0])


def understood(words):
    """Read a command line as the command does, its plan included, and run nothing."""
    config = words[words.index("--config") + 1] if "--config" in words else None
    # what fits rows of one's own is known when they are read, and nothing is read here
    UNCHECKED.set("--data" in words)
    parser(words, config).parse_args(words, exit_on_error=False, print_error=False)
    UNCHECKED.set(False)


@pytest.mark.parametrize(
    ("line", "error"),
    [("sweep --gap --task leters", "did you mean 'letters'"), ("sweep --gap --sedes 3", "--sedes"), ("zoo shwo letters", "shwo")],
)
def test_a_command_line_that_is_wrong_is_not_understood(line, error):
    with pytest.raises((PlanError, CycloptsError), match=error):
        understood(line.split())


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in WRITTEN if blocks(path)], ids=lambda path: path.stem)
def test_what_a_page_shows_works(path, capsys):
    """One folder and one namespace a page, from its top down, as a reader would."""
    namespace = {"__name__": "__main__"}
    for language, text in blocks(path):
        if language == "toml" and (named := re.match(r"# (\S+\.toml)\n", text)):
            Path(named[1]).write_text(text, encoding="utf-8")
        if language == "python":
            exec(compile(text, str(path), "exec"), namespace)
        for words in commands(text) if language == "sh" else []:
            line = " ".join(words)
            if path_of(words) in RUN:
                assert run(words[1:]) == 0, f"{line}\n{capsys.readouterr().err}"
            else:
                understood(words[1:])


def test_the_pages_that_were_promised_are_there():
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in WRITTEN}
    assert {"index.md", "start.md", "concepts.md", "gallery.md", "glossary.md", "notebooks.md"} <= pages
    names = ("data", "models", "table", "import", "teachers", "settings", "cluster", "plugin", "gates")
    assert {f"howto/{name}.md" for name in names} <= pages
    assert sum(len(blocks(path)) for path in WRITTEN) > 30


def test_every_notebook_stands_on_the_site():
    listed = re.findall(r"^made/notebooks/(\w+)$", (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8"), flags=re.M)
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))


def leaves():
    """Every command, those of groups with their group."""
    app = build()
    found = set()
    for name in COMMANDS:
        below = {command for command in app[name] if not command.startswith("-")} if name in ("data", "zoo") else set()
        found |= {f"{name} {command}" for command in below} or {name}
    return found


def flags():
    """Every flag of every command and of every question of a sweep."""
    found = {"--help", "--version", "--install-completion"}
    for words in [*(leaf.split() for leaf in leaves()), *(["sweep", f"--{name}"] for name in asked())]:
        app = parser(words)
        for word in words:
            app = app if word.startswith("-") else app[word]
        found |= {name for argument in app.assemble_argument_collection() for name in argument.names}
    return found


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_a_page_names_only_commands_and_flags_there_are(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)
    spans, known, there = re.findall(r"`([^`\n]+)`", text), flags(), leaves()
    for span in spans:
        words = span.split()
        if words[:1] == ["kdprobe"] and len(words) > 1 and not words[1].startswith("-"):
            assert path_of(words) in there, f"{path.name}: `{span}`"
        if words[:1] in (["kdprobe"], []) or words[0].startswith("--"):
            for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", span):
                assert flag in known, f"{path.name}: {flag} in `{span}`"


def test_the_page_of_commands_has_every_command():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    listed = {path_of(span.split()) for span in re.findall(r"`(kdprobe [^`]+)`", page.partition("| command |")[2].partition("\n\n")[0])}
    assert listed == leaves()


def test_the_makefile_has_what_pages_name():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    named = {name for path in WRITTEN for name in re.findall(r"`make ([a-z]+)`", path.read_text(encoding="utf-8"))}
    assert named
    assert named <= targets

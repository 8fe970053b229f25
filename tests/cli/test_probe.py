"""The end of ``kdprobe probe``: an answer first, and a command that can be copied."""

import json
import shlex

import numpy as np
import pytest

from kdprobe.cli import run
from kdprobe.cli._again import Spelling
from kdprobe.compare.compared import Call


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Outputs of a teacher, its student, twins and siblings, with the targets: a folder to work in."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    teacher = 3 * np.eye(3)[y] + rng.normal(size=(200, 3))
    made = {"teacher": teacher, "student one": teacher + 0.3 * rng.normal(size=(200, 3)), "y": y}
    for kind, skill in (("twin", 2), ("sibling", 3)):
        made |= {f"{kind}_{i}": skill * np.eye(3)[y] + rng.normal(size=(200, 3)) for i in range(1, 10)}
    for name, values in made.items():
        np.save(f"{name}.npy", values)
    return tmp_path


def probed(capsys, *words):
    """What a command printed as JSON."""
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


WORDS = ("probe", "teacher.npy", "student one.npy", "--task", "classification")
WAYS = [
    ((), " --twins twin_10.npy twin_11.npy twin_12.npy"),
    (("--twins", "twin_1.npy"), " --target targets.npy --twins twin_1.npy"),
    (("--target", "y.npy", "--twins", "twin_1.npy"), " --target y.npy --twins twin_1.npy twin_10.npy twin_11.npy"),
    (
        ("--target", "y.npy", "--twins", "twin_1.npy", "twin_2.npy", "twin_3.npy"),
        " --target y.npy --twins twin_1.npy twin_2.npy twin_3.npy --siblings sibling_10.npy sibling_11.npy sibling_12.npy",
    ),
]


@pytest.mark.parametrize(("given", "command"), WAYS)
def test_the_next_step_is_a_command_that_asks_for_what_is_missing(files, capsys, given, command):
    found = probed(capsys, *WORDS, *given)
    assert found["next"]["command"] == f"kdprobe probe teacher.npy 'student one.npy' --task classification{command}"
    assert found["next"]["why"]
    assert found["next"]["cost"]
    assert found["answer"].startswith(("Whether teaching helped is not", "Teaching helped", "No help"))
    assert found["own"].startswith("Not known: ")
    # in the terminal it stands first, and the command in one line
    assert run([*WORDS, *given]) == 0
    text = capsys.readouterr().out
    assert " ".join(found["answer"].split()) in " ".join(text.split())
    assert f"\n    {found['next']['command']}\n" in text
    assert "kdprobe.compare(" not in text
    # when the files are there, the command runs
    for word in shlex.split(command):
        if word.endswith(("_10.npy", "_11.npy", "_12.npy", "targets.npy")):
            kind, _, number = word.removesuffix(".npy").partition("_")
            np.save(word, np.load("y.npy" if word == "targets.npy" else f"{kind}_{int(number) - 5}.npy"))
    asked = probed(capsys, *shlex.split(found["next"]["command"])[1:])
    assert asked["next"]["command"] != found["next"]["command"]


def test_other_rows_have_files_of_their_own_and_seeds_a_table(files):
    twins = tuple(files / f"twin_{i}.npy" for i in (1, 2))
    write = Spelling(teacher=files / "a.npy", student=files / "b.npy", task="regression", target=files / "y.npy", twins=twins)
    said = write(None, Call(data="rows"))
    assert shlex.split(said)[2:4] == [str(files / "more_rows" / name) for name in ("a.npy", "b.npy")]
    assert said.count("more_rows") == 5
    assert write(None, Call(seeds=8)) == "kdprobe gap --template > runs.csv"


def test_the_page_has_the_command_too(files, capsys):
    assert run([*WORDS, "-o", "page.html"]) == 0
    page = (files / "page.html").read_text(encoding="utf-8")
    assert "kdprobe probe teacher.npy" in page
    assert "kdprobe.compare(" not in page

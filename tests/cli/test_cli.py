"""The command line, as a person meets it: real processes, exit codes, what goes to which stream."""

import json
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from kdprobe.cli import build, run

TINY = [
    "--task",
    "letters",
    "--scheme",
    "same_rows",
    "--teacher-widths",
    "4",
    "8",
    "--student-widths",
    "2",
    "--seeds",
    "3",
    "--steps",
    "20",
    "--beside",
    "none",
]


def kdprobe(*words, **options):
    return subprocess.run([sys.executable, "-m", "kdprobe", *map(str, words)], capture_output=True, text=True, **options)


@pytest.fixture
def told(capsys):
    """Run a command in this process, where what it imports is there already: what it says, and the code it would exit with."""

    def ran(*words):
        capsys.readouterr()
        code, said = run([*map(str, words)]), capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return ran


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A folder that a sweep on one worker wrote, what it printed, and what was left of its processes."""
    folder = tmp_path_factory.mktemp("cli") / "zoo"
    words = [sys.executable, "-m", "kdprobe", "sweep", "--gap", *TINY, "--out", str(folder), "--jobs", "1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        said = process.communicate(timeout=500)
    done = subprocess.CompletedProcess(words, process.returncode, *said)
    assert done.returncode == 0, done.stderr
    deadline = time.monotonic() + 20
    while (left := _group(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return folder, done, left


def test_a_sweep_leaves_a_report_a_table_and_a_zoo(swept):
    folder, done, _ = swept
    assert {path.name for path in folder.iterdir()} == {"index.sqlite", "lock", "plan.json", "report.html", "runs.csv", "shards", "targets"}
    assert f"report: {folder}/report.html" in done.stdout
    assert "letters · student mlp-2" in done.stdout
    assert "100 % done" in done.stderr
    assert "% done" not in done.stdout


def test_the_report_can_be_written_again_elsewhere(swept, tmp_path):
    done = kdprobe("report", swept[0], "-o", tmp_path / "page.html")
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "page.html"))

    def unsealed(page):
        return re.sub(r'<meta name="kdprobe-seal".*\n', "", page.read_text())

    assert unsealed(tmp_path / "page.html") == unsealed(swept[0] / "report.html").replace("runs.csv", "page.runs.csv")


def test_zoo_commands(told, swept):
    folder = swept[0]
    census = json.loads(told("zoo", "ls", folder, "--json").stdout)
    assert {(row["role"], row["width"], row["models"]) for row in census} == {
        *{("teacher", 4, 3), ("teacher", 8, 3), ("twin", 2, 3), ("student", 2, 6)}
    }
    assert "kdprobe sweep --gap --task letters" in told("zoo", "show", folder).stdout
    assert "every file is what it was when it was written" in told("zoo", "verify", folder).stdout
    model = (folder / "runs.csv").read_text().splitlines()[1].split(",")[0]
    shown = json.loads(told("zoo", "show", folder, model[:12], "--json").stdout)
    assert shown["model_id"] == model
    assert shown["nll.B"]


def test_a_damaged_zoo_is_refused(told, swept, tmp_path):
    import shutil

    folder = shutil.copytree(swept[0], tmp_path / "zoo")
    shard = next((folder / "shards").iterdir())
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    done = told("zoo", "verify", folder)
    assert done.returncode == 3
    assert f"shards/{shard.name} is damaged" in done.stdout
    assert "is damaged in 1 place" in done.stderr


@pytest.mark.parametrize("kind", ["tasks", "families", "distillers", "schemes", "probes", "sections"])
def test_ls(told, kind):
    done = told("ls", kind, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert all(thing["name"] and thing["says"] for thing in found)


@pytest.fixture
def outputs(tmp_path):
    """Files of three models' logits on 200 rows, and the true classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 200)
    teacher = 3 * np.eye(4)[y] + rng.normal(size=(200, 4))
    for name, values in {"teacher": teacher, "student": teacher + rng.normal(size=(200, 4)), "twin": 2 * np.eye(4)[y]}.items():
        np.save(tmp_path / f"{name}.npy", values)
    np.savetxt(tmp_path / "y.csv", y, delimiter=",")
    return tmp_path


def test_probe(told, outputs):
    words = ["probe", outputs / "teacher.npy", outputs / "student.npy", "--task", "classification", "--target", outputs / "y.csv"]
    done = kdprobe(*words, "--twin", outputs / "twin.npy", "-o", outputs / "page.html")
    assert done.returncode == 0, done.stderr
    assert "The student names the teacher's class on" in done.stdout
    assert (outputs / "page.html").read_text().startswith("<!doctype html>")
    found = json.loads(told(*words, "--json").stdout)
    own = {row["probe"]: row["value"] for row in found["results"] if row["comparison"] == "own"}
    teacher, student = (np.load(outputs / f"{name}.npy") for name in ("teacher", "student"))
    assert own["agreement_top1"] == (teacher.argmax(1) == student.argmax(1)).mean()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gone.npy", "cannot be read (No such file or directory): check its name"),
        ("a.pt", "is neither .npy nor .csv"),
        ("pickle.npy", "holds no plain array of numbers"),
        ("words.csv", "holds no plain array of numbers"),
    ],
)
def test_probe_refuses_what_is_no_array(told, outputs, name, text):
    np.save(outputs / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    (outputs / "words.csv").write_text("a,b")
    (outputs / "a.pt").write_text("")
    done = told("probe", outputs / name, outputs / "student.npy", "--task", "regression")
    assert done.returncode == 3
    assert text in done.stderr


def test_data_ls_says_what_is_here(told):
    rows = {row["name"]: row for row in json.loads(told("data", "ls", "--json").stdout)}
    assert rows["letters"]["here"] is True
    assert rows["bikeshare"]["licence"] == "CC BY 4.0"


def test_dry_run_trains_nothing(tmp_path):
    done = kdprobe("sweep", "--gap", *TINY, "--out", tmp_path / "zoo", "--dry-run")
    assert done.returncode == 0
    assert "15 models (6 teachers, 3 twins, 6 students)" in done.stdout
    assert "nothing was trained" in done.stdout
    assert not (tmp_path / "zoo").exists()


def test_dry_run_says_what_is_there(told, swept):
    folder = swept[0]
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    def said(*more, words=TINY):
        return told("sweep", "--gap", *words, "--out", folder, "--dry-run", *more).stdout

    assert said().splitlines()[1:] == ["all is there already in zoo: nothing would be trained"]
    probed = said("--probe", "cca").splitlines()
    assert probed[1] == "all of them are there already in zoo, and not all is measured; what follows is for a sweep from nothing"
    found = json.loads(said("--json", words=["4" if word == "3" else word for word in TINY]))
    assert (found["models"], found["models_there"], found["all_there"]) == (20, 15, False)
    other = told("sweep", "--gap", *("7" if word == "20" else word for word in TINY), "--out", folder, "--dry-run")
    assert other.returncode == 2
    assert "holds results of another plan" in other.stderr
    assert "choose another folder with --out" in other.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_settings_from_a_file_are_overridden_by_the_command_line(told, tmp_path):
    (tmp_path / "plan.toml").write_text(
        'task = ["letters"]\nscheme = ["same_rows"]\nseeds = 3\nteacher_widths = [4, 8]\nstudent-widths = [2]\n'
    )
    done = told("sweep", "--gap", "--dry-run", "--json", "--config", tmp_path / "plan.toml", "--seeds", 2, "--beside", "none")
    assert json.loads(done.stdout)["models"] == 4 + 2 + 4, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["sweep"], 2, "say what to ask: --gap"),
        (["sweep", "--gap", "--knowledge"], 2, "sweep asks one question at a time: give one of --gap, --knowledge"),
        (["sweep", "--gap", "--dry-run", "--jobs", "-3"], 2, "jobs=-3: give 0 to run in this process"),
        (["sweep", "--gap", "--dry-run", "--device", "nope"], 2, "device='nope' is unknown: give cpu, cuda"),
        (["sweep", "--gap", "--dry-run", "--device", "cuda:²"], 2, "device='cuda:²' is unknown: give cpu, cuda"),
        (["sweep", "--gap", "--dry-run", "--jobs", "99999999999"], 2, "jobs=99999999999: give at most 1,024; for more, start a Dask"),
        (["sweep", "--gap", "--dry-run", "--engine", "warp"], 2, "engine='warp' is unknown: give one of"),
        (["sweep", "--gap", "--dry-run", "--out", "/dev/null"], 2, "/dev/null is a device: give the path of a folder with --out"),
        (["sweep", "--gap", "--dry-run", "--unit-timeout", "-3"], 2, "unit_timeout=-3.0: give the seconds a unit may take, above 0"),
        (["sweep", "--gap", "--scheduler", "ucx://x"], 2, "scheduler='ucx://x' is no address that can be reached: give one such as tcp://"),
        (["sweep", "--gap", "--dry-run", "--out", ""], 2, "--out is empty: give the path of a new folder"),
        (["sweep", "--gap", "--dry-run", "--out", "a" * 300], 3, "File name too long"),
        (["sweep", "--gap", "--dry-run", "--steps", "inf"], 2, "steps=inf: give a number from 1 to 1e+09"),
        (["sweep", "--gap", "--dry-run", "--teacher-widths", "1e20"], 2, "--teacher-widths 1e20: give a whole number"),
        (["sweep", "--gap", "--tsk", "letters"], 2, "Unknown option: --tsk. Did you mean --task?"),
        (["sweep", "--gap", "--task", "leters"], 2, "task 'leters' is unknown: did you mean 'letters'?"),
        (["sweep", "--gap", "--teacher-widths", "0"], 2, "teacher_widths holds 0: multilayer perceptrons need at least 1 hidden units"),
        (["sweep", "--gap", "--seeds", "1"], 2, "seeds=1: an interval over seeds needs at least 2, a verdict 8"),
        (["sweep", "--gap", "--seeds", "many"], 2, "--seeds many: give a whole number"),
        (["sweep", "--gap", "--teacher-widths", "8", "16.5"], 2, "--teacher-widths 16.5: give a whole number"),
        (["sweep", "--gap", "--jobs", "1.5", "--dry-run"], 2, "--jobs 1.5: give a whole number"),
        (["sweep", "--gap", "--options.depth", "2.5"], 2, "options: depth=2.5: give a whole number"),
        (["sweep", "--knowledge", "--seeds", "4.5"], 2, "--seeds 4.5: give a whole number"),
        (["sweep", "--gap", "--config", "none.toml"], 2, "config='none.toml' cannot be read (No such file or directory)"),
        (["sweep", "--gap", "--dry-run", "--probe", "cca", "ckka"], 2, "probe 'ckka' is unknown: did you mean 'cka'"),
        (["swep"], 2, 'Unknown command "swep"'),
        (["ls", "probs"], 2, "kind='probs' is unknown: did you mean 'probes'?"),
        (["data", "fetch", "leters"], 2, "task 'leters' is unknown: did you mean 'letters'?"),
        (["zoo", "ls", "."], 3, ". is not a zoo: it has no index.sqlite: give the folder that a sweep wrote"),
        (["report", "nowhere"], 3, "nowhere is not a zoo: it has no index.sqlite"),
    ],
)
def test_wrong_usage(told, tmp_path, monkeypatch, words, code, text):
    monkeypatch.chdir(tmp_path)
    done = told(*words)
    assert done.returncode == code
    assert text in done.stderr
    assert done.stderr.startswith("kdprobe: ")
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "text"), [(["swep"], 2, 'Unknown command "swep"'), (["report", "nowhere"], 3, "nowhere is not a zoo")]
)
def test_a_process_exits_with_the_code_of_its_command(tmp_path, words, code, text):
    done = kdprobe(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"kdprobe: {text}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("tsk = 1", "has the unknown key 'tsk': did you mean 'task'"),
        ("task = [", "is no TOML"),
        ("task = " + "[" * 100_000, "is no TOML"),
        ("#" * 1_000_001, "holds more than 1,000,000 bytes: give a TOML file of settings"),
        ("seeds = 4.5", "seeds=4.5: give a whole number"),
        ("seeds = 1", "seeds=1: an interval over seeds needs at least 2"),
    ],
)
def test_a_bad_file_of_settings(told, tmp_path, content, text):
    (tmp_path / "plan.toml").write_text(content)
    done = told("sweep", "--gap", "--config", tmp_path / "plan.toml")
    assert done.returncode == 2
    assert text in done.stderr


def test_an_output_folder_that_cannot_be_written(told, tmp_path):
    (tmp_path / "file").write_text("")
    done = told("sweep", "--gap", *TINY, "--out", tmp_path / "file" / "zoo", "--jobs", 0)
    assert done.returncode == 3
    assert "cannot write to" in done.stderr
    assert "choose another folder with --out" in done.stderr


@pytest.fixture
def mounted(tmp_path):
    """Mount a small file system for a test, where the system lets tests do so."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"this system lets tests mount nothing: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


def test_a_full_disk(mounted):
    folder = mounted("size=100k")
    done = kdprobe("sweep", "--gap", *TINY, "--out", folder / "zoo", "--jobs", 0)
    assert done.returncode == 3, done.stderr
    assert "No space left on device" in done.stderr or "disk is full" in done.stderr
    assert not any(path.name.endswith("-tmp") for path in folder.rglob("*"))


def test_a_read_only_disk(mounted):
    folder = mounted("size=300k,ro")
    done = kdprobe("sweep", "--gap", *TINY, "--out", folder / "zoo", "--jobs", 0)
    assert done.returncode == 3, done.stderr
    assert "Read-only file system: choose another folder with --out" in done.stderr


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(f"{sys.executable} -m kdprobe ls probes | head -n 1", shell=True, capture_output=True, text=True)
    assert done.stdout.startswith("probes")
    assert "Traceback" not in done.stderr


def test_escapes_in_names_are_shown_not_sent(tmp_path, capsys, monkeypatch):
    from kdprobe.cli import _tables, run

    hostile = "a\x1b]0;owned\x07\x1b[2J\u202eb\x9b1m"
    _tables.show(["name\x1b"], [[hostile]])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    _tables.show(["name"], [[hostile]])
    assert run(["zoo", "ls", str(tmp_path / hostile)]) == 3
    said = "".join(capsys.readouterr())
    # a terminal's own bold is rich's
    assert not set("\x07\u202e\x9b") & set(said)
    assert "\x1b[2J" not in said
    assert "\x1b]" not in said
    assert "\\x1b[2J\\u202eb\\x9b1m" in said


def test_no_colour_where_there_is_no_terminal(swept):
    assert "\x1b[" not in swept[1].stdout + swept[1].stderr
    assert "\x1b[" not in kdprobe("--help").stdout


@pytest.mark.slow
def test_help_comes_at_once():
    """Measured as CPU time of the process, so that a busy machine does not matter; the wish is 400 ms on an idle one."""
    before = os.times()
    kdprobe("--help")
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 2.0


def test_children_are_gone_when_a_sweep_ends(swept):
    assert swept[2] == []


def _group(pid):
    return subprocess.run(["ps", "-o", "args=", "-g", str(pid)], capture_output=True, text=True).stdout.splitlines()


def test_a_sweep_over_kinds_of_knowledge(tmp_path):
    words = "--task bikeshare --distiller l2_imitation hint attention --alpha 0.5 --teacher-width 4 --student-widths 2 --seeds 2 --steps 20"
    done = kdprobe("sweep", "--knowledge", *words.split(), "--out", tmp_path / "zoo", "--jobs", 0)
    assert done.returncode == 0, done.stderr
    assert "same rows: INCONCLUSIVE (direction only: below 8 seeds): response knowledge helps" in done.stdout
    assert "attention maps" in (tmp_path / "zoo" / "report.html").read_text()


def test_a_file_of_settings_answers_a_question_with_true_or_false(told, tmp_path):
    (tmp_path / "plan.toml").write_text("gap = 'maybe'\n")
    done = told("sweep", "--gap", "--dry-run", "--config", tmp_path / "plan.toml")
    assert done.returncode == 2
    assert "gap='maybe': give true or false" in done.stderr


def test_a_dry_run_of_many_steps_lays_out_none_of_them():
    words = [
        "--task",
        "bikeshare",
        "--scheme",
        "same_rows",
        "--teacher-widths",
        "2,4",
        "--student-widths",
        "2",
        "--seeds",
        "2",
        "--steps",
        "1000000000",
    ]
    done = kdprobe("sweep", "--gap", "--dry-run", *words, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "nothing was trained" in done.stdout


def test_a_giant_is_refused_before_it_is_built():
    """A network of 10 GB: within less memory than that, and in words."""
    import resource

    words = ["sweep", "--gap", "--dry-run", "--task", "letters", "--teacher-widths", "100000000"]
    limit = 6 << 30

    def held() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = subprocess.run([sys.executable, "-m", "kdprobe", *words], capture_output=True, text=True, preexec_fn=held)
    assert done.returncode == 2, done.stderr
    assert "teacher_widths holds 100000000: a " in done.stderr
    assert "GB of weights: give widths of up to" in done.stderr


def test_a_sweep_must_be_told_what_to_ask(told):
    done = told("sweep", "--task", "letters")
    assert done.returncode == 2
    assert "say what to ask: --gap (which teacher size serves a student best?) or --knowledge" in done.stderr


def test_help_of_a_sweep_is_that_of_its_question():
    gap, knowledge = (kdprobe("sweep", question, "--help").stdout for question in ("--gap", "--knowledge"))
    assert "--teacher-widths" in gap
    assert "--teacher-widths" not in knowledge
    assert "--teacher-width" in knowledge


@pytest.mark.parametrize("asked", ["", "knowledge"])
def test_every_setting_of_a_sweep_has_its_help(asked):
    settings = build(asked=asked, command="sweep")["sweep"].assemble_argument_collection(parse_docstring=True)
    assert [setting.name for setting in settings if setting.show and not setting.parameter.help] == []


def test_help_says_how_options_are_given_and_what_a_pilot_needs():
    said = " ".join(kdprobe("sweep", "--gap", "--pilot", "--help").stdout.replace("│", " ").split())
    assert "named after a dot: --options.depth 2 --options.norm layer" in said
    assert "Needs --seeds 20 at least" in said
    assert "Of 3 teacher sizes it can name one alone" in said
    options = {row["name"]: row["options"] for row in json.loads(kdprobe("ls", "families", "--json").stdout)}
    assert options["mlp"] == "depth 1, norm none, dropout 0.0"


def test_an_interrupt_while_modules_load_is_told_in_words(tmp_path):
    (tmp_path / "cyclopts.py").write_text("raise KeyboardInterrupt\n")
    done = kdprobe("ls", "tasks", cwd=tmp_path, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"})
    assert (done.returncode, done.stderr) == (130, "kdprobe: interrupted\n")


WIDE = 80
TERMINAL = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def on_a_terminal(told, monkeypatch):
    """Run a command as on a terminal of 80 columns: the lines it shows."""
    monkeypatch.setenv("COLUMNS", str(WIDE))

    def ran(*words):
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
            done = told(*words)
        assert done.returncode == 0, done.stderr
        return [TERMINAL.sub("", line).rstrip() for line in done.stdout.splitlines()]

    return ran


def test_tables_fit_80_columns_and_keep_names_whole(on_a_terminal, told, swept):
    model = (swept[0] / "runs.csv").read_text().splitlines()[1].split(",")[0]
    words = [("ls", "probes"), ("ls", "families"), ("ls", "distillers"), ("ls", "schemes"), ("data", "ls"), ("zoo", "ls", swept[0])]
    for command in [*words, ("ls",), ("zoo", "show", swept[0]), ("zoo", "show", swept[0], model)]:
        lines = on_a_terminal(*command)
        assert max(map(len, lines)) <= WIDE, command
        assert len(lines) > 4
    for kind in ("probes", "distillers", "schemes"):
        # what is broken is continued further in
        first = {line.split()[0] for line in on_a_terminal("ls", kind) if re.match(r" \S", line)}
        assert {row["name"] for row in json.loads(told("ls", kind, "--json").stdout)} <= first


def test_ls_alone_lists_all_kinds(told):
    done = told("ls")
    assert done.returncode == 0
    assert [line.split("\t")[0] for line in done.stdout.splitlines() if line.endswith("\twhat it is")] == [
        *("tasks", "families", "distillers", "schemes", "probes", "sections")
    ]
    assert "letters\tLetter recognition" in done.stdout
    everything = json.loads(told("ls", "--json").stdout)
    assert {row["name"] for row in everything["probes"]} == {row["name"] for row in json.loads(told("ls", "probes", "--json").stdout)}


def test_what_a_probe_is_for_is_told_in_short(told):
    lines = dict(line.split("\t", 1) for line in told("ls", "probes").stdout.splitlines())
    assert lines["cka"].split("\t")[1:] == ["both", "cheap"]
    assert lines["r2"].split("\t")[1:] == ["regression", "cheap"]
    assert {row["name"]: row["tasks"] for row in json.loads(told("ls", "probes", "--json").stdout)}["cka"] == "classification, regression"


def test_zoo_show_lays_a_plan_open(told, swept):
    rows = dict(line.split("\t", 1) for line in told("zoo", "show", swept[0]).stdout.splitlines())
    assert rows["plan.teacher_widths"] == "4, 8"
    assert rows["plan.seeds"] == "3"
    assert rows["failed_cells"] == "none"


def test_data_that_is_not_here_has_its_command(told, monkeypatch):
    import kdprobe.tasks.catalogue as catalogue

    entries = catalogue.catalogue()
    assert told("data", "ls").stdout.splitlines()[0].split("\t") == ["task", "kind", "here", "rows", "licence", "source"]
    from dataclasses import replace

    monkeypatch.setattr(catalogue, "catalogue", lambda: [replace(entries[0], here=False), *entries[1:]])
    done = told("data", "ls")
    assert f"\n{entries[0].name}\t{entries[0].kind}\tno\t" in done.stdout
    assert done.stderr == f"kdprobe: `kdprobe data fetch {entries[0].name}` brings what is not here\n"


def test_a_shell_completes_commands_and_flags(tmp_path):
    home = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash"}
    done = kdprobe("--install-completion", "--shell", "bash", env=home)
    assert done.returncode == 0, done.stderr
    script = done.stdout.strip()
    assert script in (tmp_path / ".bashrc").read_text()
    assert "open a new bash" in done.stderr

    def completed(*words):
        typed = " ".join(f"'{word}'" for word in words)
        code = f"source '{script}'; COMP_WORDS=({typed}); COMP_CWORD={len(words) - 1}; _kdprobe; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        return subprocess.run(["bash", "-c", code], capture_output=True, text=True, env=home).stdout.split()

    assert completed("kdprobe", "sw") == ["sweep"]
    assert "--teacher-widths" in completed("kdprobe", "sweep", "--teacher")
    assert set(completed("kdprobe", "zoo", "")) >= {"ls", "show", "verify", "rebuild"}


def test_a_shell_that_is_not_known_must_be_named(told, monkeypatch):
    from cyclopts.completion import detect

    def unknown():
        raise detect.ShellDetectionError

    monkeypatch.setattr(detect, "detect_shell", unknown)
    done = told("--install-completion")
    assert done.returncode == 2
    assert done.stderr == "kdprobe: --install-completion: the shell is not known: give --shell bash, zsh, fish or powershell\n"

"""Sweeps that are interrupted, killed, poisoned or repeated."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from distributed import Client

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.sweep.executors.in_process import InProcess
from kdprobe.zoo.writer import Writer
from tests.conftest import SMALL

TINY = GapPlan(tasks=("letters",), schemes=("same_rows",), teacher_widths=(4, 8), student_widths=(2,), seeds=3, steps=40, beside={})
TINY_FLAGS = [
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
    "40",
    "--beside",
    "none",
]
TIMES = ["seconds"]


def table(zoo: kdprobe.Zoo) -> pd.DataFrame:
    """Everything a reader sees, in an order that does not depend on when it was written."""
    return zoo.runs().drop(columns=TIMES).sort_values("model_id").reset_index(drop=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table of an uninterrupted run."""
    with kdprobe.sweep(TINY, tmp_path_factory.mktemp("whole")) as zoo:
        return table(zoo)


def test_running_again_repeats_nothing(own_zoo_folder, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in own_zoo_folder.rglob("*.safetensors")}
    submitted = []
    submit = InProcess.submit
    monkeypatch.setattr(InProcess, "submit", lambda self, key, *rest, **limit: submitted.append(key) or submit(self, key, *rest, **limit))
    kdprobe.sweep(SMALL, own_zoo_folder).close()
    assert submitted == []
    assert {path: path.stat().st_mtime_ns for path in own_zoo_folder.rglob("*.safetensors")} == before


def test_workers_give_the_same_table_as_one_process(tmp_path, whole):
    with kdprobe.sweep(TINY, tmp_path, jobs=2) as zoo:
        pd.testing.assert_frame_equal(table(zoo), whole)


def test_more_seeds_train_only_what_is_new_and_are_shown_as_a_deviation(tmp_path, whole):
    with kdprobe.sweep(replace(TINY, seeds=2), tmp_path) as zoo:
        first = zoo.models()
        assert zoo.provenance()["deviations"] == []
    with kdprobe.sweep(TINY, tmp_path) as zoo:
        shards = zoo.models().set_index("model_id")["shard"]
        assert (shards[first["model_id"]].to_numpy() == first["shard"].to_numpy()).all()
        (deviation,) = zoo.provenance()["deviations"]
        assert deviation["changes"] == ["seeds: 2 -> 3"]
        assert deviation["models_there"] == len(first)
        places = ["engine", "shard", "slot"]  # models of a seed that came later lie in a shard of their own
        pd.testing.assert_frame_equal(table(zoo).drop(columns=places), whole.drop(columns=places))


def test_another_plan_in_the_same_folder_is_refused(own_zoo_folder):
    before = sorted(path.name for path in own_zoo_folder.rglob("*"))
    with pytest.raises(PlanError, match=r"holds results of another plan \(steps: 60 -> 61\): choose another folder with --out"):
        kdprobe.sweep(replace(SMALL, steps=61), own_zoo_folder)
    assert sorted(path.name for path in own_zoo_folder.rglob("*")) == before


def _command(folder, *more):
    return [sys.executable, "-m", "kdprobe", "sweep", "--gap", *TINY_FLAGS, "--out", str(folder), *more]


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_killed_at_random_moments_the_resumed_table_is_the_uninterrupted_one(tmp_path, whole, jobs):
    """SIGKILL to the parent; its workers must end by themselves and write nothing more."""
    rng, kills = np.random.default_rng(int(jobs)), 0
    for _ in range(5 if jobs == "0" else 2):
        process = subprocess.Popen(_command(tmp_path / "zoo", "--jobs", jobs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # after it has started to write, at a random moment
        deadline = time.monotonic() + 60
        while not (tmp_path / "zoo" / "index.sqlite").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        time.sleep(rng.uniform(0.1, 6.0))
        if process.poll() is None:
            kills += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills > 0
    with kdprobe.sweep(TINY, tmp_path / "zoo") as zoo:
        found = table(zoo)
        assert zoo.verify() == []
    places = ["engine", "shard", "slot"]
    pd.testing.assert_frame_equal(found.drop(columns=places), whole.drop(columns=places))


def test_ctrl_c_ends_with_130_and_can_be_resumed(tmp_path, whole):
    def hearing() -> None:
        """Tests that run in the background of a shell ignore Ctrl-C, and what they start does too."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = _command(tmp_path / "zoo", "--jobs", "0")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hearing)
    while not list((tmp_path / "zoo").rglob("*.safetensors")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == "kdprobe: interrupted: what is finished is kept, run the same command again to go on"
    assert out == ""
    with kdprobe.sweep(TINY, tmp_path / "zoo") as zoo:
        places = ["engine", "shard", "slot"]
        pd.testing.assert_frame_equal(table(zoo).drop(columns=places), whole.drop(columns=places))


def test_two_sweeps_in_one_folder(tmp_path):
    with Writer(tmp_path / "zoo"):
        done = subprocess.run(_command(tmp_path / "zoo", "--jobs", "0"), capture_output=True, text=True)
    assert done.returncode == 2
    assert f"another process (process {os.getpid()}) is writing to" in done.stderr


# ---- cells that fail


def test_a_model_that_diverges_costs_itself_and_its_students(tmp_path, monkeypatch):
    """One seed's teacher is made to diverge for real, by an absurd learning rate; all other cells are done."""
    from kdprobe.sweep import run as run_module
    from kdprobe.sweep import training

    def sabotaged(jobs, problem, engine):
        import msgspec

        mad = [
            msgspec.structs.replace(job, learning_rate=1e38) if (job.role, job.seed, job.width) == ("teacher", 1, 8) else job
            for job in jobs
        ]
        return train(mad, problem, engine)

    train = training.train
    monkeypatch.setattr(training, "train", sabotaged)
    with run_module.run(TINY, tmp_path) as zoo:
        models = zoo.models()
        failed = zoo.provenance()["failed_cells"]
    monkeypatch.undo()
    bad = models[models["status"] == "failed"]
    assert sorted(zip(bad["role"], bad["seed"], strict=True)) == [("student", 1), ("teacher", 1)]
    reasons = dict(zip(bad["role"], bad["reason"], strict=True))
    assert reasons["teacher"].startswith("training diverged by step ")
    assert reasons["student"].startswith("its teacher failed: training diverged by step ")
    assert len(failed) >= 2
    assert (models["status"] == "done").sum() == len(models) - 2
    with kdprobe.sweep(TINY, tmp_path) as zoo:  # mended: the same command trains what failed and measures it
        assert (zoo.models()["status"] == "done").all()
        assert zoo.provenance()["failed_cells"] == []


PLUGIN = """
import os
import signal
import time
from kdprobe.core.recipe import Distiller, LossTruth

def _loss(student, teacher):
    if (teacher.outputs.shape[0] >= 0) and os.environ.get("KDPROBE_TEST_POISON") == "raise":
        raise RuntimeError("poison")
    if os.environ.get("KDPROBE_TEST_POISON") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("KDPROBE_TEST_POISON") == "exit":
        os._exit(1)
    if os.environ.get("KDPROBE_TEST_POISON") == "leave":
        raise SystemExit(1)
    if os.environ.get("KDPROBE_TEST_POISON") == "hang":
        time.sleep(3600)
    return ((student.outputs - teacher.outputs) ** 2).mean(-1)

TRUTH = LossTruth(name="t", make=lambda rng: (rng.normal(size=(3, 2)),) * 2, oracle=lambda s, t: ((s - t) ** 2).mean(1))
POISON = Distiller(name="poison", title="poison", knowledge="control", tasks=("classification",), loss=_loss, formula="", truths=(TRUTH,))
"""


def test_a_poison_cell_ends_as_failed_rows_and_exit_code_1(tmp_path, poison_environment):
    flags = ["--distiller", "kd", "poison"]
    done = subprocess.run(
        _command(tmp_path / "zoo", "--jobs", "0", "--json", *flags), capture_output=True, text=True, env=poison_environment
    )
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    page = re.sub(r"</?a\b[^>]*>", "", (tmp_path / "zoo" / "report.html").read_text())
    assert "All its runs failed" in page
    with kdprobe.Zoo(tmp_path / "zoo") as zoo:
        models = zoo.models()
        assert len(document["failed_cells"]) == (models["status"] == "failed").sum() == 6
        assert set(models.loc[models["status"] == "failed", "distiller"]) == {"poison"}
        assert (models.loc[models["status"] == "failed", "reason"] == "RuntimeError: poison").all()
        assert (models.loc[models["distiller"] != "poison", "status"] == "done").all()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("kill", "its worker died twice (out of memory, or a crash in native code)"),
        ("exit", "its worker died twice (out of memory, or a crash in native code)"),
        ("leave", "it raised SystemExit(1), which ends a process"),
        ("hang", "it took longer than 15 s: raise --unit-timeout if it should"),
    ],
)
def test_a_cell_that_ends_its_worker_each_time_costs_no_other_cell(tmp_path, poison_environment, how, reason):
    """As running out of memory does: real workers, killed, left and hung, each time the cell is tried."""
    flags = "--task letters --scheme same_rows --teacher-widths 4 --student-widths 2 --seeds 2 --steps 40 --beside none"
    done = subprocess.run(
        [sys.executable, "-m", "kdprobe", "sweep", "--gap", *flags.split(), "--distiller", "kd", "poison", "--out", str(tmp_path / "zoo")]
        + ["--jobs", "2", "--json"]
        + ["--unit-timeout", "15"] * (how == "hang"),
        capture_output=True,
        text=True,
        env=poison_environment | {"KDPROBE_TEST_POISON": how},
    )
    assert done.returncode == 1, done.stderr
    with kdprobe.Zoo(tmp_path / "zoo") as zoo:
        models = zoo.models()
        failed = models[models["status"] == "failed"]
        assert set(failed["distiller"]) == {"poison"}
        assert len(failed) == 2
        assert failed["reason"].str.startswith(reason).all()
        assert (models.loc[models["distiller"] != "poison", "status"] == "done").all()
        assert len(json.loads(done.stdout)["failed_cells"]) == 2
        measured = zoo.runs()
        gains = [column for column in measured.columns if column.startswith("gain")]
        assert gains
        assert measured.loc[measured["distiller"] == "kd", gains].notna().all(axis=None)


@pytest.fixture
def poison_environment(tmp_path):
    """An environment in which a plug-in with a poisonous distiller is installed."""
    site = tmp_path / "site"
    info = site / "poison-1.dist-info"
    info.mkdir(parents=True)
    (site / "poison_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: poison\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[kdprobe.distillers]\npoison = poison_plugin:POISON\n")
    return os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{os.environ['PYTHONPATH']}", "KDPROBE_TEST_POISON": "raise"}


def test_a_killed_worker_costs_one_retry(tmp_path, whole):
    """Real workers, one killed while it works: the sweep ends with the same table and nothing failed."""
    process = subprocess.Popen(_command(tmp_path / "zoo", "--jobs", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    victim = None
    deadline = time.monotonic() + 60
    while victim is None and time.monotonic() < deadline and process.poll() is None:
        if list((tmp_path / "zoo").rglob("*.safetensors")):
            workers = [pid for pid in _children(process.pid) if b"spawn_main" in _cmdline(pid)]
            victim = workers[0] if workers else None
        time.sleep(0.02)
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    with kdprobe.Zoo(tmp_path / "zoo") as zoo:
        pd.testing.assert_frame_equal(table(zoo), whole)


def test_workers_end_when_their_parent_is_killed(tmp_path):
    process = subprocess.Popen(_command(tmp_path / "zoo", "--jobs", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "zoo").rglob("*.safetensors")) and process.poll() is None:
        time.sleep(0.02)
    children = _children(process.pid)
    assert children
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in children if _alive(pid)] == []


def _children(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


def _cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_users_own_cluster(tmp_path, whole):
    """A Dask scheduler and a worker started by their own commands give the same table."""
    address_file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    options = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", *options, "--scheduler-file", str(address_file)], **quiet)
    worker = None
    try:
        deadline = time.monotonic() + 60
        while not address_file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(address_file.read_text())["address"]
        with pytest.raises(PlanError, match=rf"scheduler='{address}' has no workers: start some with `dask worker {address}`"):
            kdprobe.sweep(TINY, tmp_path / "zoo", scheduler=address)
        worker_options = ["--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path)]
        worker = subprocess.Popen([*dask, "worker", address, *worker_options], **quiet)
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        with kdprobe.sweep(TINY, tmp_path / "zoo", scheduler=address) as zoo:
            pd.testing.assert_frame_equal(table(zoo), whole)
    finally:
        for process in filter(None, (worker, scheduler)):
            process.terminate()
            process.wait(30)


def test_a_scheduler_that_is_not_there(tmp_path):
    with pytest.raises(PlanError, match=r"scheduler='tcp://127.0.0.1:1' cannot be reached .*give the address that `dask scheduler` prints"):
        kdprobe.sweep(TINY, tmp_path / "zoo", scheduler="tcp://127.0.0.1:1")


def test_what_is_no_plan_no_folder_or_no_number_of_jobs(tmp_path):
    with pytest.raises(PlanError, match=r"jobs=-1: give 0 to run in this process"):
        kdprobe.sweep(TINY, tmp_path / "zoo", jobs=-1)
    with pytest.raises(PlanError, match=r"jobs=1.5: give 0 to run in this process"):
        kdprobe.sweep(TINY, tmp_path / "zoo", jobs=1.5)
    for plan in (None, "gap", kdprobe.GapPlan):
        with pytest.raises(PlanError, match=r"is no plan: give kdprobe.GapPlan\(...\) or kdprobe.KnowledgePlan\(...\)"):
            kdprobe.sweep(plan, tmp_path / "zoo")
    with pytest.raises(PlanError, match="out=None: give the path of a folder"):
        kdprobe.sweep(TINY, None)
    assert not (tmp_path / "zoo").exists()


def test_an_unknown_probe(tmp_path):
    with pytest.raises(PlanError, match=r"probe 'ckaa' is unknown: did you mean 'cka'"):
        kdprobe.sweep(TINY, tmp_path / "zoo", probes=("ckaa",))
    assert not (tmp_path / "zoo").exists()


# ---- engines and devices


def test_a_choice_of_engine_is_recorded_and_used_again(tmp_path, monkeypatch):
    """What trained the first seeds trains those that come later, whatever a new trial would say."""
    from kdprobe.sweep import training

    asked = []
    train = training.train
    monkeypatch.setattr(training, "train", lambda jobs, problem, engine: (asked.append(engine), train(jobs, problem, engine))[1])
    with kdprobe.sweep(replace(TINY, seeds=2), tmp_path, engine="loop") as zoo:
        assert set(zoo.models()["engine"]) == {"loop"}
    assert set(asked) == {"loop"}
    asked.clear()
    with kdprobe.sweep(TINY, tmp_path) as zoo:
        assert set(zoo.models()["engine"]) == {"loop"}
    assert set(asked) == {"loop"}
    with kdprobe.sweep(replace(TINY, seeds=4), tmp_path, engine="stack") as zoo:
        assert set(zoo.models()["engine"]) == {"loop", "chain of 64"}


def test_engines_give_the_same_table_to_rounding(tmp_path, whole):
    with kdprobe.sweep(TINY, tmp_path, engine="loop") as zoo:
        found = table(zoo)
    numbers = [column for column in whole.columns if column.startswith(("nll", "accuracy", "gain", "cka", "kl"))]
    assert found["model_id"].tolist() == whole["model_id"].tolist()  # no id depends on the engine
    pd.testing.assert_frame_equal(found[numbers], whole[numbers], atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"engine": "fast"}, r"engine='fast' is unknown: .*Known: auto, loop, stack"),
        ({"device": "cuda:999"}, r"device='cuda:999' is not there \(torch .*\): leave --device out to train on the CPU"),
    ],
)
def test_an_engine_or_device_that_is_not_there(tmp_path, how, text):
    with pytest.raises(PlanError, match=text):
        kdprobe.sweep(TINY, tmp_path / "zoo", **how)
    assert not (tmp_path / "zoo").exists()


def test_a_device_that_is_not_there_on_the_command_line(tmp_path):
    done = subprocess.run(_command(tmp_path / "zoo", "--device", "cuda:999"), capture_output=True, text=True)
    assert done.returncode == 2
    assert "device='cuda:999' is not there" in done.stderr

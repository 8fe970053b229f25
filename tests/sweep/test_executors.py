"""Calls on real Dask workers, some of which kill them."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

import kdprobe
from kdprobe import PlanError
from kdprobe.sweep.executors.clusters import local_cluster
from kdprobe.sweep.executors.dask_workers import OnDask
from kdprobe.sweep.executors.in_process import InProcess

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2) as opened:
        yield opened


def outcomes(runner, count):
    return {outcome.key: outcome for outcome in (runner.next() for _ in range(count))}


def test_a_call_that_kills_its_worker_costs_no_other_call_its_result(cluster):
    """Dask alone would suspect the calls that wait on the same worker, and give up some of them."""

    def die():
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    def work(i):
        import time

        time.sleep(0.1)
        return i

    runner = OnDask(*cluster)
    assert runner.workers == 2
    runner.submit("poison", die)
    for i in range(12):
        runner.submit(f"work {i}", work, i)
    found = outcomes(runner, 13)
    assert [key for key, outcome in found.items() if outcome.lost] == ["poison"]
    assert [found[f"work {i}"].result for i in range(12)] == list(range(12))


def test_a_call_whose_worker_dies_once_is_tried_again(cluster, tmp_path):
    def die_once(path):
        import os
        import signal

        if not os.path.exists(path):
            with open(path, "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    runner = OnDask(*cluster)
    runner.submit("once", die_once, str(tmp_path / "died"))
    (outcome,) = outcomes(runner, 1).values()
    assert (outcome.result, outcome.error, outcome.lost) == ("alive", None, False)


def test_an_error_is_handed_back_and_not_tried_again(cluster, tmp_path):
    def fail(path):
        with open(path, "a") as file:
            file.write("x")
        raise ValueError("no")

    runner = OnDask(*cluster)
    runner.submit("fails", fail, str(tmp_path / "tries"))
    (outcome,) = outcomes(runner, 1).values()
    assert isinstance(outcome.error, ValueError)
    assert not outcome.lost
    assert (tmp_path / "tries").read_text() == "x"


@pytest.mark.slow
def test_calls_that_exit_at_once_never_cost_the_workers(cluster):
    """A worker is given a call before its nanny knows that it has started: such an exit once left it dead for good."""

    def die():
        import os

        os._exit(1)

    runner = OnDask(*cluster)
    for i in range(3):
        runner.submit(f"exit {i}", die)
    runner.submit("work", int, 1)
    found = outcomes(runner, 4)
    assert sorted(key for key, outcome in found.items() if outcome.lost) == ["exit 0", "exit 1", "exit 2"]
    assert found["work"].result == 1


def hang():
    import time

    time.sleep(600)


def hang_and_keep_the_interpreter():
    import re

    re.match("(a+)+$", "a" * 40 + "b")  # in C, and for centuries


def test_a_call_that_hangs_is_ended_at_its_limit(cluster):
    runner = OnDask(*cluster)
    runner.submit("hangs", hang, limit=1.0)
    runner.submit("keeps", hang_and_keep_the_interpreter, limit=1.0)
    runner.submit("work", int, 1, limit=60.0)
    found = outcomes(runner, 3)
    for key in ("hangs", "keeps"):
        assert found[key].reason == "it took longer than 1 s: raise --unit-timeout if it should"
        assert not found[key].lost
    assert found["work"].result == 1


@pytest.mark.parametrize("where", ["here", "on workers"])
def test_what_ends_a_process_ends_its_call_alone(cluster, where):
    def leave():
        import sys

        sys.exit(3)

    def raise_base():
        raise BaseException("odd")

    runner = InProcess() if where == "here" else OnDask(*cluster)
    runner.submit("exit", leave)
    runner.submit("base", raise_base)
    runner.submit("work", int, 1)
    found = outcomes(runner, 3)
    assert found["exit"].reason == "it raised SystemExit(3), which ends a process: raise an Exception in its place"
    assert found["base"].reason == "it raised BaseException(odd), which ends a process: raise an Exception in its place"
    assert found["work"].result == 1
    if where == "here":
        return

    def interrupt():
        raise KeyboardInterrupt

    runner.submit("interrupt", interrupt)
    assert outcomes(runner, 1)["interrupt"].reason.startswith("it raised KeyboardInterrupt, which ends a process")


class Mute(Exception):
    def __str__(self):
        raise ValueError("no")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Mute(), "Mute: its text cannot be had"),
        (ValueError("\udcff"), r"ValueError: \udcff"),
        (ValueError("x" * 10_000_000), f"ValueError: {'x' * 2000}…"),
    ],
    ids=["mute", "half a letter", "long"],
)
def test_whatever_a_call_raises_has_a_reason_that_can_be_stored(error, said):
    def fail():
        raise error

    runner = InProcess()
    runner.submit("fails", fail)
    assert runner.next().reason == said


def test_an_interrupt_of_this_process_is_not_contained():
    def interrupt():
        raise KeyboardInterrupt

    runner = InProcess()
    runner.submit("interrupt", interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner.next()


def test_a_call_that_eats_memory_costs_its_worker_alone():
    def eat():
        held = []
        while True:
            held.append(bytearray(16 << 20))

    with local_cluster(1, memory=1 << 30) as opened:
        runner = OnDask(*opened)
        runner.submit("eats", eat)
        runner.submit("work", int, 1)
        found = outcomes(runner, 2)
    assert found["eats"].lost
    assert "out of memory" in found["eats"].reason
    assert found["work"].result == 1


INTRUDER = """
import asyncio, os, ssl, sys
from distributed import Security
from distributed.comm import connect

async def enter(address, **how):
    try:
        comm = await connect(address, timeout=2, **how)
        await comm.write({"op": "identity", "reply": True})
        return f"let in ({await asyncio.wait_for(comm.read(), 2)})"
    except (Exception, asyncio.CancelledError) as error:
        return f"refused ({type(error).__name__})"

async def main(addresses):
    without, stranger = ssl.create_default_context(), Security.temporary().get_connection_args("client")
    without.check_hostname, without.verify_mode = False, ssl.CERT_NONE
    await enter(addresses[0], **stranger)  # imports what it needs before it is somebody else's process, which may not read it
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for address in addresses:
        for how in ({"ssl_context": without}, stranger):
            print(await enter(address, **how), flush=True)

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
"""


def test_nobody_else_reaches_the_workers(cluster):
    """From another user's process where tests run as root; else from one without the certificate, which is all another user lacks."""
    client = cluster[0]
    scheduler = client.scheduler_info(n_workers=-1)
    addresses = [scheduler["address"], *scheduler["workers"], *(worker["nanny"] for worker in scheduler["workers"].values())]
    assert all(address.startswith("tls://127.0.0.1:") for address in addresses)
    written: dict[str, Any] = {}
    exec(INTRUDER, written)
    mine = [asyncio.run(written["enter"](address, **client.security.get_connection_args("client"))) for address in addresses]
    assert all(said.startswith("let in") for said in mine), mine
    addresses += [addresses[0].replace("tls://", "tcp://")]
    done = subprocess.run([sys.executable, "-c", INTRUDER, *addresses], capture_output=True, text=True, timeout=120)
    said = done.stdout.splitlines()
    assert len(said) == 2 * len(addresses), done.stderr
    assert all(line.startswith("refused (") for line in said), said


def test_what_workers_write_for_themselves_is_in_a_folder_of_this_user(cluster):
    def place(dask_worker):
        import os

        inside = dask_worker.local_directory
        private = os.path.dirname(os.path.dirname(inside))
        return private, os.stat(private).st_mode & 0o777

    for folder, mode in cluster[0].run(place).values():
        assert Path(folder).name.startswith("kdprobe-")
        assert mode == 0o700


def test_a_limit_needs_a_process_that_can_be_ended(tmp_path):
    with pytest.raises(PlanError, match=r"unit_timeout=5: only a worker process can be ended: give jobs=1 or more"):
        kdprobe.sweep(kdprobe.GapPlan(), tmp_path / "zoo", unit_timeout=5)
    for wrong in (0, -1, float("nan"), "5"):
        with pytest.raises(PlanError, match=r"unit_timeout=.*: give the seconds a unit may take, above 0"):
            kdprobe.sweep(kdprobe.GapPlan(), tmp_path / "zoo", jobs=1, unit_timeout=wrong)


def test_a_runner_made_while_all_workers_are_down_waits_for_them():
    """It once counted none, and handed nothing over for ever."""
    with (
        LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as later,
        Client(later) as client,
    ):
        runner = OnDask(client)
        for i in range(6):
            runner.submit(f"work {i}", int, i)
        later.scale(2)
        client.wait_for_workers(2)
        found = outcomes(runner, 6)
        assert [found[f"work {i}"].result for i in range(6)] == list(range(6))


def test_a_runner_uses_workers_that_come_later():
    def work():
        import time

        time.sleep(5)

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as later,
        Client(later) as client,
    ):
        runner = OnDask(client)
        assert runner.workers == 1
        for i in range(3):
            runner.submit(f"work {i}", work)
        later.scale(2)
        client.wait_for_workers(2)
        outcomes(runner, 3)
        assert runner.workers == 2

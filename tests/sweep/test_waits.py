"""No wait of an executor is without end: what was lost comes back, or an error says what did not."""

import os
import signal
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from kdprobe import DataError, PlanError
from kdprobe.sweep.executors import clusters, dask_workers
from kdprobe.sweep.executors.clusters import local_cluster, users_cluster
from kdprobe.sweep.executors.dask_workers import OnDask

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(1) as opened:
        yield opened


@pytest.fixture
def threads():
    """A cluster of threads of this process, without workers."""
    with (
        LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as opened,
        Client(opened) as client,
    ):
        yield client


def nannies(client):
    return client.cluster.workers


def until(true):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_result_that_is_lost_with_the_last_worker_is_made_anew_by_a_worker_in_its_place(cluster):
    """Such a sweep once waited for ever: its call had ended, and so nobody looked whether a worker was there; and nobody takes the place of
    a worker whose nanny has given up, unasked."""
    client, _ = cluster
    runner = OnDask(*cluster)
    runner.submit("work", int, 7)
    until(lambda: not runner._ended.empty())
    client.cluster.sync(nannies(client)[0].close)
    until(lambda: not client.nthreads())
    outcome = runner.next()
    assert (outcome.result, outcome.error) == (7, None)


@pytest.mark.parametrize("kind", [TimeoutError, CancelledError])
def test_an_error_that_looks_like_one_of_dask_is_the_calls_own(cluster, kind):
    def fail():
        raise kind("mine")

    runner = OnDask(*cluster)
    runner.submit("fails", fail)
    outcome = runner.next()
    assert outcome.reason == f"{kind.__name__}: mine"


def test_a_result_that_takes_its_time_to_come_is_waited_for(cluster, monkeypatch):
    """It was once taken for a failure of the call."""
    monkeypatch.setattr(dask_workers, "LOOK", 0.001)
    runner = OnDask(*cluster)
    runner.submit("work", bytes, 30_000_000)
    outcome = runner.next()
    assert outcome.error is None
    assert len(outcome.result) == 30_000_000


def test_a_call_that_takes_its_alarm_off_is_ended_with_its_worker(cluster, monkeypatch):
    def hang():
        import faulthandler
        import time

        faulthandler.cancel_dump_traceback_later()
        time.sleep(600)

    monkeypatch.setattr(dask_workers, "GRACE", 1.0)
    monkeypatch.setattr(dask_workers, "LOOK", 0.5)
    runner = OnDask(*cluster)
    runner.submit("hangs", hang, limit=1.0)
    runner.submit("work", int, 1)
    found = {outcome.key: outcome for outcome in (runner.next(), runner.next())}
    assert found["hangs"].reason == "it took longer than 1 s: raise --unit-timeout if it should"
    assert found["work"].result == 1


def test_a_call_whose_worker_cannot_be_ended_ends_the_sweep(threads, monkeypatch):
    monkeypatch.setattr(dask_workers, "GRACE", 0.1)
    monkeypatch.setattr(dask_workers, "PATIENCE", 2.0)
    monkeypatch.setattr(dask_workers, "LOOK", 0.5)
    monkeypatch.setattr(dask_workers.faulthandler, "dump_traceback_later", lambda *_, **__: None)
    threads.cluster.scale(1)
    threads.wait_for_workers(1)
    runner = OnDask(threads)
    runner.submit("hangs", time.sleep, 6, limit=0.5)
    with pytest.raises(
        DataError, match=r"hangs went on 2 s beyond its limit of 0 s, and its worker cannot be ended: end the worker's process"
    ):
        runner.next()


def test_no_worker_in_all_its_patience_ends_a_sweep(threads, monkeypatch):
    monkeypatch.setattr(dask_workers, "PATIENCE", 1.0)
    monkeypatch.setattr(dask_workers, "LOOK", 0.2)
    runner = OnDask(threads)
    runner.submit("work", int, 1)
    with pytest.raises(DataError, match="the Dask cluster has lost all its workers: run the same command again to resume"):
        runner.next()


def test_a_scheduler_that_does_not_answer_ends_a_sweep(threads, monkeypatch):
    runner = OnDask(threads)
    monkeypatch.setattr(dask_workers, "PATIENCE", 0.5)
    threads.loop.add_callback(time.sleep, 3)
    runner.submit("work", int, 1)
    with pytest.raises(DataError, match=r"the Dask scheduler does not answer \(.*\): run the same command again to resume"):
        runner.next()


def test_a_cluster_whose_worker_hangs_while_it_starts_is_closed_all_the_same(monkeypatch):
    monkeypatch.setattr(clusters, "CLOSE", 2.0)
    with local_cluster(1) as (client, _):
        nanny = nannies(client)[0]
        first = nanny.pid
        os.kill(first, signal.SIGKILL)
        until(lambda: nanny.pid not in (None, first))
        hung = nanny.pid
        os.kill(hung, signal.SIGSTOP)
        begin = time.monotonic()
    assert time.monotonic() - begin < 30

    def ended():
        try:
            return "(zombie)" in Path(f"/proc/{hung}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or between that and reading
            return True

    until(ended)


@pytest.mark.parametrize("seconds", [0.01, 0.3])
def test_workers_that_cannot_be_started_are_an_error(monkeypatch, seconds):
    """Whether their processes are there by then or not: an assertion of Dask once hid it where they were not."""
    monkeypatch.setattr(clusters, "START", seconds)
    with (
        pytest.raises(DataError, match=r"jobs=1: workers could not be started \(.*\): give fewer, or 0 to run in this process"),
        local_cluster(1),
    ):
        pass


def test_a_users_worker_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "ANSWER", 5.0)  # the scheduler has to answer in it, also on a busy machine
    (tmp_path / "lock").write_text("it")
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as theirs:
        pid = theirs.workers[0].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            with (
                pytest.raises(PlanError, match="a worker of the scheduler did not answer in 5 s: end those that hang, and start others"),
                users_cluster(theirs.scheduler_address, tmp_path, "cpu"),
            ):
                pass
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_users_scheduler_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    """It once ended in a traceback."""
    monkeypatch.setattr(clusters, "ANSWER", 0.5)
    (tmp_path / "lock").write_text("it")

    class Late(Client):
        """Its scheduler is kept busy as soon as it is there."""

        def nthreads(self, **how):
            theirs.loop.add_callback(time.sleep, 3)
            return super().nthreads(**how)

    monkeypatch.setattr(clusters, "Client", Late)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as theirs,
        pytest.raises(PlanError, match=r"did not answer in 0 s: see whether it is overloaded, or start another"),
        users_cluster(theirs.scheduler_address, tmp_path, "cpu"),
    ):
        pass

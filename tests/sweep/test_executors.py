"""Calls on real Dask workers, some of which kill them."""

import pytest

from kdprobe.sweep.executors import OnDask, _local_cluster


@pytest.fixture(scope="module")
def client():
    with _local_cluster(2) as client:
        yield client


def outcomes(runner, count):
    return {outcome.key: outcome for outcome in (runner.next() for _ in range(count))}


def test_a_call_that_kills_its_worker_costs_no_other_call_its_result(client):
    """Dask alone would suspect the calls that wait on the same worker, and give up some of them."""

    def die():
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    def work(i):
        import time

        time.sleep(0.1)
        return i

    runner = OnDask(client)
    assert runner.workers == 2
    runner.submit("poison", die)
    for i in range(12):
        runner.submit(f"work {i}", work, i)
    found = outcomes(runner, 13)
    assert [key for key, outcome in found.items() if outcome.lost] == ["poison"]
    assert [found[f"work {i}"].result for i in range(12)] == list(range(12))


def test_a_call_whose_worker_dies_once_is_tried_again(client, tmp_path):
    def die_once(path):
        import os
        import signal

        if not os.path.exists(path):
            with open(path, "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return "alive"

    runner = OnDask(client)
    runner.submit("once", die_once, str(tmp_path / "died"))
    (outcome,) = outcomes(runner, 1).values()
    assert (outcome.result, outcome.error, outcome.lost) == ("alive", None, False)


def test_an_error_is_handed_back_and_not_tried_again(client, tmp_path):
    def fail(path):
        with open(path, "a") as file:
            file.write("x")
        raise ValueError("no")

    runner = OnDask(client)
    runner.submit("fails", fail, str(tmp_path / "tries"))
    (outcome,) = outcomes(runner, 1).values()
    assert isinstance(outcome.error, ValueError)
    assert not outcome.lost
    assert (tmp_path / "tries").read_text() == "x"

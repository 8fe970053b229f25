"""Units are handed out when the last model that they need is settled, in the order of the plan."""

from types import SimpleNamespace

from kdprobe import GapPlan
from kdprobe.sweep.units import measure_units, train_units
from kdprobe.sweep.waiting import Waiting
from tests.sweep.test_plan import DATA


def unit(name, *needs):
    return SimpleNamespace(name=name, needs=frozenset(needs))


def test_a_unit_waits_for_all_that_it_needs_and_is_given_once():
    a, b, c, d = unit("a"), unit("b", "x", "y"), unit("c", "x"), unit("d", "x", "there")
    waiting = Waiting([a, b, c, d], {"there"})
    assert waiting.ready() == [a]
    assert waiting.ready() == []
    waiting.settle("y")
    assert waiting.ready() == []
    # of those that become ready at once the first of the plan is the first
    waiting.settle("x")
    waiting.settle("x")
    assert waiting.ready() == [b, c, d]
    assert waiting.ready() == []


def test_what_is_there_holds_nothing_up():
    a, b = unit("a", "x"), unit("b", "y")
    waiting = Waiting([a, b], {"x", "y"})
    assert waiting.ready() == [a, b]
    waiting.settle("x")
    assert waiting.ready() == []


def test_a_whole_plan_comes_as_from_a_loop_over_all_that_wait():
    grid = GapPlan(tasks=("letters",), seeds=12, teacher_widths=(4, 8), student_widths=(2,)).grid(DATA)
    units = [*train_units(grid.jobs), *measure_units(grid, ("gain",))]
    waiting, left, settled, order, expected = Waiting(units, ()), list(units), set(), [], []
    while left:
        now = [one for one in left if one.needs <= settled]
        left = [one for one in left if one not in now]
        expected += now
        order += waiting.ready()
        for one in now:
            for job in getattr(one, "jobs", ()):
                settled.add(job.id)
                waiting.settle(job.id)
    assert order == expected
    assert len(order) == len(units)

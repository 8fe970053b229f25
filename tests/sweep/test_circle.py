"""Which seeds stand beside a student, and what a plan of many seeds costs."""

from collections import Counter

import pytest

from kdprobe import GapPlan
from kdprobe.core.identity import content_id
from kdprobe.sweep.circle import OTHERS, Circle
from kdprobe.sweep.units import SEEDS, measure_units
from tests.sweep.test_plan import DATA


def units_of(seeds, **more):
    plan = GapPlan(tasks=("letters",), schemes=("same_rows",), teacher_widths=(8,), student_widths=(4,), seeds=seeds, beside={}, **more)
    return measure_units(plan.grid(DATA), ("kl",))


@pytest.mark.parametrize(("n", "most"), [(2, 9), (10, 9), (11, 9), (12, 3), (40, 9)])
def test_every_teacher_and_every_twin_serves_as_often(n, most):
    seeds = tuple(range(5, 5 + 2 * n, 2))
    circle = Circle(seeds, most=most)
    served = min(most, n - 1)
    for of in (circle.siblings, circle.references):
        beside = {seed: of(seed) for seed in seeds}
        assert all(seed not in others and len(others) == served for seed, others in beside.items())
        assert Counter(other for others in beside.values() for other in others) == dict.fromkeys(seeds, served)
    # a twin is a reference of those whose teachers are its siblings, so that one pair serves as placebo and as baseline
    assert all((other in circle.siblings(seed)) == (seed in circle.references(other)) for seed in seeds for other in seeds)
    assert len(circle.untaught(seeds)) == n * (served + 1)


def test_a_part_is_given_all_that_it_meets():
    circle = Circle(tuple(range(40)), most=3)
    assert sorted(circle.siblings(39)) == [0, 1, 2]
    assert sorted(circle.references(0)) == [37, 38, 39]
    # students 10 and 11 meet teachers up to 14, whose siblings go to 17; twins from 7 on, whose references go back to 4
    assert sorted(circle.teachers({10, 11})) == [*range(10, 18)]
    assert sorted(circle.twins({10, 11})) == [*range(4, 13)]


@pytest.mark.parametrize("seeds", [2, OTHERS + 1])
def test_where_all_stand_beside_each_a_unit_that_is_done_stays_done(seeds):
    (unit,) = units_of(seeds)
    groups = {"/".join(key): sorted(group.values()) for key, group in unit.students.items()}
    assert unit.id == content_id([groups, sorted(unit.teachers.values()), sorted(unit.twins.values()), unit.probes])
    assert len(unit.teachers) == len(unit.twins) == len(unit.seeds) == seeds
    assert unit.pairs == 2 * seeds * seeds
    assert unit.title == "letters: probes of students 4 under teachers 8"


def test_the_pairs_of_a_plan_grow_as_its_seeds():
    pairs = {seeds: sum(unit.pairs for unit in units_of(seeds)) for seeds in (10, 20, 40, 160)}
    assert pairs[10] == 2 * 10 * 10
    assert pairs[20] == 2 * 20 * (OTHERS + 1)
    # parts of more seeds read the twins at their edges each for itself: so many pairs more, whatever the number of parts before
    assert pairs[160] / pairs[40] == pytest.approx(4, rel=0.1)


def test_more_seeds_leave_the_parts_that_are_far_from_the_end_as_they_are():
    before, after = ({unit.seeds: unit for unit in units_of(seeds)} for seeds in (4 * SEEDS, 5 * SEEDS))
    assert [len(seeds) for seeds in after] == [SEEDS] * 5
    same = [min(seeds) for seeds in before if before[seeds].id == after[seeds].id]
    # the first and the last part met each other around the circle, and meet the new ones now
    assert same == [SEEDS, 2 * SEEDS]
    assert len({unit.id for unit in (*before.values(), *after.values())}) == 4 + 5 - 2
    assert after[frozenset(range(SEEDS))].title == f"letters: probes of students 4 under teachers 8, seeds 0-{SEEDS - 1}"


def test_every_student_of_many_seeds_is_in_one_unit():
    units = units_of(2 * SEEDS + 1)
    students = [model for unit in units for group in unit.students.values() for model in group.values()]
    assert len(students) == len(set(students)) == 2 * SEEDS + 1
    assert [len(unit.seeds) for unit in units] == [SEEDS, SEEDS, 1]
    assert all(set(unit.circle.siblings(seed)) <= set(unit.teachers) for unit in units for seed in unit.seeds)

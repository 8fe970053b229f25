"""What is a teacher's own by pair of layers: against a loop written out, and where there is nothing of it."""

import numpy as np
import pytest

from kdprobe import Trace, cka
from kdprobe.report.evidence.own_by_layer import MOST_LAYERS, own_by_layer


def models(seed, shared, count=3, own=None, n=120):
    """Networks that all saw the same, each beside what `own` gives it."""
    rng = np.random.default_rng(seed)
    found = {}
    for i in range(count):
        first = shared + rng.normal(size=(n, 5)) + (0 if own is None else 2 * own[i])
        found[i] = Trace.from_raw("regression", first[:, :2] + rng.normal(size=(n, 2)), features={"first": first, "last": first**2})
    return found


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(0)
    shared, private = rng.normal(size=(120, 5)), rng.normal(size=(3, 120, 5))
    # what each teacher knows alone is in its student's first layer, and in no twin
    return models(1, shared, own=private), models(2, shared), models(3, shared, own=private)


def test_a_pair_of_layers_is_the_loop_written_out(three):
    students, twins, teachers = three
    names, values = own_by_layer(students, twins, teachers)
    assert names == tuple(f"{mine} with {theirs}" for mine in ("first", "last", "outputs") for theirs in ("first", "last", "outputs"))

    def of(trace, layer):
        return trace.raw if layer == "outputs" else trace.features[layer]

    for place, name in enumerate(names):
        mine, theirs = name.split(" with ")
        for seed in range(3):
            parts = []
            for model in (students[seed], twins[seed]):
                toward = [cka(of(model, mine), of(teachers[t], theirs)).value for t in range(3)]
                parts.append(toward[seed] - np.mean([toward[t] for t in range(3) if t != seed]))
            assert values[seed, place] == pytest.approx(parts[0] - parts[1], abs=1e-9)


def test_it_is_found_where_it_is_and_not_with_another_teacher(three):
    students, twins, teachers = three
    names, values = own_by_layer(students, twins, teachers)
    assert values[:, names.index("first with first")].min() > 0.1
    turned = own_by_layer(students, twins, {0: teachers[1], 1: teachers[2], 2: teachers[0]})[1]
    assert turned[:, names.index("first with first")].max() < 0


def test_logits_are_read_without_a_shift_that_says_nothing_and_a_constant_layer_is_left_out():
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(9, 80, 4))
    shift = 30 * rng.normal(size=(80, 1))
    plain, shifted = (
        [Trace.from_raw("classification", one + by, features={"flat": np.ones((80, 2))}) for one in logits] for by in (0, shift)
    )
    found = [own_by_layer(*({i: group[k + i] for i in range(3)} for k in (0, 3, 6))) for group in (plain, shifted)]
    assert found[0][0] == found[1][0] == ("outputs with outputs",)
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-6)


def test_of_many_layers_the_first_and_the_last_are_among_those_read():
    rng = np.random.default_rng(5)
    groups = [
        {
            i: Trace.from_raw("regression", rng.normal(size=(60, 1)), features={f"l{k}": rng.normal(size=(60, 2)) for k in range(9)})
            for i in range(3)
        }
        for _ in range(3)
    ]
    names, values = own_by_layer(*groups)
    assert len(names) == MOST_LAYERS**2
    assert {names[0], names[-1]} == {"l0 with l0", "outputs with outputs"}
    assert values.shape == (3, MOST_LAYERS**2)

"""The failure signatures, on histories whose truth is known."""

import numpy as np
import pytest

from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.signatures import SLOW, UNDER_TWIN, UNSTEADY, share_to_reach, signatures, upward_share
from kdprobe.testing.worlds.zoo import FLAT, TrueArm, ZooWorld

TASK = (("letters", "classification"),)


def flags(seeds=10, seed=0, **effects):
    world = ZooWorld(tasks=TASK, seeds=seeds, seed=seed, arms=(TrueArm(**({"gain": FLAT, "over_confidence": 0.0} | effects)),))
    found = signatures(Evidence(world.zoo()))
    return {name: int(group["flagged"].sum()) for name, group in found.groupby("signature")}


def test_upward_share_of_known_curves():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(200, 400)), axis=1)
    assert upward_share(walk).mean() == pytest.approx(0.5, abs=0.02)
    assert upward_share(np.array([[3.0, 2.5, 1.0], [1.0, 1.0, 1.0]])).tolist() == [0.0, 0.0]
    # free of scale and shift
    np.testing.assert_allclose(upward_share(walk), upward_share(7 * walk + 3))
    assert np.isnan(upward_share(np.array([[1.0, np.nan, 2.0]]))).all()


def test_time_to_a_level_of_an_exponential():
    times = np.arange(1, 201) / 200
    curve = np.exp(-5 * times)
    reached = share_to_reach(curve[None], np.array([np.exp(-2.0)]), times)
    assert reached[0] == pytest.approx(0.4, abs=1e-3)
    assert share_to_reach(curve[None], np.array([2.0]), times)[0] == times[0]
    assert share_to_reach(curve[None], np.array([0.0]), times)[0] == 1.0


def test_a_steady_world_has_no_flags():
    assert flags() == {"under_twin": 0, "unsteady": 0, "slow": 0}


@pytest.mark.parametrize(
    ("effects", "name"),
    [({"gain": dict.fromkeys(FLAT, -0.08)}, UNDER_TWIN.name), ({"unsteady": 0.3}, UNSTEADY.name), ({"slow": 1.5}, SLOW.name)],
)
def test_each_signature_is_found_alone(effects, name):
    found = flags(**effects)
    assert found.pop(name) == 18
    assert sum(found.values()) == 0


def test_false_flags_are_few():
    counts = [sum(flags(seeds=8, seed=seed).values()) for seed in range(12)]
    # 54 cells × signatures a world: without correction, one in forty would be more than one a world
    assert np.mean([count > 0 for count in counts]) <= 0.35


def test_a_zoo_without_history_still_has_the_first_signature(small_world):
    class Without:
        def __getattr__(self, name):
            return getattr(small_world, name)

        def history(self, model_ids=None):
            return small_world.history([])

    found = signatures(Evidence(Without()))
    assert set(found["signature"]) == {UNDER_TWIN.name}

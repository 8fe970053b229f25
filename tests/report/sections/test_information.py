"""What was transferred, left behind and known by the student itself: bars and numbers of worlds whose truth is known."""

import re

import numpy as np
import pytest

from kdprobe.core.registry import available
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import is_likeness, transfers
from kdprobe.report.sections.information import INFORMATION, OWN, SHARED, Shares
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld


@pytest.fixture(scope="module")
def content(world):
    return INFORMATION.draw(Evidence(world))


def test_the_table_has_the_worlds_numbers(content):
    rows = {(row["student"], row["arm"]): row for row in content.tables[0].rows}
    assert len(rows) == 12
    taught, same = rows["letters · mlp-8", "transfer rows"], rows["letters · mlp-8", "same rows"]
    for name, truth in (("twins", 2.15), ("recipe", 0.04), ("transferred", 0.01), ("left", 0.40), ("own", 0.03), ("gained", 0.05)):
        value, low, high = taught[name]
        assert low < value < high
        assert value == pytest.approx(truth, abs=0.003)
    assert taught["retained"][0] == pytest.approx(2.23 / 2.6, abs=0.005)
    assert same["transferred"][0] == pytest.approx(0.0, abs=0.002)
    assert same["transferred"][1] < 0 < taught["transferred"][1]


def test_a_bar_adds_up_and_counts_as_transferred_what_exceeds_siblings_and_twins():
    def shares(own, siblings, twins):
        values = {SHARED: own, "left_behind": 2.6 - own, OWN: np.full_like(own, 0.03)}
        return Shares(group=None, own=values, twin={SHARED: twins}, siblings=siblings, seeds=3)  # pyright: ignore[reportArgumentType]

    rng = np.random.default_rng(0)
    own, noise = 2.0 + 0.01 * rng.normal(size=10), 0.001 * rng.normal(size=10)
    for siblings, twins, parts in (
        (own - 0.1, own - 0.3, (1.7, 0.2, 0.1)),
        (own - 0.3, own - 0.1, (1.9, 0.0, 0.1)),  # siblings below twins: the twins set the bar
        (own + 0.1, own - 0.3, (1.7, 0.3, 0.0)),
        (own - 0.1, own + 0.3, (2.0, 0.0, 0.0)),  # a student that shares less than twins got nothing
    ):
        found = shares(own, siblings + noise, twins - noise)
        assert found.parts == pytest.approx((*parts, 0.6, 0.03), abs=0.01)
        assert sum(found.parts) == pytest.approx(own.mean() + found.own["left_behind"].mean() + 0.03)
        assert min(found.parts) >= 0
        value, low, high = found.transferred
        assert value == pytest.approx(min(own.mean() - siblings.mean(), own.mean() - twins.mean()), abs=0.001)
        assert low < value < high


def test_a_figure_a_task_says_its_numbers_to_those_who_cannot_see_it(content):
    assert len(content.figures) == 2
    described = re.search(r"<desc[^>]*>(.*?)</desc>", content.figures[0].svg)
    assert described
    assert described[1].count("transferred") == 6
    assert "mlp-8, transfer rows: transferred 0.01" in described[1]
    for part in ("shared, as twins do", "left behind", "its own"):
        assert part in content.figures[0].svg


def test_one_seed_and_a_zoo_without_these_probes_have_no_section():
    alone = ZooWorld(seeds=1, tasks=(("letters", "classification"),), student_widths=(8,)).zoo()
    assert INFORMATION.draw(Evidence(alone)) is None
    zoo = ZooWorld(seeds=2, tasks=(("letters", "classification"),), student_widths=(8,), arms=(TrueArm(),)).zoo()
    found = zoo.measurements()
    zoo.measurements = lambda: found[found["probe"] != "left_behind"]
    assert INFORMATION.draw(Evidence(zoo)) is None


def test_only_likenesses_are_split_in_three(world):
    assert {name for name in available("probes") if not is_likeness(name)} >= {"left_behind", "own_information", "usable_information"}
    found = {transfer.probe for transfer in transfers(Evidence(world))}
    assert "shared_information" in found
    assert not found & {"left_behind", "own_information"}

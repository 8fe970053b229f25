"""What stands beside the plan's own setting is told from it: by the plan, not by how many students there are."""

import pytest

from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.transfers import transfers
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld

WORLD = ZooWorld(
    seeds=3, tasks=(("letters", "classification"),), student_widths=(8,),
    arms=tuple(TrueArm(temperature=temperature) for temperature in (1.0, 2.0, 4.0)), beside={"temperature": (1.0, 2.0, 4.0)},
)  # fmt: skip


def evidence(**plan):
    zoo = WORLD.zoo()
    zoo._provenance = zoo.provenance() | {"plan": zoo.provenance()["plan"] | plan}
    return Evidence(zoo)


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        ({}, {"same rows": "", "same rows T=2": "at T 2", "same rows T=4": "at T 4"}),
        ({"temperature": 2.0}, {"same rows T=1": "at T 1", "same rows": "", "same rows T=4": "at T 4"}),
        # what is a list, or tuned, is crossed: each of its values is a setting of the plan's own
        ({"temperature": [1.0, 2.0, 4.0]}, {"same rows T=1": "", "same rows T=2": "", "same rows T=4": ""}),
        ({"tune": ["temperature"]}, {"same rows T=1": "", "same rows T=2": "", "same rows T=4": ""}),
        # a zoo of before there was anything beside
        ({"beside": None}, {"same rows T=1": "", "same rows T=2": "", "same rows T=4": ""}),
    ],
)
def test_the_plan_says_what_is_its_own_setting(plan, wanted):
    found = evidence(**plan).groups
    assert {group.arm: group.beside for group in found} == wanted
    assert [group.primary for group in found] == [not group.beside for group in found]
    # what is primary comes first
    assert sorted(found, key=lambda group: not group.primary) == found


def test_only_what_is_primary_has_a_place_on_the_first_screen():
    found = evidence()
    assert {transfer.arm for transfer in transfers(found)} == {"same rows"}
    assert found.place(found.groups[0]) == ("letters · student mlp-8 (0.4 k parameters)", "same rows")

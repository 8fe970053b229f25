"""Everything that is installed keeps the contract of its kind: asked is what a plug-in's author asks, and no more."""

import pytest

from kdprobe import DataError, available
from kdprobe.testing import SUITES, check

THINGS = [(kind, name) for kind in SUITES for name in available(kind)]


def costly(kind: str, name: str) -> bool:
    return kind == "probes" and available(kind)[name].cost == "costly"


@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(kind, name, marks=[pytest.mark.slow] if costly(kind, name) else [], id=f"{kind}-{name}") for kind, name in THINGS],
)
def test_contract(kind, name):
    try:
        check(kind, available(kind)[name])
    except DataError as error:
        if kind != "tasks":
            raise
        pytest.skip(f"the data of {name} is not on this machine: {error}")

"""The one door to all suites."""

import pytest

from kdprobe import PlanError
from kdprobe.core.registry import KINDS
from kdprobe.testing import SUITES, check


def test_an_unknown_kind():
    with pytest.raises(PlanError, match=r"kind='probs' is unknown: did you mean 'probes'"):
        check("probs", None)


def test_every_kind_has_a_suite():
    assert set(SUITES) == set(KINDS)

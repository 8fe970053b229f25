"""The contract suite that kdprobe runs over everything it holds, for people who write their own probe, distiller, task, family or scheme.

In a test of a plug-in::

    from kdprobe.testing import check

    def test_my_probe():
        check("probes", MY_PROBE)
"""

import importlib
from typing import Any

from kdprobe.core.errors import PlanError, did_you_mean

SUITES = {
    "probes": "kdprobe.testing.probes:check_probe",
    "distillers": "kdprobe.testing.distillers:check_distiller",
    "families": "kdprobe.testing.families:check_family",
    "schemes": "kdprobe.testing.schemes:check_scheme",
    "tasks": "kdprobe.testing.tasks:check_task",
    "sections": "kdprobe.testing.sections:check_section",
}


def check(kind: str, thing: Any) -> None:
    """Raise ContractError unless a thing keeps the contract of its kind.

    Parameters
    ----------
    kind
        "probes", "distillers", "families", "schemes", "tasks" or "sections".
    thing
        The frozen value that a plug-in registers.

    Examples
    --------
    >>> from kdprobe import available
    >>> check("schemes", available("schemes")["same_rows"])
    """
    if kind not in SUITES:
        raise PlanError(f"kind={kind!r} is unknown: {did_you_mean(kind, SUITES)}")
    module, _, function = SUITES[kind].partition(":")
    getattr(importlib.import_module(module), function)(thing)

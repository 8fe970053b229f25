"""``kdprobe gates``."""

import json as json_module
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from kdprobe.cli._tables import Flag


def gates(
    *metrics: str,
    task: str | None = None,
    quick: Flag = False,
    seeds: int | None = None,
    reading: Annotated[Literal["specific", "moved"], Parameter(negative=())] = "specific",
    json: Flag = False,
) -> int:
    """Put metrics through the six gates before they may be called transfer.

    Small networks are trained for it: 1,000 untaught twins and more that a metric must not call taught, students at every weight of the
    teacher, and controls that were taught nothing of this teacher. That takes minutes. Exits with 4 where a metric does not pass all.

    Parameters
    ----------
    metrics
        Names of probes, or modules on Python's path that hold one: my_package.metric, or my_package.metric:NAME.
    task
        A task whose data are here. By default letters, or bikeshare for what is for regression alone.
    quick
        Small networks, and too few to pass G1: shows that a metric runs, and fails it where it must.
    seeds
        Paired seeds of doses and controls: ten by default, with which hardly any control can be shown to stay at nothing. Decide before
        the first look.
    reading
        "specific": own teacher minus siblings minus the same of an untaught twin. "moved": student minus untaught twins, as a metric is
        read where nobody trained siblings.
    json
        Print one JSON document in place of a table.
    """
    from kdprobe.cli._tables import show
    from kdprobe.core.errors import PlanError
    from kdprobe.core.words import visible

    if not metrics:
        raise PlanError("metrics is empty: name a probe, or a module that holds one: kdprobe gates my_package.metric")
    # a metric of the folder that one stands in, as with python -m
    sys.path.insert(0, "")
    from dataclasses import asdict

    from kdprobe.testing.gates import gates as put
    from kdprobe.testing.gates import metric

    probes = [metric(name) for name in metrics]

    def told(text: str) -> None:
        print(f"kdprobe: {visible(text)}", file=sys.stderr)

    found = put(probes, task=task, quick=quick, seeds=seeds, reading=reading, progress=told)
    if json:
        print(json_module.dumps({name: [asdict(gate) for gate in through] for name, through in found.items()}))
    else:
        rows = [
            [name, gate.name, gate.outcome, *(_number(value) for value in (gate.number, gate.threshold)), gate.says]
            for name, through in found.items()
            for gate in through
        ]
        show(["metric", "gate", "outcome", "number", "threshold", "what was found"], rows)
    return 0 if all(gate.outcome == "pass" for through in found.values() for gate in through) else 4


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"

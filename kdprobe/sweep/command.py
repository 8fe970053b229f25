"""A plan as the command that repeats it."""

import shlex
from typing import Any

from kdprobe.sweep.plan import Plan

SINGULAR = {"tasks": "task", "schemes": "scheme", "distillers": "distiller", "alphas": "alpha"}


def command_of(command: str, plan: Plan, out: str) -> str:
    """Return the command that repeats a plan, with every setting that is not a default.

    Examples
    --------
    >>> from kdprobe import GapPlan
    >>> command_of("kdprobe sweep --gap", GapPlan(tasks=("letters",), seeds=20, alpha=(0.3, 0.7)), "zoo")
    'kdprobe sweep --gap --task letters --seeds 20 --alpha 0.3,0.7 --out zoo'
    """
    kind: Any = type(plan)
    default: Plan = kind().quick() if command.endswith("--quick") else kind()
    usual, words = default.settings_of(), [command]
    for name, value in plan.settings_of().items():
        if value == usual[name] or name == "own_data" or (name == "tasks" and set(plan.own_data) >= set(value)):
            continue
        flag = "--" + SINGULAR.get(name, name).replace("_", "-")
        if isinstance(value, dict):
            named = [(f"{flag}.{key.replace('_', '-')}", _spelt(part)) for key, part in value.items()]
            words += [word for pair in named or [(flag, "none")] for word in pair]
        elif isinstance(value, bool):
            words += [flag if value else f"--no-{flag[2:]}"]
        else:
            words += [flag, _spelt(value)]
    return " ".join([*words, "--out", shlex.quote(out)])


def _spelt(value: Any) -> str:
    return shlex.quote(",".join(map(str, value if isinstance(value, tuple) else (value,))))

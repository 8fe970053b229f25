"""How a plan is spelt as a command."""

import shlex
from dataclasses import fields

from kdprobe.sweep.plans import Plan

SINGULAR = {"tasks": "task", "schemes": "scheme", "distillers": "distiller", "alphas": "alpha"}


def spelled(command: str, plan: Plan, out: str) -> str:
    """Return the command that repeats a plan, with every setting that is not a default.

    Examples
    --------
    >>> from kdprobe import GapPlan
    >>> spelled("kdprobe sweep --gap", GapPlan(tasks=("letters",), seeds=20), "zoo")
    'kdprobe sweep --gap --task letters --seeds 20 --out zoo'
    """
    default = type(plan)().quick() if command.endswith("--quick") else type(plan)()
    words = [command]
    for field in fields(plan):
        value = getattr(plan, field.name)
        if value == getattr(default, field.name):
            continue
        flag = "--" + field.name.replace("_", "-")
        if isinstance(value, dict):
            words += [word for key, part in value.items() for word in (f"{flag}.{key}", shlex.quote(str(part)))]
            continue
        words.append("--" + SINGULAR.get(field.name, field.name).replace("_", "-"))
        words += [shlex.quote(str(part)) for part in (value if isinstance(value, tuple) else (value,))]
    return " ".join([*words, "--out", shlex.quote(out)])

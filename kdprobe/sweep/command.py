"""A plan as the command that repeats it."""

import shlex
from collections.abc import Mapping
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
    default: Plan = kind().quick() if "--quick" in command.split() else kind()
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


def changed(command: str, settings: Mapping[str, str]) -> str | None:
    """Return a command that `command_of` gave with some of its settings changed; None where it is no command of a sweep.

    Parameters
    ----------
    settings
        Flag without its dashes -> value, as a shell reads it.

    Examples
    --------
    >>> changed("kdprobe sweep --gap --task letters --seeds 5 --out zoo", {"seeds": "10", "out": "more"})
    'kdprobe sweep --gap --task letters --seeds 10 --out more'
    >>> changed("kdprobe.sweep(plan, out)", {"seeds": "10"})
    """
    try:
        parts = shlex.split(command)
    except ValueError:
        return None
    if parts[:2] != ["kdprobe", "sweep"] or len(parts) < 3:
        return None
    # what stands before any flag is the command; a flag has the words up to the next one
    flags: list[list[str]] = []
    for part in parts[2:]:
        if part.startswith("--"):
            flags.append([part])
        elif flags:
            flags[-1].append(part)
    new = {f"--{name}": value for name, value in settings.items()}
    told: dict[str, str] = {}
    for words in flags:
        own = " ".join(map(shlex.quote, words))
        # a flag that is given twice is a list; a new value stands for all of it
        told[words[0] if words[0] in new else own] = f"{words[0]} {new[words[0]]}" if words[0] in new else own
    kept = list((told | {flag: f"{flag} {value}" for flag, value in new.items() if flag not in told}).values())
    kept.sort(key=lambda words: words.startswith("--out "))  # last, as it was
    return " ".join(["kdprobe sweep", *kept])


def _spelt(value: Any) -> str:
    return shlex.quote(",".join(map(str, value if isinstance(value, tuple) else (value,))))

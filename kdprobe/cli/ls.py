"""``kdprobe ls``."""

import json as json_module
from collections.abc import Mapping
from typing import Any

from kdprobe.cli._tables import Flag


def ls(kind: str, *, json: Flag = False) -> int:
    """List what there is of one kind, plug-ins included.

    Parameters
    ----------
    kind
        tasks, families, distillers, schemes, probes or sections.
    json
        Print one JSON document in place of a table.
    """
    from kdprobe.cli._tables import show
    from kdprobe.core.registry import available

    found = available(kind)
    # what says most of a thing is called differently by kind; a plug-in of any kind has one of these
    words = {
        name: next(getattr(thing, key) for key in ("asks", "question", "regime", "title") if hasattr(thing, key))
        for name, thing in found.items()
    }
    # what a probe costs decides whether a sweep runs it unasked
    wanted = {"probes": ("tasks", "cost"), "distillers": ("tasks",), "families": ("options",)}.get(kind, ())
    more = [key for key in wanted if all(hasattr(thing, key) for thing in found.values())]
    details = {name: {key: _plain(getattr(thing, key)) for key in more} for name, thing in found.items()}
    if json:
        print(json_module.dumps([{"name": name, "says": text, **details[name]} for name, text in words.items()]))
    else:
        columns = [kind, "what it is", *({"tasks": "for", "options": "options and their defaults"}.get(key, key) for key in more)]
        show(columns, [[name, text, *details[name].values()] for name, text in words.items()])
    return 0


def _plain(value: str | tuple[str, ...] | Mapping[str, Any]) -> str:
    if isinstance(value, Mapping):
        # as the command line takes them, with what they are by default
        return ", ".join(f"{name} {default}" for name, default in value.items())
    return value if isinstance(value, str) else ", ".join(value)

"""``kdprobe ls``."""

import json as json_module
from collections.abc import Mapping
from typing import Any

from kdprobe.cli._tables import Flag


def ls(kind: str | None = None, *, json: Flag = False) -> int:
    """List what there is, plug-ins included: of one kind, or of all.

    Parameters
    ----------
    kind
        tasks, families, distillers, schemes, probes or sections; all of them where none is given.
    json
        Print one JSON document in place of a table.
    """
    from kdprobe.cli._tables import show
    from kdprobe.core.registry import KINDS

    if kind is None:
        found = {name: _listed(name) for name in KINDS}
        if json:
            print(json_module.dumps({name: rows for name, (rows, _) in found.items()}))
            return 0
        for name, (rows, _) in found.items():
            show([name, WHAT], [[row["name"], row["says"]] for row in rows])
        return 0
    rows, more = _listed(kind)
    if json:
        print(json_module.dumps(rows))
    else:
        titles = [TITLES.get(key, key) for key in more]
        show([kind, WHAT, *titles], [[BOTH if value == KINDS_OF_TASK else value for value in row.values()] for row in rows])
    return 0


WHAT = "what it is"
TITLES = {"tasks": "for", "options": "options and their defaults"}
KINDS_OF_TASK, BOTH = "classification, regression", "both"


def _listed(kind: str) -> tuple[list[dict[str, str]], list[str]]:
    """Rows of one kind, and what they hold beside name and words."""
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
    rows = [{"name": name, "says": words[name], **{key: _plain(getattr(thing, key)) for key in more}} for name, thing in found.items()]
    return rows, more


def _plain(value: str | tuple[str, ...] | Mapping[str, Any]) -> str:
    if isinstance(value, Mapping):
        # as the command line takes them, with what they are by default
        return ", ".join(f"{name} {default}" for name, default in value.items())
    return value if isinstance(value, str) else ", ".join(value)

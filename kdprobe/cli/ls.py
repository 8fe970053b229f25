"""``kdprobe ls``."""

import json as json_module

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
    if json:
        print(json_module.dumps([{"name": name, "says": text} for name, text in words.items()]))
    else:
        show([kind, "what it is"], [[name, text] for name, text in words.items()])
    return 0

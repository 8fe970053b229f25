"""``kdprobe data``."""

import json as json_module
from dataclasses import asdict

from cyclopts import App

from kdprobe.cli._tables import Flag

data = App(name="data", help="List the data of the tasks, and fetch what is not here.", help_format="plaintext")


@data.command(name="ls")
def list_data(*, json: Flag = False) -> int:
    """List every task with its source, its licence, and whether its data is on this machine.

    Parameters
    ----------
    json
        Print one JSON document in place of a table.
    """
    from kdprobe.cli._tables import show
    from kdprobe.tasks.catalogue import catalogue

    entries = catalogue()
    if json:
        print(json_module.dumps([asdict(entry) | {"folder": str(entry.folder) if entry.folder else None} for entry in entries]))
        return 0
    rows = [
        [
            entry.name,
            entry.kind,
            "here" if entry.here else f"kdprobe data fetch {entry.name}",
            entry.rows or "",
            entry.licence,
            entry.source,
        ]
        for entry in entries
    ]
    show(["task", "kind", "data", "rows", "licence", "source"], rows)
    return 0


@data.command(name="fetch")
def fetch(name: str) -> int:
    """Download the data of a task and verify it.

    Parameters
    ----------
    name
        Name of the task.
    """
    from kdprobe.tasks.catalogue import fetch as fetch_files

    print(fetch_files(name))
    return 0

"""``kdprobe data``."""

import json as json_module
import sys
from dataclasses import asdict
from pathlib import Path

from cyclopts import App

from kdprobe.cli._own import OwnData
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
    rows = [[entry.name, entry.kind, "yes" if entry.here else "no", entry.rows or "", entry.licence, entry.source] for entry in entries]
    show(["task", "kind", "here", "rows", "licence", "source"], rows)
    if missing := [entry.name for entry in entries if not entry.here]:
        print(f"kdprobe: `kdprobe data fetch {missing[0]}` brings what is not here", file=sys.stderr)
    return 0


@data.command(name="check")
def check(*files: Path, own: OwnData | None = None, json: Flag = False) -> int:
    """Say what a sweep would do with data of your own; trains nothing and writes nothing.

    Parameters
    ----------
    files
        A file, several, or a folder, as --data of a sweep takes them.
    json
        Print one JSON document in place of text.
    """
    from dataclasses import replace

    from kdprobe.cli._own import tell
    from kdprobe.tasks.own.make import from_files
    from kdprobe.tasks.splits import PARTS, split

    own = replace(own or OwnData(), data=(*files, *(own.data if own else ())))
    made = from_files(own.data, own.checked(), **own.how())
    parts = split(made.task)
    rows = {part: getattr(parts, part).n for part in PARTS}
    shape = parts.input_shape
    if json:
        found = {
            "name": made.task.name,
            "kind": made.task.kind,
            "rows": made.task.rows,
            "inputs": shape,
            "outputs": parts.names,
            "parts": rows,
        }
        print(json_module.dumps({**found, "sha256": made.task.sha256, "said": made.said, "warnings": made.warnings}))
        return 0
    inputs = f"{shape[0]} inputs" if len(shape) == 1 else f"images of {' × '.join(map(str, shape))}"
    outputs = (
        f"{len(parts.names)} classes" if made.task.kind == "classification" else f"{len(parts.names)} value{'s' * (len(parts.names) > 1)}"
    )
    print(f"{made.task.name}: {made.task.rows:,} rows, {inputs}, {outputs}.")
    tell(made.said, made.warnings, sys.stdout)
    told = ", ".join(f"{part.replace('_', ' ')} {count:,}" for part, count in rows.items())
    print(f"Rows of each part: {told}.")
    print("A sweep chooses the number of steps on validation rows. Run it with `kdprobe sweep --gap --data ... --target ...`.")
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

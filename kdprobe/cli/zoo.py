"""``kdprobe zoo``."""

import json as json_module
import sys
from pathlib import Path

from cyclopts import App

from kdprobe.cli._tables import Flag

zoo = App(name="zoo", help="List, show and verify the models of a zoo.", help_format="plaintext")


@zoo.command(name="ls")
def list_models(path: Path, *, json: Flag = False) -> int:
    """List how many models of which size there are.

    Parameters
    ----------
    path
        Folder that a sweep wrote.
    json
        Print one JSON document in place of a table.
    """
    from kdprobe.cli._tables import show
    from kdprobe.zoo import Zoo

    with Zoo(path) as opened:
        table = opened.census()
    records = table.to_dict("records")
    if json:
        print(json_module.dumps(records))
    else:
        show(list(table.columns), [list(record.values()) for record in records])
    return 0


@zoo.command(name="show")
def show_model(path: Path, model: str | None = None, *, json: Flag = False) -> int:
    """Show where a zoo comes from, or everything that is known of one model.

    Parameters
    ----------
    path
        Folder that a sweep wrote.
    model
        Id of a model, or the beginning of one; runs.csv lists them.
    json
        Print one JSON document in place of text.
    """
    from kdprobe.cli._tables import show
    from kdprobe.zoo import Zoo

    with Zoo(path) as opened:
        found = opened.provenance() if model is None else opened.describe(model)
    if json:
        print(json_module.dumps(found))
    else:
        show(["what", "value"], [[key, value if isinstance(value, str) else json_module.dumps(value)] for key, value in found.items()])
    return 0


@zoo.command(name="verify")
def verify(path: Path) -> int:
    """Check every file of a zoo against its SHA-256.

    Parameters
    ----------
    path
        Folder that a sweep wrote.
    """
    from kdprobe.zoo import Zoo

    with Zoo(path) as opened:
        problems = opened.verify()
        models = len(opened.models())
    for problem in problems:
        print(problem)
    if problems:
        print(f"kdprobe: {path} is damaged in {len(problems)} place{'s' if len(problems) > 1 else ''}", file=sys.stderr)
        return 3
    print(f"{path}: {models} models, every file is what it was when it was written")
    return 0

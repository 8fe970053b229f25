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
    from kdprobe.cli._tables import flat, show
    from kdprobe.zoo import Zoo

    with Zoo(path) as opened:
        found = opened.provenance() if model is None else opened.describe(model)
    if json:
        print(json_module.dumps(found))
    else:
        show(["what", "value"], [*flat(found)])
    return 0


@zoo.command(name="verify")
def verify(path: Path) -> int:
    """Check every row of a zoo against its seal, and every file against its SHA-256.

    Parameters
    ----------
    path
        Folder that a sweep wrote.
    """
    from kdprobe.core.words import visible
    from kdprobe.zoo import Zoo

    with Zoo(path) as opened:
        problems = opened.verify()
        models = 0 if problems else len(opened.models())
        proven = problems or opened.proven
    for problem in problems:
        print(visible(problem))
    if problems:
        print(f"kdprobe: {path} is damaged in {len(problems)} place{'s' if len(problems) > 1 else ''}", file=sys.stderr)
        return 3
    if proven:
        print(f"{path}: {models} models, every row and every file is what it was when it was written")
    else:
        print(f"{path}: {models} models, every file is what it was when it was written")
        print("its rows cannot be proven: zoo format 2 kept no seals, so a changed number would not show")
    return 0


@zoo.command(name="merge")
def merge_parts(*parts: Path, out: Path) -> int:
    """Bring the models together that the same sweep trained in several parts, with --shard; nothing is trained or measured.

    The same sweep with the merged folder, without --shard, then measures them and writes the report, as if it had trained them all.

    Parameters
    ----------
    parts
        Folders that the parts wrote.
    out
        Folder of the whole; made if it is not there.
    """
    from kdprobe.zoo.merge import merge

    found = merge(parts, out)
    there = f", {found.there} were there already" if found.there else ""
    print(f"{out}: {found.models} models came{there}. Run the same sweep with --out {out} and without --shard: it measures and reports")
    return 0


@zoo.command(name="rebuild")
def rebuild_index(path: Path) -> int:
    """Read a lost or damaged index back from the models' files; nothing is trained.

    What was measured of students is not in these files: run the same sweep again, which measures it anew.

    Parameters
    ----------
    path
        Folder that a sweep wrote.
    """
    from kdprobe.core.words import visible
    from kdprobe.zoo.rebuild import rebuild

    found = rebuild(path)
    for problem in found.lost:
        print(f"not read back: {visible(problem)}")
    if found.predicted:
        print(
            "the predictions of theory are those of plan.json, and nothing vouches any more that they stood before the first model; the "
            "page says so too"
        )
    kept = f"; the index of before is {found.before}" if found.before else ""
    print(f"{path}: {found.models} models read back{kept}. Run the same sweep again: it trains what is lost and measures")
    return 0

"""``kdprobe zoo import``."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from kdprobe.cli._manifest import COLUMNS, model_of, read_manifest
from kdprobe.core.errors import DataError, PlanError


def import_models(
    folder: Path,
    *,
    manifest: Path | None,
    target: Path | None,
    task: str | None,
    x: Path | None = None,
    blocks: Path | None = None,
    name: str | None = None,
    out: Path | None = None,
    template: bool = False,
) -> int:
    """Take models of a folder into a zoo, and measure them."""
    if template:
        print(",".join(COLUMNS))
        for column, text in COLUMNS.items():
            print(f"{column}: {text}", file=sys.stderr)
        return 0
    manifest = manifest or folder / "manifest.csv"
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: give the one that holds the models' files")
    if target is None or task is None:
        raise PlanError("say what is true and of which kind it is, as in --target y.npy --task classification")
    out = out or Path(f"{folder.resolve().name}-zoo")
    entries = read_manifest(manifest)
    given = {what: _column(folder, file, what) for what, file in (("target", target), ("blocks", blocks))}
    rows = None if x is None else _rows(_there(folder, x))
    from kdprobe.sweep.imported.measure import measure
    from kdprobe.zoo import Zoo

    fresh = not out.exists()
    ids: dict[str, str] = {}
    try:
        with Zoo.create(out, given["target"], task=task, name=name or folder.resolve().name, blocks=given["blocks"]) as zoo:
            for entry in entries:
                _add(zoo, entry, folder, rows, ids)
    except BaseException:
        # all of them or none: what is half there would be a study of what came first
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        raise
    command = ["kdprobe zoo import", folder.name, "--manifest", manifest.name, "--target", target.name, "--task", task]
    with measure(out, command=" ".join([command[0], *map(shlex.quote, command[1:])])) as zoo:
        from kdprobe.report import report_with_verdicts

        page, lines, answers = report_with_verdicts(zoo, out / "report.html")
    print(*lines, "", *answers, sep="\n")
    print(f"\n{out}: {len(ids)} models. report: {page}")
    return 0


def _add(zoo: Any, entry: Any, folder: Path, rows: Any, ids: dict[str, str]) -> None:
    cells = entry.cells
    model, layers = model_of(entry, folder)
    how: dict[str, Any] = {"size": entry.number("size", int), "width": entry.number("width", int), "steps": entry.number("steps", int, 0)}
    how |= {"family": cells.get("family") or "own", "layers": layers, "x": rows}
    if cells["role"] == "student":
        how |= {"alpha": entry.number("alpha", float), "temperature": entry.number("temperature", float)}
        how |= {"scheme": cells.get("scheme") or "same_rows", "distiller": cells.get("distiller") or None}
    for other in ("teacher", "twin"):
        if cells.get(other):
            if cells[other] not in ids:
                raise DataError(f"line {entry.line} of the manifest: {other} is {cells[other]!r}, which no row above names as its {other}")
            how[other] = ids[cells[other]]
    try:
        ids[cells["model"]] = zoo.add(model, role=cells["role"], seed=entry.number("seed", int), **how)
    except (PlanError, DataError) as error:
        raise type(error)(f"line {entry.line} of the manifest ({cells['model']}): {error}") from error


def _there(folder: Path, file: Path) -> Path:
    inside = folder / file
    return inside if inside.is_file() else file


def _rows(file: Path) -> np.ndarray:
    from kdprobe.cli._predictions import read_predictions

    return read_predictions(file).values


def _column(folder: Path, file: Path | None, what: str) -> np.ndarray | None:
    """A column of a file, or all of them: .npy, or CSV with words."""
    if file is None:
        return None
    path = _there(folder, file)
    if path.suffix == ".npy":
        found = _rows(path)
    else:
        from kdprobe.tasks.own.read import read_table

        found = read_table(path).to_numpy()
    return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

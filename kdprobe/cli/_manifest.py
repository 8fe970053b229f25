"""A manifest of models that were trained elsewhere: one row a model, and files beside it."""

import csv
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kdprobe.cli._predictions import read_predictions
from kdprobe.core.errors import DataError, PlanError, did_you_mean

COLUMNS: Mapping[str, str] = {
    "model": "a name of your own, by which students name their teacher and twin",
    "role": "teacher, twin or student",
    "seed": "the paired unit: a student, its twin and its teacher have the same",
    "size": "number of parameters; may be left out where weights are given",
    "family": "what it is called, as in resnet; own by default",
    "width": "what its name ends in, as in resnet-50; the size by default",
    "teacher": "of a student, its teacher's name; may be left out where there is one of its seed",
    "twin": "of a student, its twin's name; may be left out where there is one of its seed, family and width",
    "outputs": "file of what it says of the rows of the target: .npy or .csv, or .npz with outputs and hidden layers",
    "weights": "in its place: a .safetensors file",
    "factory": "and the function that builds the network: module:function",
    "arguments": "of that function, as JSON",
    "scheme": "of a student: same_rows, transfer_rows, ...",
    "distiller": "of a student: kd, l2_imitation, ...",
    "alpha": "of a student, needed: weight of the teacher's loss",
    "temperature": "of a student",
    "steps": "how long it was trained",
}
NEEDED = ("model", "role", "seed")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".bin", ".ckpt")
ORDER = ("teacher", "twin", "student")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row: its line in the file, and what its cells hold."""

    line: int
    cells: Mapping[str, str]

    def number(self, name: str, make: Callable[[str], Any], default: Any = None) -> Any:
        """A number of the row, or DataError that names the line."""
        text = self.cells.get(name, "")
        if not text:
            return default
        try:
            value = float(text)
            return make(text) if make is float else int(value) if value == int(value) else make(text)
        except (ValueError, OverflowError) as error:
            raise DataError(
                f"line {self.line} of the manifest: {name} is {text!r}: give a {'number' if make is float else 'whole number'}"
            ) from error


def read_manifest(path: Path) -> list[Entry]:
    """Return the rows of a manifest, teachers first, then twins, then students.

    Raises
    ------
    DataError
        If the file cannot be read, a column is missing or unknown, a name is there twice, or a role is none.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}): give a CSV file in UTF-8") from error
    names = [name.strip() for name in lines[0]] if lines else []
    for name in NEEDED:
        if name not in names:
            near = f" (its columns are {', '.join(names[:8])})" if names else ""
            raise DataError(f"{path} has no column {name!r}{near}: {COLUMNS[name]}")
    for name in names:
        if name not in COLUMNS:
            raise DataError(f"{path} has a column {name!r}, which is unknown: {did_you_mean(name, COLUMNS)}")
    found: list[Entry] = []
    for place, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            raise DataError(f"line {place} of {path} has {len(cells)} cells, its first line {len(names)}: mend the line")
        found.append(Entry(line=place, cells={name: cell.strip() for name, cell in zip(names, cells, strict=True)}))
    known: dict[str, int] = {}
    for entry in found:
        name, role = entry.cells["model"], entry.cells["role"]
        if not name:
            raise DataError(f"line {entry.line} of {path} has no model: give each a name of its own")
        if name in known:
            raise DataError(f"lines {known[name]} and {entry.line} of {path} are both named {name!r}: give each model a name of its own")
        if role not in ORDER:
            raise DataError(f"line {entry.line} of {path}: role is {role!r}: {did_you_mean(role, ORDER)}")
        known[name] = entry.line
    if not found:
        raise DataError(f"{path} has no models: give a row for each")
    return sorted(found, key=lambda entry: ORDER.index(entry.cells["role"]))


def model_of(entry: Entry, folder: Path) -> tuple[Any, Mapping[str, np.ndarray] | None]:
    """The model of a row, as `kdprobe.Zoo.add` takes it: a network with its weights, or outputs and hidden layers.

    Raises
    ------
    DataError
        If a file is missing, a pickle, or not what it should be.
    PlanError
        If the factory cannot be imported or does not build the network of the weights.
    """
    outputs, weights, factory = (entry.cells.get(name, "") for name in ("outputs", "weights", "factory"))
    where = f"line {entry.line} of the manifest ({entry.cells['model']})"
    if bool(outputs) == bool(weights):
        raise DataError(f"{where} gives {'both outputs and weights' if outputs else 'neither outputs nor weights'}: give one of them")
    file = folder / (outputs or weights)
    if file.suffix.lower() in PICKLES:
        raise DataError(
            f"{where}: {file.name} may be a pickle, which can run any code: save the weights with "
            "safetensors.torch.save_file(model.state_dict(), path), or the outputs with numpy.save"
        )
    if not file.is_file():
        raise DataError(f"{where}: {file} is not there: give its path below {folder}")
    if weights:
        return _network(file, factory, entry.cells.get("arguments", ""), where), None
    if file.suffix.lower() == ".npz":
        return _arrays(file, where)
    return read_predictions(file).values, None


def _arrays(file: Path, where: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    try:
        with np.load(file, allow_pickle=False) as held:
            found = {name: held[name] for name in held.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: {file} is no file of numpy.savez with plain arrays ({error}): save it anew") from error
    if "outputs" not in found:
        raise DataError(f"{where}: {file} holds {', '.join(found) or 'nothing'}, no 'outputs': name the outputs so, the rest are layers")
    return found.pop("outputs"), found


def _network(file: Path, factory: str, arguments: str, where: str) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    module, _, name = factory.partition(":")
    if not module or not name:
        raise PlanError(f"{where}: factory is {factory!r}: name the function that builds the network, as in my_networks:resnet")
    if file.suffix.lower() != ".safetensors":
        raise DataError(f"{where}: {file.name} is no .safetensors file: save with safetensors.torch.save_file(model.state_dict(), path)")
    try:
        given = json.loads(arguments) if arguments else {}
    except ValueError as error:
        raise DataError(f'{where}: arguments is {arguments!r}, no JSON: give an object such as {{"width": 8}}') from error
    if not isinstance(given, dict):
        raise DataError(f'{where}: arguments is {arguments!r}: give an object such as {{"width": 8}}')
    try:
        build = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PlanError(f"{where}: factory {factory!r} cannot be imported ({error}): run where Python finds {module}") from error
    try:
        network = build(**given)
        network.load_state_dict(load_file(file))
    except SafetensorError as error:
        raise DataError(f"{where}: {file.name} is damaged ({error}): save it anew") from error
    except (TypeError, RuntimeError, AttributeError) as error:
        text = str(error).strip().splitlines()
        raise PlanError(
            f"{where}: {factory}({arguments}) does not take these weights ({' '.join(text)[:200]}): build what was saved"
        ) from error
    return network

"""``kdprobe probe``."""

import json as json_module
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from kdprobe.cli._tables import Flag

if TYPE_CHECKING:
    import numpy as np


def probe(
    teacher: Path,
    student: Path,
    *,
    task: Literal["classification", "regression"],
    target: Path | None = None,
    twins: Annotated[tuple[Path, ...], Parameter(name=["--twin", "--twins"], consume_multiple=True, negative=(), show_default=False)] = (),
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    json: Flag = False,
) -> int:
    """Compare the outputs of a student with those of its teacher, row by row.

    Files are .npy arrays or .csv tables of numbers without a header, one row a sample: logits or probabilities for classification,
    predictions for regression.

    Parameters
    ----------
    teacher
        Outputs of the teacher.
    student
        Outputs of the student on the same rows.
    task
        "classification" or "regression".
    target
        The true classes 0..C-1, or the true values.
    twins
        Outputs of untaught twins: without them, likeness cannot be told from transfer.
    output
        HTML page to write.
    json
        Print one JSON document in place of text.
    """
    import kdprobe

    y = None if target is None else read_array(target)
    if y is not None and task == "classification":
        y = y.reshape(len(y), -1)[:, 0] if y.size == len(y) else y
        y = y.astype(int) if (y == y.astype(int)).all() else y
    found = kdprobe.compare(
        read_array(teacher), read_array(student), (None, y), task=task, twins=[read_array(twin) for twin in twins]
    )  # fmt: skip
    if output is not None:
        kdprobe.report(found, output)
    if json:
        rows = found.to_frame().astype(object).where(lambda frame: frame.notna(), None).to_dict("records")
        print(json_module.dumps({"sentence": found.sentence, "results": rows, "page": None if output is None else str(output)}))
    else:
        print(found)
        if output is not None:
            print(f"\npage: {output}")
    return 0


def read_array(path: Path) -> "np.ndarray":
    """Read numbers from .npy or .csv.

    Raises
    ------
    DataError
        If the file is missing, is of another kind, or holds anything but numbers.
    """
    import numpy as np

    from kdprobe.core.errors import DataError

    if path.suffix not in (".npy", ".csv"):
        raise DataError(f"{path} is neither .npy nor .csv: save the outputs with numpy.save or numpy.savetxt(..., delimiter=',')")
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file: it is told as having no rows
            return np.loadtxt(path, delimiter=",", ndmin=2)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}): check its name") from error
    except (ValueError, EOFError) as error:
        # numpy's own words advise to unpickle it
        why = "it was not written by numpy.save" if path.suffix == ".npy" else str(error)
        raise DataError(f"{path} holds no plain array of numbers ({why}): save the outputs with numpy.save") from error

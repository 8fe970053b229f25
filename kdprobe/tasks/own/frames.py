"""What may stand for a frame: pandas, and what turns itself into one, data sets of Hugging Face among them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kdprobe.core.errors import DataError, did_you_mean
from kdprobe.tasks.own.images import as_pixels


def as_frame(frame: Any) -> Any:
    """Return a pandas DataFrame of what is one, or can be: polars, Arrow tables, data sets of Hugging Face, whose classes get their names.

    Raises
    ------
    DataError
        If it is several splits, a stream, or no table.
    """
    given: Any = frame
    if isinstance(frame, Mapping) and given and all(hasattr(part, "to_pandas") for part in given.values()):
        raise DataError(
            f"frame is a {type(given).__name__} of {', '.join(map(str, given))}: give one of them, such as [{next(iter(given))!r}]"
        )
    if hasattr(given, "columns") and hasattr(given, "dtypes"):
        # polars has both names too, and no index
        return given if hasattr(given, "set_axis") else given.to_pandas()
    if hasattr(given, "features") and not hasattr(given, "to_pandas"):
        raise DataError(f"frame is a {type(given).__name__}, which can be gone through once: load it whole, without streaming")
    if not hasattr(given, "to_pandas"):
        raise DataError(f"frame is a {type(given).__name__}: give a pandas DataFrame, or arrays to kdprobe.task_from_arrays")
    frame = given.to_pandas()
    for column, feature in _features(given).items():
        names = getattr(feature, "names", None)
        if names and frame[column].dtype.kind in "iu":
            # a row without a label is written -1
            frame[column] = [names[code] if code >= 0 else None for code in frame[column]]
    return frame


def pictures_of(given: Any, target: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]] | None:
    """Images (n, channels, height, width), labels (n,) and what was done, of a data set of Hugging Face with a column of images; else None.

    Raises
    ------
    DataError
        If there is no target, or a row has no label.
    """
    features = _features(given)
    images = [column for column, feature in features.items() if type(feature).__name__ == "Image"]
    if not images or not hasattr(given, "__getitem__"):
        return None
    if target not in features:
        raise DataError(f"target {target!r}: the data have no such column: {did_you_mean(target, features)}")
    x, said = as_pixels(list(given[images[0]]))
    y = np.asarray(given[target])
    names = getattr(features[target], "names", None)
    if names:
        if (y < 0).any():
            raise DataError(f"{int((y < 0).sum())} of {len(y)} rows have no label in {target!r}: leave them out with dataset.filter")
        y = np.asarray(names)[y]
    others = [column for column in features if column not in (images[0], target)]
    said += (f"Read: {images[0]!r}; left out beside it: {', '.join(map(repr, others))}.",) if others else ()
    return x, y, said


def _features(given: Any) -> Mapping[str, Any]:
    found = getattr(given, "features", None)
    return found if isinstance(found, Mapping) else {}

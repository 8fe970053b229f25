"""Rows as a model sees them: half of their columns, averaged with their neighbours, moved, or with noise."""

from collections import OrderedDict
from hashlib import blake2b

import numpy as np

from kdprobe.core.identity import derived_seed
from kdprobe.tasks.splits import Part, Split

NEIGHBOURS = 5
SHIFT = 0.5
"""Standard deviations that each column of a source is moved by, up or down."""
VIEWS = 4
"""Fixed noisy views of each row."""
CHUNK = 1024
_KEPT = OrderedDict[bytes, np.ndarray]()
_MOST_KEPT = 24


def seen(x: np.ndarray, inputs: str, parts: Split) -> np.ndarray:
    """Return rows as a model sees them that sees "half" of them, or their "neighbours".

    Half of an image is its left half, of other rows every second column: the others are 0, which is their mean on the train rows.
    With neighbours a row becomes the mean of itself and its five nearest train and transfer rows: one step of a graph convolution without
    weights on the graph of nearest neighbours (Wu et al. 2019, arXiv:1902.07153).

    Parameters
    ----------
    x
        (n, ...) float32.
    inputs
        "own", "half" or "neighbours".
    parts
        The split: its train and transfer rows are those that neighbours are looked for among.

    Returns
    -------
    numpy.ndarray
        (n, ...) float32.

    Notes
    -----
    Neighbours cost n · (train + transfer rows) · columns multiply-adds, and are kept for the rows last asked for.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> from kdprobe.tasks.splits import split
    >>> parts = split(find("tasks", "letters"))
    >>> int((seen(parts.train.x[:1], "half", parts) != 0).sum())
    8
    """
    if inputs == "own":
        return x
    if inputs == "half":
        found = x.copy()
        if x.ndim == 4:
            found[..., -(-x.shape[-1] // 2) :] = 0.0
        else:
            found[..., 1::2] = 0.0
        return found
    key = blake2b(np.ascontiguousarray(x).tobytes(), digest_size=16, key=parts.sha256[:64].encode()).digest()
    if key not in _KEPT:
        _KEPT[key] = _with_neighbours(x, parts)
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    return _KEPT[key]


def _with_neighbours(x: np.ndarray, parts: Split) -> np.ndarray:
    others = np.concatenate([part.x.reshape(part.n, -1) for part in (parts.train, parts.transfer)])
    rows, size = x.reshape(len(x), -1), (others**2).sum(axis=1)
    count = min(NEIGHBOURS, len(others))
    found = np.empty_like(rows)
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        nearest = np.argpartition(size - 2 * some @ others.T, count - 1, axis=1)[:, :count]
        found[start : start + CHUNK] = (some + others[nearest].sum(axis=1)) / (1 + count)
    return found.reshape(x.shape)


def shifted(x: np.ndarray, parts: Split) -> np.ndarray:
    """Return rows of the source domain: every column moved by half a standard deviation, up or down.

    Which way is drawn once for a task and draw. Labels stay: a rule that was learned on the source errs on the task's own rows, the target.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> from kdprobe.tasks.splits import split
    >>> parts = split(find("tasks", "letters"))
    >>> sorted(set(np.round(shifted(parts.train.x, parts) - parts.train.x, 3).ravel().tolist()))
    [-0.5, 0.5]
    """
    raw = np.random.PCG64(derived_seed("shift", parts.task, parts.draw)).random_raw(int(np.prod(parts.input_shape)))
    signs = np.where(raw >> np.uint64(63), 1.0, -1.0).reshape(parts.input_shape)
    return (x + SHIFT * signs).astype(np.float32)


def noisy(part: Part, parts: Split, noise: float) -> tuple[Part, np.ndarray]:
    """Return a part with each row repeated for its views, and the inputs of these with noise.

    The noise depends on task, draw, row and view alone: it is the same for every model.

    Parameters
    ----------
    noise
        Standard deviation, in those of the columns.

    Returns
    -------
    Part, numpy.ndarray
        Rows without noise, and their noisy inputs (4·n, ...) float32.
    """
    from scipy.special import ndtri  # slow to import, and lists do without

    places = np.tile(np.arange(part.n), VIEWS)
    size = int(np.prod(parts.input_shape))
    raw = np.random.PCG64(derived_seed("input noise", parts.task, parts.draw, int(part.ids.min()), part.n)).random_raw(len(places) * size)
    normal = ndtri(((raw >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53).reshape(len(places), *parts.input_shape)
    tiled = part.at(places)
    return tiled, (tiled.x + noise * normal).astype(np.float32)

"""Wrong labels, for sweeps that ask what noise does: always the same ones, by sample id."""

from dataclasses import replace

import numpy as np

from kdprobe.core.identity import derived_seed
from kdprobe.tasks.splits import Part, Split


def with_noise(part: Part, parts: Split, noise: float) -> Part:
    """Return a part whose labels are noisy.

    Which labels change, and to what, depends on the task, the draw and the row alone: it is the same for every model, and rows that
    change at some noise change in the same way at more.

    Parameters
    ----------
    part
        Rows of the split `parts`.
    noise
        Share of rows whose class becomes one of the others, each as likely; of regression targets, the standard deviation of the normal
        noise that is added, in theirs.

    Examples
    --------
    >>> from kdprobe.core.registry import find
    >>> from kdprobe.tasks.splits import split
    >>> parts = split(find("tasks", "letters"))
    >>> float((with_noise(parts.train, parts, 0.3).y != parts.train.y).mean())
    0.3115
    """
    if noise == 0:
        return part
    if parts.kind == "classification":
        changed = _uniform(part, parts, "whether") < noise
        # a step of 1 to C-1 round the circle of classes
        step = 1 + (_uniform(part, parts, "class") * (parts.outputs - 1)).astype(np.int64)
        return replace(part, y=np.where(changed, (part.y + step) % parts.outputs, part.y))
    # scipy is slow to import, and what only plans or lists does without it
    from scipy.special import ndtri

    columns = [ndtri(_uniform(part, parts, f"target {column}")) for column in range(parts.outputs)]
    return replace(part, y=part.y + noise * np.stack(columns, axis=1))


def _uniform(part: Part, parts: Split, purpose: str) -> np.ndarray:
    """One number inside (0, 1) a row, from raw bits, which are the same in every version of numpy (NEP 19)."""
    bits = np.random.PCG64(derived_seed("label noise", parts.task, parts.draw, purpose)).random_raw(int(part.ids.max()) + 1)[part.ids]
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53

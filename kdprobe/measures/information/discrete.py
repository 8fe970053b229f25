"""Information where one side or both are classes."""

import numpy as np
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from kdprobe.core.result import Measurement
from kdprobe.measures.information.interval import QUANTILE, disjoint_spread

# bias of the plug-in estimate, in nats, that is still called resolved
_TOLERATED = 0.1


def codes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct rows of `values` (n, d): (n,) integers from 0, and how often each occurs."""
    if values.shape[1] == 1:
        _, labels, counts = np.unique(values[:, 0], return_inverse=True, return_counts=True)
    else:
        # rows as bytes sort many times faster than rows as tuples; adding 0 makes one zero of two
        rows = np.ascontiguousarray(values + 0)
        _, labels, counts = np.unique(
            rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))), return_inverse=True, return_counts=True
        )
    return labels.reshape(-1), counts


def entropy(labels: np.ndarray) -> float:
    """Plug-in entropy of labels (n,) in nats."""
    counts = np.unique(labels, return_counts=True)[1]
    p = counts / counts.sum()
    return float(-(p * np.log(p)).sum())


def adjusted_information(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return I(A; B) of labels (n,) in nats without the bias of the plug-in estimate, and that bias under independence.

    The plug-in estimate of independent labels is not 0: its expectation E over permutations (Vinh, Epps and Bailey 2010, JMLR 11) is. It
    is right without correction where one label fixes the other. The line between the two, M (I - E) / (M - E) with M the smaller
    entropy, is right at both ends.
    """
    table = contingency_matrix(a, b, sparse=True)
    plug_in = float(mutual_info_score(None, None, contingency=table))
    chance = float(expected_mutual_information(table, len(a)))
    most = min(entropy(a), entropy(b))
    # every row its own class: chance explains all there is
    if most - chance < 1e-9:
        return 0.0, chance
    return most * (plug_in - chance) / (most - chance), chance


def discrete_information(a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Measurement:
    """Measure I(A; B) of two labellings (n,)."""
    value, chance = adjusted_information(a, b)
    spread = disjoint_spread(lambda rows: adjusted_information(a[rows], b[rows])[0], len(a), rng)
    reach = QUANTILE * float(np.sqrt(spread.variance))
    return Measurement(
        value=value,
        low=value - reach,
        high=value + reach,
        n=len(a),
        unit="nats",
        status="ok" if chance <= _TOLERATED else "unresolved",
        details={"cap": min(entropy(a), entropy(b)), "chance": chance, "drift": value - spread.quarter},
        notes=("both sides are classes: counts, corrected for what chance alone would share",),
    )

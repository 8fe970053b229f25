"""Centred kernel alignment: how alike two representations are, up to rotation and scale."""

from typing import Any, Literal

import numpy as np

from kdprobe.core.arguments import choice, number, seed_number, switch, whole
from kdprobe.core.errors import PlanError
from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.trace import Trace
from kdprobe.probes._arrays import as_blocks, as_matrix, check_rows, with_notes
from kdprobe.probes._cka import Choice, cka_of_arrays, cka_of_traces


def cka(
    x: Any,
    y: Any,
    *,
    kernel: Literal["linear", "rbf"] = "linear",
    debiased: bool = True,
    bandwidth: float = 0.5,
    correct_widths: bool = False,
    blocks: Any = None,
    permutations: int = 0,
    seed: int = 0,
) -> Measurement | Refusal:
    """Centred kernel alignment of two representations of the same rows, with its null and its interval.

    Debiased CKA is the cosine of the two U-centred kernels, HSIC₁(x, y)/√(HSIC₁(x, x)·HSIC₁(y, y)). It lies in [-1, 1], and around 0 for
    unrelated rows whatever their number and widths; negative values are information. High similarity is not transfer: networks that never
    saw each other reach .95.

    Parameters
    ----------
    x, y
        (n, dx) and (n, dy), rows paired; (n,) means (n, 1), and (n, a, b, ...) is flattened. NumPy arrays or torch tensors.
    kernel
        "linear", or "rbf": exp(-|u-v|²/(2·bandwidth²·m)) with m the median squared distance of each side.
    debiased
        False gives the biased estimator, whose value under chance is far from 0 where columns are many: see ``details["chance"]``.
    bandwidth
        Of the RBF kernel, as a share of the root of the median squared distance.
    correct_widths
        Treat the columns as a sample of many units (debiased linear only): a narrow layer is otherwise less similar to anything, by
        its width alone. The interval then speaks of new rows and new columns. The value can leave [-1, 1], and is not invariant to
        rotations any more.
    blocks
        (n,) labels of rows that belong together, such as the hours of a day: the interval leaves out whole blocks, and there is no p.
    permutations
        Number of permutations behind ``details["p"]``; 0 takes the closed form.
    seed
        Of the permutations.

    Returns
    -------
    Measurement
        ``value``; ``low``, ``high`` by a jackknife over 20 groups of rows, on Fisher's scale. ``details``: ``null_sd`` (exact under
        permutation: √(2/(n(n-3)))), ``z``, ``p`` (one-sided: more alike than unrelated rows; from a moment-matched null where few
        eigenvalues dominate, scalars included, from a t-test otherwise), ``effective_rank_x`` and ``_y`` (participation ratios),
        ``largest_influence`` (of a single row), and ``chance`` (biased only). A refusal where a side is constant or n < 8. For two
        scalars that are almost unrelated the interval covers 91 % instead of 95 %.

    Raises
    ------
    DataError
        If an array holds NaN or an infinity, or rows are unpaired.
    PlanError
        If a choice is unknown or does not go with another.

    Notes
    -----
    Linear: O(n dx dy + n dx² + n dy²) time in feature space or O(n² (dx + dy)) in Gram space, whichever is less; no n × n matrix in the
    former. Float32 input keeps float32 products where that saves time, shifted by a mean first: the error stays below 1e-6.
    Kornblith et al. 2019, arXiv:1905.00414; Song et al. 2012, JMLR 13:1393; Székely and Rizzo 2013 (t-test), 2014 (U-centring); correction
    of widths: Chun et al. 2025, arXiv:2502.15104.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 5))
    >>> similar = cka(x, x @ rng.normal(size=(5, 8)) + rng.normal(size=(200, 8)))
    >>> 0.4 < similar.low < similar.value < similar.high < 0.9 and similar.details["p"] < 1e-6
    True
    >>> cka(x, rng.normal(size=(200, 500))).details["p"] > 0.01
    True
    """
    choice("kernel", kernel, ("linear", "rbf"))
    bandwidth = number("bandwidth", bandwidth, above=0.0, advice="give a share of the median distance above 0, such as 0.5")
    debiased, correct_widths = switch("debiased", debiased), switch("correct_widths", correct_widths)
    permutations = whole("permutations", permutations, least=0, advice="give 0, for the closed form, or a number such as 1000")
    seed = seed_number(seed)
    if correct_widths and not (debiased and kernel == "linear"):
        raise PlanError("correct_widths=True goes with the debiased linear kernel only: leave kernel and debiased as they are")
    if permutations and blocks is not None:
        raise PlanError(f"permutations={permutations} with blocks: rows of different blocks cannot change places, leave one of the two out")
    left, right = as_matrix(x, "x"), as_matrix(y, "y")
    check_rows(left, right, "x", "y", least=4)
    for side, name in ((left, "x"), (right, "y")):
        if correct_widths and side.shape[1] < 3:
            raise PlanError(f"correct_widths=True and {name} has {side.shape[1]} columns: give at least 3")
    chosen = Choice(
        kernel=kernel, debiased=debiased, bandwidth=bandwidth, correct_widths=correct_widths, permutations=permutations, seed=seed
    )
    estimator = f"{'debiased' if debiased else 'biased'} {'RBF' if kernel == 'rbf' else 'linear'} CKA"
    if kernel == "rbf":
        estimator += f", bandwidth {bandwidth:g} of the root of the median squared distance"
    if correct_widths:
        estimator += ", corrected for the number of columns"
    return with_notes(cka_of_arrays(left, right, chosen, row_blocks=as_blocks(blocks, len(left))), estimator, x=x, y=y)


def _last_hidden(student: Trace, teacher: Trace, target: np.ndarray | None = None) -> Result:
    for model in (student, teacher):
        if model.last_hidden is None:
            return Refusal(reason=f"{model.name} has no hidden layer", advice="trace at least one, or read cka_output")
    return cka_of_traces(student, str(student.last_hidden), teacher, str(teacher.last_hidden))


def _features(x: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, None]:
    student, teacher = (Trace.from_raw("regression", np.zeros(len(layer)), features={"hidden": layer}) for layer in (x, y))
    return student, teacher, None


def _itself(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 4))
    return _features(x, x)


def _rotated(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    x = rng.normal(size=(50, 6))
    rotation, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    return _features(x, 1e3 - 1e-3 * x @ rotation)


def _independent(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _features(rng.normal(size=(500, 5)), rng.normal(size=(500, 700)))


def _public_case(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """The case of several packages' own tests: seed 1337, Y = noise + X."""
    fixed = np.random.RandomState(1337)  # the published numbers belong to this generator
    x = fixed.randn(100, 10)
    return _features(x, fixed.randn(100, 10) + x)


def _constant(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    return _features(np.full((50, 3), 7.0), rng.normal(size=(50, 3)))


CKA = Probe(
    name="cka",
    title="CKA, last hidden layer",
    asks="How alike are the two last hidden layers, up to rotation and scale?",
    measure=_last_hidden,
    needs=("features",),
    bounds=(-1.0, 1.0),
    symmetric=True,
    invariant=("rotation", "scale", "shift", "row order"),
    truths=(
        KnownAnswer(name="a layer with itself", make=_itself, value=1.0),
        KnownAnswer(name="rotated, scaled and shifted", make=_rotated, value=1.0, tolerance=1e-8),
        KnownAnswer(name="independent, also where units outnumber rows", make=_independent, value=0.0, tolerance=0.013),
        KnownAnswer(name="the public test case, seed 1337", make=_public_case, value=0.51346, tolerance=5e-6),
        KnownAnswer(name="a constant layer has no shape", make=_constant, value=None),
    ),
    cites="Kornblith et al. 2019, arXiv:1905.00414; Song et al. 2012, JMLR 13; Székely and Rizzo 2014, arXiv:1310.2926",
)

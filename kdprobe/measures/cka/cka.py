"""Centred kernel alignment: how alike two representations are, up to rotation and scale."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from kdprobe.core.arguments import choice, number, seed_number, switch, whole
from kdprobe.core.errors import PlanError
from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.measures.arrays import as_blocks, as_matrix, check_rows, with_notes
from kdprobe.measures.cka import feature_space, gram_space, single_precision, width_correction
from kdprobe.measures.cka.alignment import LARGEST_KERNEL, Alignment, features_are_cheaper, measured, too_small
from kdprobe.measures.cka.hsic import deal
from kdprobe.measures.cka.neighbours import likeness

SINGLE_PRECISION_FROM = 2e8
"""Multiplications from which float32 features keep float32 products."""
LEAST_SINGLE_SPREAD = 0.5
"""Of HSIC over Σλ²: below it rows far out hold so much of the spread that products in float32 cost more digits than 1e-7."""


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
        "linear", or "rbf": ``exp(-|u-v|²/(2·bandwidth²·m))`` with m the median squared distance of each side.
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
        Where none are given and neighbouring rows are alike on both sides, a note warns of it.
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
        ``largest_influence`` (of a single row), ``chance`` (biased only), and ``neighbours_alike`` (only with the warning: the smaller
        autocorrelation at lag 1). A small p excludes that rows could change places, and no more: two classifiers that never met share
        their classes, so it does not say that one taught the other. A refusal where a side is constant or n < 8. For two
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
    chosen = _Choice(
        kernel=kernel, debiased=debiased, bandwidth=bandwidth, correct_widths=correct_widths, permutations=permutations, seed=seed
    )
    estimator = f"{'debiased' if debiased else 'biased'} {'RBF' if kernel == 'rbf' else 'linear'} CKA"
    if kernel == "rbf":
        estimator += f", bandwidth {bandwidth:g} of the root of the median squared distance"
    if correct_widths:
        estimator += ", corrected for the number of columns"
    return with_notes(_of_arrays(left, right, chosen, row_blocks=as_blocks(blocks, len(left))), estimator, x=x, y=y)


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """What is asked of `cka`."""

    kernel: str = "linear"
    debiased: bool = True
    bandwidth: float = 0.5
    correct_widths: bool = False
    permutations: int = 0
    seed: int = 0


def _of_arrays(x: np.ndarray, y: np.ndarray, choice: _Choice, *, row_blocks: np.ndarray | None = None) -> Result:
    """CKA of two checked arrays (n, d) with paired rows: chooses space and precision by cost."""
    n = len(x)
    if refusal := too_small(n, row_blocks):
        return refusal
    groups = deal(n, row_blocks)
    blocked = row_blocks is not None
    cheap = choice.correct_widths or features_are_cheaper(n, x.shape[1:], y.shape[1:])
    if choice.kernel == "linear" and cheap:
        pair = _single_precision(x, y, groups, choice, blocked) or _in_features(x, y, groups, choice, blocked)
    elif n * n > LARGEST_KERNEL:
        return Refusal(reason=f"{n} rows need n × n kernels of {8e-9 * n * n:.0f} GB each", advice="give a sample of the rows")
    else:
        pair = _in_gram(x, y, groups, choice, blocked)
    if isinstance(pair, Refusal):
        return pair
    if not blocked:
        pair = replace(pair, neighbours=(likeness(x), likeness(y)))
    return measured(pair, permutations=choice.permutations, seed=choice.seed)


def _single_precision(x: np.ndarray, y: np.ndarray, groups: np.ndarray, choice: _Choice, blocked: bool) -> Alignment | None:
    single = x.dtype == y.dtype == np.float32 and len(x) * max(x.shape[1], y.shape[1]) ** 2 >= SINGLE_PRECISION_FROM
    if not single or not choice.debiased or choice.correct_widths or choice.permutations:
        return None
    terms, shapes, alone = single_precision.terms_in_single_precision(x, y, groups)
    # rows too far out for float32, or for its digits, need float64; so does a value of 1 to more digits than float32 has
    if (
        not np.isfinite(np.concatenate(terms[:3])).all()
        or min(side.spread for side in shapes) < LEAST_SINGLE_SPREAD
        or terms.cka[0] > 0.999
    ):
        return None
    return Alignment(terms=terms, shapes=shapes, rows=len(x), blocked=blocked, without_rows=lambda: (alone.rows, alone.values))


def _in_features(x: np.ndarray, y: np.ndarray, groups: np.ndarray, choice: _Choice, blocked: bool) -> Alignment | Refusal:
    a, b = (feature_space.layer(values, groups, debiased=choice.debiased) for values in (x, y))
    both = feature_space.met(a, b, debiased=choice.debiased)
    terms, stretch = both.terms, 1.0
    corrected = None
    if choice.correct_widths:
        plain, terms = terms, width_correction.corrected_terms(a, b, terms)
        corrected = width_correction.interval(a, b, terms) if terms.own_x[0] > 0 and terms.own_y[0] > 0 else None
        if corrected is None:
            return Refusal(
                reason="corrected for width, a side has nothing left in common with itself: too few columns or rows for the correction",
                advice="leave out correct_widths",
            )
        stretch = float(terms.ratio[0] / plain.ratio[0]) if plain.ratio[0] != 0 else 1.0
    return Alignment(
        terms=terms,
        shapes=(a.shape, b.shape),
        rows=len(x),
        blocked=blocked,
        debiased=choice.debiased,
        stretch=stretch,
        interval=corrected,
        without_rows=None if choice.correct_widths else feature_space.influence_of_far_rows(a, b, both, groups, debiased=choice.debiased),
        permuted=lambda order: feature_space.permuted(a, b, order, debiased=choice.debiased),
    )


def _in_gram(x: np.ndarray, y: np.ndarray, groups: np.ndarray, choice: _Choice, blocked: bool) -> Alignment | Refusal:
    kernels: list[gram_space.Kernel] = []
    for values, name in ((x, "x"), (y, "y")):
        gram = gram_space.linear_gram(values) if choice.kernel == "linear" else gram_space.rbf_gram(values, choice.bandwidth)
        if gram is None:
            return Refusal(
                reason=f"the median distance between rows of {name} is 0: it sets the RBF kernel's width", advice="use the linear kernel"
            )
        kernels.append(gram_space.kernel(gram, groups, debiased=choice.debiased))
    a, b = kernels
    order = np.argsort(groups, kind="stable")
    return Alignment(
        terms=gram_space.terms(a, b, debiased=choice.debiased),
        shapes=(a.shape, b.shape),
        rows=len(x),
        blocked=blocked,
        debiased=choice.debiased,
        without_rows=lambda: (order, gram_space.without_each_row(a, b, debiased=choice.debiased)),
        permuted=lambda order: gram_space.permuted(a, b, order),
    )

"""Gradient-boosted trees of scikit-learn, to teach networks: "distil my boosted trees"."""

from typing import Any

import numpy as np
import torch

from kdprobe.core.errors import ContractError, DataError
from kdprobe.core.recipe import Family, Option
from kdprobe.families._trees import COUNTED, OPTIONS, Node, Shape, Trees, bases, comparisons, least_rows, picked, shape_of

CHECKED = 256
"""Rows on which the trees as they are kept are held against scikit-learn's own answers."""


class Boosted(Trees):
    """Histogram gradient boosting (scikit-learn's HistGradientBoosting), for each target by itself where there are several."""

    def __init__(self, outputs: int, shape: Shape, options: dict[str, Option]):
        super().__init__(outputs, shape)
        self.options = options

    def learn(self, x: np.ndarray, y: np.ndarray, kind: str, rng: np.random.Generator) -> None:
        """Fit to rows x (n, ...) and their classes (n,) or values (n, c)."""
        x, y = picked(x.reshape(len(x), -1), y, float(self.options["rows"]), rng)
        if kind == "classification":
            self._classes(x, y, rng)
        else:
            for output, target in enumerate(y.T):
                self._fit("Regressor", x, target, rng, [output])

    def _classes(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        there, outputs = np.unique(y), len(self.base)
        rare = bases(y, outputs)
        if len(there) > 1:
            # of two classes scikit-learn grows the second's trees alone: the first one's logit is 0
            self._fit("Classifier", x, y, rng, [*there] if len(there) > 2 else [there[1]])
        with torch.no_grad():
            absent = np.setdiff1d(np.arange(outputs), there)
            self.base[absent] = torch.from_numpy(rare[absent] - rare[there].max()).float() + self.base.min()

    def _fit(self, what: str, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, outputs: list[int]) -> None:
        from sklearn import ensemble
        from threadpoolctl import threadpool_limits

        shape = self.shape
        model: Any = getattr(ensemble, f"HistGradientBoosting{what}")(
            max_iter=shape.trees,
            max_leaf_nodes=shape.leaves,
            max_depth=shape.depth or None,
            learning_rate=float(self.options["rate"]),
            min_samples_leaf=least_rows(self.options["least_rows"], len(x)),
            l2_regularization=float(self.options["l2"]),
            max_features=float(self.options["columns"]),
            early_stopping=False,
            random_state=int(rng.integers(2**31)),
        )
        with threadpool_limits(1):  # a sweep has a worker a core
            model.fit(x, y)
            raw = model.decision_function(x[:CHECKED]) if what == "Classifier" else model.predict(x[:CHECKED])
        for tree, grown in enumerate(model._predictors):
            for output, one in zip(outputs, grown, strict=True):
                self.put(output, tree, _nodes(one.nodes))
        self._level(np.asarray(raw).reshape(len(raw), -1), x[:CHECKED], outputs)

    def _level(self, raw: np.ndarray, x: np.ndarray, outputs: list[int]) -> None:
        """Set the base to what its answers have beyond the trees, and refuse trees that are not the ones that answered."""
        with torch.no_grad():
            said = self(torch.from_numpy(np.asarray(x, dtype=np.float32)))[0].numpy()[:, outputs].astype(np.float64)
            apart = raw - said
            self.base[outputs] = torch.from_numpy(apart.mean(axis=0)).float()
        if np.abs(apart - apart.mean(axis=0)).max() > 1e-3 * max(1.0, float(np.abs(raw).max())):
            import sklearn

            raise ContractError(
                f"boosted_trees: scikit-learn {sklearn.__version__} keeps its trees in another way than kdprobe reads them: "
                "use --teacher-family lightgbm_trees, or another version of scikit-learn"
            )


def _nodes(nodes: Any) -> Node:
    if nodes["is_categorical"].any():
        raise DataError("boosted_trees: a tree splits on categories: give one-hot columns")
    return Node(nodes["feature_idx"], nodes["num_threshold"], nodes["left"], nodes["right"], nodes["value"], nodes["is_leaf"].astype(bool))


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, **options: Option) -> Boosted:
    whole = {**OPTIONS, **options}
    return Boosted(outputs, shape_of("boosted_trees", width, whole), whole)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, **options: Option) -> int:
    return comparisons("boosted_trees", width, outputs, {**OPTIONS, **options})


BOOSTED_TREES = Family(
    name="boosted_trees",
    title="gradient-boosted trees",
    build=_build,
    flops=_flops,
    options=OPTIONS,
    knob="tree, or what the option counts says",
    fit="predictor",
    counted=COUNTED,
    cites="Friedman 2001, doi:10.1214/aos/1013203451; Ke et al. 2017 (histograms)",
)

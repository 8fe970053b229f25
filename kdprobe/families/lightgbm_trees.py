"""Gradient-boosted trees of LightGBM, to teach networks, where that package is installed."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family, Option
from kdprobe.families._trees import COUNTED, OPTIONS, Node, Shape, Trees, bases, comparisons, least_rows, shape_of


class LightGbm(Trees):
    """LightGBM's boosting, for each target by itself where there are several; rows and columns are picked anew for each tree."""

    def __init__(self, outputs: int, shape: Shape, options: dict[str, Option]):
        super().__init__(outputs, shape)
        self.options = options

    def learn(self, x: np.ndarray, y: np.ndarray, kind: str, rng: np.random.Generator) -> None:
        """Fit to rows x (n, ...) and their classes (n,) or values (n, c)."""
        x = x.reshape(len(x), -1)
        if kind != "classification":
            for output, target in enumerate(y.T):
                self._fit(x, target, {"objective": "regression"}, rng, [output])
            return
        there, rare = np.unique(y), bases(y, len(self.base))
        places = np.searchsorted(there, y)
        if len(there) == 2:
            self._fit(x, places, {"objective": "binary"}, rng, [there[1]])
        elif len(there) > 2:
            self._fit(x, places, {"objective": "multiclass", "num_class": len(there)}, rng, [*there])
        with torch.no_grad():
            absent = np.setdiff1d(np.arange(len(self.base)), there)
            least = self(torch.from_numpy(np.asarray(x[:CHECKED], dtype=np.float32)))[0].min()
            self.base[absent] = least + torch.from_numpy(rare[absent] - rare[there].max()).float()

    def _fit(self, x: np.ndarray, y: np.ndarray, how: Mapping[str, Any], rng: np.random.Generator, outputs: list[int]) -> None:
        try:
            lightgbm: Any = importlib.import_module("lightgbm")
        except ImportError as error:
            raise PlanError("lightgbm_trees needs LightGBM: pip install lightgbm, or take boosted_trees") from error
        options, shape = self.options, self.shape
        seed = int(rng.integers(2**31))
        settings = {
            **{"num_leaves": shape.leaves, "max_depth": shape.depth or -1, "learning_rate": float(options["rate"])},
            **{"min_data_in_leaf": least_rows(options["least_rows"], len(x)), "lambda_l2": float(options["l2"])},
            **{"bagging_fraction": float(options["rows"]), "bagging_freq": 1, "feature_fraction_bynode": float(options["columns"])},
            **{"seed": seed, "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1, **how},
        }
        booster: Any = lightgbm.train(settings, lightgbm.Dataset(x, y, free_raw_data=False), num_boost_round=shape.trees)
        for place, grown in enumerate(booster.dump_model()["tree_info"]):
            self.put(outputs[place % len(outputs)], place // len(outputs), _nodes(grown["tree_structure"]))


CHECKED = 256
"""Rows whose answers set the level of classes that were never seen."""


def _nodes(root: Mapping[str, Any]) -> Node:
    """A tree of LightGBM's own description, its nodes numbered from the root on."""
    order = list(_walk(root))
    numbers = {id(node): place for place, node in enumerate(order)}
    feature, left, right = (np.zeros(len(order), dtype=np.int64) for _ in range(3))
    threshold, value = np.zeros(len(order)), np.zeros(len(order))
    leaf = np.ones(len(order), dtype=bool)
    for place, node in enumerate(order):
        if "split_feature" in node:
            leaf[place], feature[place], threshold[place] = False, node["split_feature"], node["threshold"]
            left[place], right[place] = numbers[id(node["left_child"])], numbers[id(node["right_child"])]
        else:
            value[place] = node["leaf_value"]
    return Node(feature, threshold, left, right, value, leaf)


def _walk(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [node[child] for child in ("right_child", "left_child") if child in node]


def _build(input_shape: tuple[int, ...], outputs: int, width: int, generator: torch.Generator, **options: Option) -> LightGbm:
    whole = {**OPTIONS, **options}
    return LightGbm(outputs, shape_of("lightgbm_trees", width, whole), whole)


def _flops(input_shape: tuple[int, ...], outputs: int, width: int, **options: Option) -> int:
    return comparisons("lightgbm_trees", width, outputs, {**OPTIONS, **options})


LIGHTGBM_TREES = Family(
    name="lightgbm_trees",
    title="gradient-boosted trees of LightGBM",
    build=_build,
    flops=_flops,
    options=OPTIONS,
    knob="tree, or what the option counts says",
    fit="predictor",
    package="lightgbm",
    counted=COUNTED,
    cites="Ke et al. 2017, NIPS",
)

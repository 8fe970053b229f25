"""Trees as tensors against the package that grew them, and what they refuse."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

from kdprobe.core.errors import ContractError, PlanError
from kdprobe.core.recipe import Family
from kdprobe.core.registry import available
from kdprobe.families import boosted_trees
from kdprobe.families._trees import Node, Shape, Trees, _at_most
from kdprobe.testing import check

ALL = available("families")
WHOLE = {"rows": 1.0, "columns": 1.0}


def grown(kind, x, y, outputs, width=6, seed=0, **options):
    module = ALL["boosted_trees"].build(x.shape[1:], outputs, width, torch.Generator(), **options).eval()
    module.learn(x, y, kind, np.random.default_rng(seed))
    return module


def said(module, x):
    return module(torch.from_numpy(x))[0].numpy()


def test_any_tree_gives_what_scikit_learn_gives():
    """Also on the thresholds themselves, which float32 rounds: a row that lies on one goes left."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 4)).astype(np.float32), rng.normal(size=500)
    reference = DecisionTreeRegressor(max_leaf_nodes=40, random_state=0).fit(x, y)
    tree = reference.tree_
    nodes = Node(tree.feature, tree.threshold, tree.children_left, tree.children_right, tree.value[:, 0, 0], tree.children_left < 0)
    module = Trees(1, Shape(1, 40, 0))
    module.put(0, 0, nodes)
    on = x.copy()
    on[:, 0] = np.resize(_at_most(tree.threshold[tree.feature == 0]).astype(np.float32), 500)
    for rows in (x, on):
        np.testing.assert_allclose(said(module, rows)[:, 0], reference.predict(rows), rtol=1e-5, atol=1e-6)


def test_boosted_classes_are_scikit_learns():
    digits = load_digits()
    x, y = digits.data.astype(np.float32)[:400], digits.target[:400]
    reference = HistGradientBoostingClassifier(
        max_iter=3, early_stopping=False, max_features=1.0, random_state=int(_seed()), min_samples_leaf=20, max_leaf_nodes=31
    )
    expected = reference.fit(x, y).decision_function(digits.data.astype(np.float32)[400:500])
    found = said(grown("classification", x, y, 10, width=3, **WHOLE), digits.data.astype(np.float32)[400:500])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_boosted_values_are_scikit_learns_for_each_target():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    y = np.stack([x[:, 0] ** 2, 50 + x[:, 1]], axis=1).astype(float)
    module = grown("regression", x, y, 2, width=3, counts="depth", trees=20, **WHOLE)
    reference = HistGradientBoostingRegressor(
        max_iter=20, max_depth=3, max_leaf_nodes=8, early_stopping=False, random_state=int(_seed()), min_samples_leaf=20
    )
    np.testing.assert_allclose(said(module, x)[:, 0], reference.fit(x, y[:, 0]).predict(x), atol=1e-5)
    assert abs(said(module, x)[:, 1].mean() - 50) < 0.5


def _seed(seed=0):
    """Seed of scikit-learn after the rows were picked."""
    rng = np.random.default_rng(seed)
    rng.choice(300 if seed else 400, size=300 if seed else 400, replace=False)
    return rng.integers(2**31)


def test_a_class_without_rows_is_the_least_likely():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 2)).astype(np.float32)
    y = np.where(x[:, 0] > 0, 3, 1)
    outputs = said(grown("classification", x, y, 4, width=20), x)
    assert (outputs.argmax(axis=1) == y).mean() > 0.95
    assert not np.isin(outputs.argmax(axis=1), [0, 2]).any()
    only = said(grown("classification", x, np.full(200, 2), 4), x)
    assert (only.argmax(axis=1) == 2).all()


def test_a_small_table_has_splits_all_the_same():
    x = np.arange(22, dtype=np.float32)[:, None]
    module = grown("regression", x, (x > 10).astype(float), 1, width=30)
    assert np.ptp(said(module, x)) > 0.5


def test_sizes_are_of_the_width_and_not_of_the_rows():
    assert sum(values.numel() for values in grown("classification", *_two(), 2, width=4, leaves=8).parameters()) == 2 + 2 * 4 * 15


def _two():
    x = np.random.default_rng(3).normal(size=(60, 2)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


@pytest.mark.parametrize(
    ("width", "options", "text"),
    [
        (0, {}, "boosted_trees of width=0: give at least 1 tree"),
        (1, {"counts": "leaves"}, "boosted_trees of width=1: give at least 2 leaf"),
        (13, {"counts": "depth"}, "boosted_trees with depth=13: give a number from 0 to below 13"),
        (4, {"counts": "leafs"}, "boosted_trees with counts='leafs': unknown: did you mean 'leaves'"),
        (4, {"rate": 0.0}, r"boosted_trees with rate=0\.0"),
        (4, {"rows": 2.0}, r"boosted_trees with rows=2\.0"),
        (4, {"leaves": 1}, "boosted_trees with leaves=1"),
    ],
)
def test_what_cannot_be_grown_says_why(width, options, text):
    with pytest.raises(PlanError, match=text):
        ALL["boosted_trees"].build((3,), 2, width, torch.Generator(), **options)


def test_trees_that_are_kept_in_another_way_are_refused(monkeypatch):
    """A version of scikit-learn that moved a field must not teach other trees than it grew."""
    whole = boosted_trees._nodes
    monkeypatch.setattr(boosted_trees, "_nodes", lambda nodes: whole(nodes)._replace(value=whole(nodes).value * 1.1))
    with pytest.raises(ContractError, match="keeps its trees in another way"):
        grown("classification", *_two(), 2, width=40)


class _Constant(Trees):
    def learn(self, x, y, kind, rng):
        with torch.no_grad():
            self.base += 0.5


class _Deaf(boosted_trees.Boosted):
    def learn(self, x, y, kind, rng):
        super().learn(x, y, kind, np.random.default_rng(0))


class _Forgetful(boosted_trees.Boosted):
    def learn(self, x, y, kind, rng):
        super().learn(x, y, kind, rng)
        self.more = 1.0

    def forward(self, x):
        outputs, features = super().forward(x)
        return outputs + getattr(self, "more", 0.0), features


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (lambda outputs, shape, options: _Constant(outputs, shape), "siblings would be one teacher"),
        (_Deaf, "siblings would be one teacher"),
        (_Forgetful, "its state does not hold all it learned"),
    ],
)
def test_the_contract_finds_what_breaks_it(monkeypatch, module, text):
    own = ALL["boosted_trees"]
    monkeypatch.setattr(boosted_trees, "Boosted", module)
    with pytest.raises(ContractError, match=text):
        check("families", Family(name="own", title="own", build=own.build, flops=own.flops, options=own.options, fit="predictor"))

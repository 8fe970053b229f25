"""The contract of a family of predictors that are no networks: what teaches and is not taught."""

import importlib.util
from typing import Any

import numpy as np
import torch
from torch import nn

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family
from kdprobe.core.trace import TaskKind
from kdprobe.testing.requirement import require

COLUMNS, OUTPUTS, WIDTH = 5, 3, 8


def check_predictors(family: Family) -> None:
    """Raise ContractError unless a family's predictors can teach in a sweep.

    Checked are, for classes and for values: what is built has the same state whatever the generator, learning uses the generator that
    is given and no other, another one gives another teacher, all that was learned is in the state, whose shapes were known before;
    outputs are finite (n, c) and each row's its own, there is no hidden layer; a class without a row is no error; it predicts better than
    a constant; more width means more parameters and more work; one unit less than the least width is refused. Where the package is not
    installed that it needs, what needs none is checked.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_predictors(available("families")["boosted_trees"])
    """
    first, again = (family.build((COLUMNS,), OUTPUTS, WIDTH, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    require(family, _same(first, again), "what is built differs by the generator: leave chance to learn")
    require(family, callable(getattr(first, "learn", None)), 'has the fit "predictor" and no learn(x, y, kind, rng): add it to the module')
    named = family.build((COLUMNS,), OUTPUTS, WIDTH, torch.Generator(), **family.options)
    require(family, _same(first, named), "its options are not its defaults: declare in options what build does without any")
    widths = (2, 4, 8)
    sizes = [sum(p.numel() for p in family.build((COLUMNS,), OUTPUTS, width, torch.Generator()).parameters()) for width in widths]
    work = [family.flops((COLUMNS,), OUTPUTS, width) for width in widths]
    for found, what in ((sizes, "parameters"), (work, "multiply-adds")):
        require(family, found == sorted(set(found)) and found[0] > 0, f"widths 2, 4, 8 have {found} {what}: more width must mean more")
    family.build((COLUMNS,), OUTPUTS, family.minimum_width, torch.Generator())
    try:
        family.build((COLUMNS,), OUTPUTS, family.minimum_width - 1, torch.Generator())
    except PlanError:
        pass
    else:
        require(family, False, f"builds a width of {family.minimum_width - 1}, below its minimum_width: raise PlanError there")
    if not family.package or importlib.util.find_spec(family.package) is not None:
        _check_learning(family, "classification")
        _check_learning(family, "regression")


def _check_learning(family: Family, kind: TaskKind) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, COLUMNS)).astype(np.float32)
    values = np.stack([x[:, 0], x[:, 1] ** 2, x[:, 0] * x[:, 2]], axis=1).astype(np.float64)
    y = values.argmax(axis=1) if kind == "classification" else values
    before = torch.get_rng_state(), _global_state()
    learned = [_learned(family, x, y, kind, seed) for seed in (0, 0, 1)]
    after = torch.get_rng_state(), _global_state()
    require(family, torch.equal(before[0], after[0]) and before[1] == after[1], "learning draws from a global generator: use rng alone")
    require(family, _same(learned[0], learned[1]), f"{kind}: the same rng gives another predictor: draw from rng alone")
    require(family, not _same(learned[0], learned[2]), f"{kind}: another rng gives the same predictor: siblings would be one teacher")
    fresh = family.build((COLUMNS,), OUTPUTS, WIDTH, torch.Generator())
    shapes = [{name: tuple(values.shape) for name, values in module.state_dict().items()} for module in (fresh, learned[0])]
    require(family, shapes[0] == shapes[1], f"{kind}: learning changes the shapes of its state: settle them in build, by width and options")
    fresh.load_state_dict(learned[0].state_dict())
    rows = torch.from_numpy(x)
    with torch.no_grad():
        outputs, features = learned[0](rows)
        kept, alone = fresh.eval()(rows)[0], learned[0](rows[2:3])[0]
    require(family, tuple(outputs.shape) == (300, OUTPUTS), f"outputs have shape {tuple(outputs.shape)}, (300, {OUTPUTS}) was due")
    require(family, bool(outputs.isfinite().all()), f"{kind}: outputs are not finite")
    require(family, not features, "has hidden layers: a family that is trained by steps has those, leave them out")
    require(
        family, torch.equal(outputs, kept), f"{kind}: its state does not hold all it learned: keep everything in parameters and buffers"
    )
    require(family, torch.allclose(outputs[2:3], alone, atol=1e-5), "a row's outputs depend on the other rows")
    said, constant = outputs.numpy(), np.median(values, axis=0)
    if kind == "classification":
        better = (said.argmax(axis=1) == y).mean() > np.bincount(y).max() / len(y)
    else:
        better = ((said - values) ** 2).mean() < ((values - constant) ** 2).mean()
    require(family, bool(better), f"{kind}: on the rows it learned it is no better than a constant")
    if kind == "classification":
        rare = _learned(family, x[y < 2], y[y < 2], kind, 0)
        with torch.no_grad():
            said = rare(rows)[0]
        require(family, bool(said.isfinite().all()), "a class without a row gives outputs that are not finite: give it a low logit")


def _global_state() -> list[int]:
    state: Any = np.random.get_state()  # noqa: NPY002
    return state[1].tolist()


def _learned(family: Family, x: np.ndarray, y: np.ndarray, kind: TaskKind, seed: int) -> nn.Module:
    module = family.build((COLUMNS,), OUTPUTS, WIDTH, torch.Generator().manual_seed(0)).eval()
    module.learn(x, y, kind, np.random.default_rng(seed))
    return module


def _same(first: nn.Module, other: nn.Module) -> bool:
    mine, theirs = first.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)

"""The contract of a family of networks."""

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from kdprobe.core.errors import PlanError
from kdprobe.core.recipe import Family
from kdprobe.testing.predictors import check_predictors
from kdprobe.testing.requirement import require

INPUT_SHAPES = ((6,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (12, 29))


def check_family(family: Family) -> None:
    """Raise ContractError unless a family builds networks that a sweep can train.

    Checked are: the same generator state gives the same weights, another gives others; the global generator is left alone; the forward
    pass gives finite (n, c) outputs and named hidden layers of n rows, treats rows independently in evaluation mode, and gives the same
    for two models at once under ``torch.func.vmap``; more width means more parameters and more multiply-adds; one unit less than the
    least width is refused; the declared options are what a network gets where none are given. Of a family of predictors: see
    `kdprobe.testing.predictors`.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_family(available("families")["mlp"])
    """
    if family.fit == "predictor":
        check_predictors(family)
        return
    shapes = [shape for shape in INPUT_SHAPES if _fits(family, shape)]
    require(
        family,
        bool(shapes),
        f"fits none of the input shapes {INPUT_SHAPES}: build a network for one of them, raise PlanError for the others",
    )
    for shape in shapes:
        before = torch.get_rng_state()
        first, again, other = (family.build(shape, 3, 4, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        require(
            family,
            torch.equal(before, torch.get_rng_state()),
            "building draws from the global generator: draw all weights from the one that is given",
        )
        weights = [torch.nn.utils.parameters_to_vector(module.parameters()) for module in (first, again, other)]
        require(
            family,
            torch.equal(weights[0], weights[1]),
            "the same generator state gives other weights: draw all weights from the generator that is given",
        )
        require(
            family,
            not torch.equal(weights[0], weights[2]),
            "another generator state gives the same weights: draw them from the generator that is given",
        )
        require(
            family,
            torch.equal(before, torch.get_rng_state()),
            "building draws from the global generator: draw all weights from the one that is given",
        )
        x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(2))
        first.eval()
        with torch.no_grad():
            outputs, features = first(x)
            alone = first(x[2:3])[0]
        require(family, tuple(outputs.shape) == (5, 3), f"outputs have shape {tuple(outputs.shape)}, (5, 3) was due: (rows, outputs)")
        require(family, bool(outputs.isfinite().all()), "outputs are not finite: initialise the weights smaller")
        require(family, bool(features) and all(len(layer) == 5 for layer in features.values()), "every hidden layer needs one row a sample")
        require(
            family,
            bool(torch.allclose(outputs[2:3], alone, atol=1e-5)),
            "a row's outputs depend on the other rows: in evaluation mode each row is alone",
        )
        _check_stack(family, first, other.eval(), x)
        named = family.build(shape, 3, 4, torch.Generator().manual_seed(0), **family.options)
        require(
            family,
            torch.equal(weights[0], torch.nn.utils.parameters_to_vector(named.parameters())),
            "its options are not its defaults: declare in options what build does without any",
        )
        _check_minimum(family, shape)
        sizes = [sum(p.numel() for p in family.build(shape, 3, width, torch.Generator()).parameters()) for width in (2, 4, 8)]
        require(family, sizes == sorted(set(sizes)), f"widths 2, 4, 8 have {sizes} parameters: more width must mean more")
        flops = [family.flops(shape, 3, width) for width in (2, 4, 8)]
        require(
            family, flops == sorted(set(flops)) and flops[0] > 0, f"widths 2, 4, 8 take {flops} multiply-adds: more width must mean more"
        )


def _check_stack(family: Family, first: nn.Module, other: nn.Module, x: torch.Tensor) -> None:
    """Two models at once, as the stacked engine calls them."""
    parameters, buffers = stack_module_state([first, other])
    with torch.no_grad():
        outputs, features = vmap(lambda p, b: functional_call(first, (p, b), (x,)))(parameters, buffers)
        for place, module in enumerate((first, other)):
            alone, layers = module(x)
            same = torch.allclose(outputs[place], alone, atol=1e-5) and all(
                torch.allclose(features[name][place], layer, atol=1e-5) for name, layer in layers.items()
            )
            require(family, same, "under vmap it gives other outputs than one model at a time: keep state out of the forward pass")


def _check_minimum(family: Family, shape: tuple[int, ...]) -> None:
    family.build(shape, 3, family.minimum_width, torch.Generator())
    try:
        family.build(shape, 3, family.minimum_width - 1, torch.Generator())
    except PlanError:
        return
    require(family, False, f"builds a width of {family.minimum_width - 1}, below its minimum_width: raise PlanError there")


def _fits(family: Family, shape: tuple[int, ...]) -> bool:
    try:
        for width in (4, 8):
            family.build(shape, 3, width, torch.Generator())
    except ValueError:
        return False
    return True

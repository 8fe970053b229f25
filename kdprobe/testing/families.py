"""The contract of a family of networks."""

import torch

from kdprobe.core.errors import ContractError
from kdprobe.core.recipe import Family

INPUT_SHAPES = ((6,), (1, 28, 28), (3, 32, 32), (12, 29))


def check_family(family: Family) -> None:
    """Raise ContractError unless a family builds networks that a sweep can train.

    Checked are: the same generator state gives the same weights, another gives others; the global generator is left alone; the forward
    pass gives finite (n, c) outputs and named hidden layers of n rows, and treats rows independently in evaluation mode; more width
    means more parameters and more multiply-adds.

    Examples
    --------
    >>> from kdprobe.core.registry import available
    >>> check_family(available("families")["mlp"])
    """
    shapes = [shape for shape in INPUT_SHAPES if _fits(family, shape)]
    _require(family, bool(shapes), f"fits none of the input shapes {INPUT_SHAPES}")
    for shape in shapes:
        before = torch.get_rng_state()
        first, again, other = (family.build(shape, 3, 4, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        _require(family, torch.equal(before, torch.get_rng_state()), "building draws from the global generator")
        weights = [torch.nn.utils.parameters_to_vector(module.parameters()) for module in (first, again, other)]
        _require(family, torch.equal(weights[0], weights[1]), "the same generator state gives other weights")
        _require(family, not torch.equal(weights[0], weights[2]), "another generator state gives the same weights")
        _require(family, torch.equal(before, torch.get_rng_state()), "building draws from the global generator")
        x = torch.randn(5, *shape, generator=torch.Generator().manual_seed(2))
        first.eval()
        with torch.no_grad():
            outputs, features = first(x)
            alone = first(x[2:3])[0]
        _require(family, tuple(outputs.shape) == (5, 3), f"outputs have shape {tuple(outputs.shape)}, (5, 3) was due")
        _require(family, bool(outputs.isfinite().all()), "outputs are not finite")
        _require(
            family, bool(features) and all(len(layer) == 5 for layer in features.values()), "every hidden layer needs one row a sample"
        )
        _require(family, bool(torch.allclose(outputs[2:3], alone, atol=1e-5)), "a row's outputs depend on the other rows")
        sizes = [sum(p.numel() for p in family.build(shape, 3, width, torch.Generator()).parameters()) for width in (2, 4, 8)]
        _require(family, sizes == sorted(set(sizes)), f"widths 2, 4, 8 have {sizes} parameters: more width must mean more")
        flops = [family.flops(shape, 3, width) for width in (2, 4, 8)]
        _require(
            family, flops == sorted(set(flops)) and flops[0] > 0, f"widths 2, 4, 8 take {flops} multiply-adds: more width must mean more"
        )


def _fits(family: Family, shape: tuple[int, ...]) -> bool:
    try:
        family.build(shape, 3, 4, torch.Generator())
    except ValueError:
        return False
    return True


def _require(family: Family, condition: bool, text: str) -> None:
    if not condition:
        raise ContractError(f"family {family.name!r}: {text}")

"""The suite for families notices each way of breaking the contract, and says what was due."""

from dataclasses import replace

import pytest
import torch

from kdprobe import available
from kdprobe.core.errors import ContractError, PlanError
from kdprobe.testing import check

MLP = available("families")["mlp"]


def changed(change):
    """A network of the good family whose outputs and hidden layers `change` makes."""

    def build(shape, outputs, width, generator, **options):
        module = MLP.build(shape, outputs, width, generator, **options)
        forward = module.forward
        module.forward = lambda x: change(module, x, *forward(x))
        return module

    return build


def fits_nothing(shape, outputs, width, generator):
    raise PlanError("no")


def by_global_generator(shape, outputs, width, generator):
    return MLP.build(shape, outputs, width, torch.Generator().manual_seed(int(torch.randint(2**31, ()))))


def drawn_after(shape, outputs, width, generator):
    module = MLP.build(shape, outputs, width, generator)
    torch.nn.init.constant_(module.output.bias, float(next(COUNTER)))
    return module


COUNTER = iter(range(10**6))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"build": fits_nothing}, r"fits none of the input shapes .*: build a network for one of them"),
        ({"build": by_global_generator}, "building draws from the global generator: draw all weights from the one that is given"),
        ({"build": drawn_after}, "the same generator state gives other weights: draw all"),
        (
            {"build": lambda shape, c, width, generator: MLP.build(shape, c, width, torch.Generator())},
            "another generator state gives the same weights: draw them",
        ),
        ({"build": lambda shape, c, width, generator: MLP.build(shape, c + 1, width, generator)}, r"shape \(5, 4\), \(5, 3\) was due"),
        ({"build": changed(lambda module, x, outputs, layers: (outputs * torch.inf, layers))}, "outputs are not finite"),
        ({"build": changed(lambda module, x, outputs, layers: (outputs, {}))}, "every hidden layer needs one row a sample"),
        (
            {"build": changed(lambda module, x, outputs, layers: (outputs - outputs.mean(dim=0), layers))},
            "a row's outputs depend on the other rows: in evaluation mode each row is alone",
        ),
        ({"options": {"depth": 2}}, "its options are not its defaults: declare in options"),
        ({"minimum_width": 2}, "builds a width of 1, below its minimum_width: raise PlanError there"),
        ({"build": lambda shape, c, width, generator, **o: MLP.build(shape, c, max(4, width) if width else 0, generator)}, "more width"),
        ({"flops": lambda shape, c, width: 7}, r"take \[7, 7, 7\] multiply-adds: more width must mean more"),
    ],
)
def test_a_broken_one_is_noticed(changes, text):
    with pytest.raises(ContractError, match=rf"family 'mlp': .*{text}"):
        check("families", replace(MLP, **changes))


def test_state_that_vmap_cannot_see_is_noticed():
    """A number kept beside the parameters is the first model's for all models of a stack."""

    def forward(module, x, outputs, layers):
        return outputs * module.kept, layers

    def build(shape, outputs, width, generator, **options):
        module = changed(forward)(shape, outputs, width, generator, **options)
        module.kept = float(module.output.weight.detach().sum())
        return module

    with pytest.raises(ContractError, match="under vmap it gives other outputs than one model at a time: keep state out"):
        check("families", replace(MLP, build=build))

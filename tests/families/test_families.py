"""Families against independent formulas: torch's own modules, hand-counted multiply-adds, and what an mlp was before it had options."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kdprobe.core.errors import PlanError
from kdprobe.core.registry import available

ALL = available("families")
SHAPES = {"mlp": (16,), "cnn": (1, 28, 28), "gru": (12, 29), "transformer": (16,), "random_features": (16,), "nested_linear": (16,)}
SHAPES["factors"] = (16,)


def built(name, shape=None, width=4, seed=0, **options):
    return ALL[name].build(shape or SHAPES[name], 5, width, torch.Generator().manual_seed(seed), **options).eval()


def batch(shape, rows=6):
    return torch.randn(rows, *shape, generator=torch.Generator().manual_seed(1))


def test_an_mlp_without_options_is_the_network_it_always_was():
    """Weights of one hidden layer drawn by hand, in the order and with the names that older zoos have."""
    generator = torch.Generator().manual_seed(7)
    expected = {}
    for layer, (inputs, outputs) in {"hidden": (16, 4), "output": (4, 5)}.items():
        bound = 1 / math.sqrt(inputs)
        for part, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
            expected[f"{layer}.{part}"] = nn.init.uniform_(torch.empty(shape), -bound, bound, generator=generator)
    module = built("mlp", seed=7)
    found = module.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    outputs, features = module(batch((16,)))
    hidden = torch.relu(batch((16,)) @ expected["hidden.weight"].T + expected["hidden.bias"])
    assert list(features) == ["hidden"]
    torch.testing.assert_close(outputs, hidden @ expected["output.weight"].T + expected["output.bias"])


def test_an_mlp_of_three_layers_names_them_in_order():
    module = built("mlp", depth=3)
    _, features = module(batch((16,)))
    assert list(features) == ["hidden1", "hidden2", "hidden3"]
    torch.testing.assert_close(features["hidden3"], torch.relu(module.hidden3(features["hidden2"])))


@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.BatchNorm1d), ("layer", nn.LayerNorm)])
def test_an_mlp_normalises_before_its_relu(norm, kind):
    module = built("mlp", depth=2, norm=norm).train()
    x = batch((16,), rows=50)
    _, features = module(x)
    before = kind(4).train()(module.hidden1(x))
    torch.testing.assert_close(features["hidden1"], torch.relu(before))


def test_dropout_drops_in_training_alone_and_leaves_the_weights_as_they_are():
    plain, dropped = built("mlp"), built("mlp", dropout=0.5)
    x = batch((16,))
    torch.testing.assert_close(plain(x)[0], dropped(x)[0])
    assert not torch.allclose(dropped.train()(x)[0], plain(x)[0])
    assert plain.state_dict().keys() == dropped.state_dict().keys()


def test_a_gru_is_torchs():
    module = built("gru")
    reference = nn.GRU(29, 4, batch_first=True)
    own = {"weight_ih_l0": module.input.weight, "bias_ih_l0": module.input.bias, "weight_hh_l0": module.state.weight}
    reference.load_state_dict(own | {"bias_hh_l0": module.state.bias})
    x = batch((12, 29))
    states, last = reference(x)
    _, features = module(x)
    torch.testing.assert_close(features["states"], states)
    torch.testing.assert_close(features["last"], last[0])


def test_a_gru_reads_an_image_row_by_row():
    module = built("gru", (2, 5, 3))
    image = batch((2, 5, 3))
    rows = torch.stack([torch.cat([image[:, 0, r], image[:, 1, r]], dim=1) for r in range(5)], dim=1)
    torch.testing.assert_close(module(image)[0], built("gru", (5, 6))(rows)[0])


def test_attention_is_torchs():
    module = built("transformer", width=6, heads=3)
    block, x = module.blocks[0], batch((16, 6))
    reference = nn.MultiheadAttention(6, 3, batch_first=True)
    own = {"in_proj_weight": block.query_key_value.weight, "in_proj_bias": block.query_key_value.bias}
    reference.load_state_dict(own | {"out_proj.weight": block.mix.weight, "out_proj.bias": block.mix.bias})
    torch.testing.assert_close(block._attend(x), reference(x, x, x)[0])


def test_a_transformers_columns_have_vectors_of_their_own():
    """Columns that change places change the outputs; a column that is 0 leaves its place alone."""
    module, x = built("transformer"), batch((16,))
    assert not torch.allclose(module(x)[0], module(x.flip(1))[0])
    empty = torch.zeros(1, 16)
    torch.testing.assert_close(module(empty)[1]["block1"], module.blocks[0](module.places[None]))


def test_a_cnn_gives_maps_that_halve():
    for shape, sizes in {(1, 28, 28): (14, 7, 4), (3, 32, 32): (16, 8, 4), (1, 8, 8): (8, 4, 2)}.items():
        _, features = built("cnn", shape)(batch(shape, rows=2))
        maps = [tuple(features[f"block{i}"].shape[1:]) for i in (1, 2, 3)]
        assert maps == [(4 * factor, size, size) for factor, size in zip((1, 2, 4), sizes, strict=True)]
        torch.testing.assert_close(features["pooled"], features["block3"].mean(dim=(2, 3)))


def test_a_factorisation_machine_sums_the_products_of_all_pairs_of_inputs():
    """The published form, Σ_{i<j} ⟨v_i, v_j⟩ x_i x_j, factor by factor; of two that are one-hot, their factors' product."""
    module = built("factors")
    x = batch((16,))
    outputs, features = module(x)
    v = module.factors
    pairs = sum(v[i] * v[j] * (x[:, i] * x[:, j])[:, None] for i in range(16) for j in range(i))
    torch.testing.assert_close(features["pairs"], pairs)
    torch.testing.assert_close(outputs, module.alone(x) + module.output(pairs))
    two = torch.zeros(1, 16)
    two[0, [3, 11]] = 1
    torch.testing.assert_close(module(two)[1]["pairs"][0], v[3] * v[11])


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("mlp", (16,), {}),
        ("mlp", (16,), {"depth": 3}),
        ("cnn", (1, 28, 28), {}),
        ("cnn", (3, 32, 32), {}),
        ("cnn", (1, 8, 8), {}),
        ("gru", (12, 29), {}),
        ("transformer", (12, 29), {}),
        ("transformer", (3, 32, 32), {"depth": 2}),
        ("random_features", (16,), {}),
        ("nested_linear", (16,), {}),
        ("factors", (16,), {}),
    ],
)
def test_multiply_adds_are_what_torch_counts(name, shape, options):
    module = built(name, shape, width=6, **options)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(batch(shape, rows=1))
    # torch counts a multiply-add as two operations, and of a convolution also what falls on the padding
    assert counter.get_total_flops() / 2 == ALL[name].flops(shape, 5, 6, **options)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("mlp", {"width": 0}, "mlp of width=0: give at least 1 hidden unit"),
        ("mlp", {"depth": 0}, "mlp with depth=0: give a number from 1"),
        ("mlp", {"norm": "lyer"}, "mlp with norm='lyer': unknown: did you mean 'layer'"),
        ("mlp", {"dropout": 1.0}, "mlp with dropout=1.0: give a number from 0 to below 1"),
        ("cnn", {"shape": (16,)}, r"inputs of shape \(16,\) are no images of at least 8×8"),
        ("cnn", {"norm": "layer"}, "cnn with norm='layer': unknown"),
        ("gru", {"shape": (16,)}, r"inputs of shape \(16,\) are no sequence: give \(time, channels\), or images"),
        ("factors", {"width": 0}, "factors of width=0: give at least 1 factor"),
        ("random_features", {"ridge": -0.1}, r"random_features with ridge=-0\.1: give a number from 0"),
        ("nested_linear", {"width": 17}, "nested_linear of width=17: the task has 16 features: give at most as many"),
        ("transformer", {"width": 6, "heads": 4}, "transformer with heads=4: they do not divide its width 6"),
    ],
)
def test_what_cannot_be_built_says_why(name, arguments, text):
    with pytest.raises(PlanError, match=text):
        built(name, **arguments)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cnn", "gru", "transformer"])
def test_it_learns_digits(name):
    """Each family learns real images far beyond chance within seconds: 10 classes, 8×8 pixels."""
    from kdprobe.tasks.splits import split

    parts = split(available("tasks")["digits"])
    module = ALL[name].build((1, 8, 8), 10, 8, torch.Generator().manual_seed(0))
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.01)
    x, y = torch.from_numpy(parts.train.x.copy()), torch.from_numpy(parts.train.y.copy())
    generator = torch.Generator().manual_seed(0)
    for _ in range(250):
        rows = torch.randint(len(x), (64,), generator=generator)
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(x[rows])[0], y[rows]).backward()
        optimiser.step()
    with torch.no_grad():
        found = module.eval()(torch.from_numpy(parts.validation.x.copy()))[0].argmax(dim=1).numpy()
    assert np.mean(found == parts.validation.y) > 0.8

"""Capture: what is read is right, and the model is left as it was found."""

import collections
import dataclasses
import gc
import itertools
import time
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import kdprobe
from kdprobe.compare.capture import capture
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import available


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator())


def mlp(*, inplace: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=inplace), nn.Linear(8, 7), nn.ReLU(inplace=inplace), nn.Linear(7, 3))


class ConvNet(nn.Module):
    """A small residual network with the usual parts: stem, stages in sequences of blocks, pooling, head."""

    class Block(nn.Module):
        def __init__(self, width: int):
            super().__init__()
            self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(width)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            return self.relu(self.bn(self.conv(x)) + x)

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(self.Block(4), self.Block(4))
        self.layer2 = nn.Sequential(self.Block(4), self.Block(4))
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.layer1(x))
        return self.fc(self.dropout(x.mean(dim=(2, 3))))


class Recurrent(nn.Module):
    def __init__(self, batch_first: bool = True):
        super().__init__()
        self.embed = nn.Embedding(11, 5)
        self.gru = nn.GRU(5, 6, batch_first=batch_first)
        self.fc = nn.Linear(6, 3)

    def forward(self, tokens):
        _, last = self.gru(self.embed(tokens))
        return self.fc(last[-1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.1)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        return {"logits": self.head(self.encoder(self.embed(tokens)).mean(dim=1))}


class Functional(nn.Module):
    """Everything between the layers is a function, and an auxiliary head runs after the output layer."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.head, self.auxiliary = nn.Linear(6, 8), nn.Linear(8, 7), nn.Linear(7, 3), nn.Linear(8, 2)

    def forward(self, x):
        first = F.relu(self.fc1(x))
        second = F.relu(self.fc2(first))
        logits = self.head(second)
        return {"logits": logits, "auxiliary": self.auxiliary(first)}


def take(model, layers, x, **options):
    with capture(model, layers, **options) as captured:
        output = model(x)
        features = captured.take(output, rows=len(x))
    return captured, features


def test_trap_2_an_in_place_relu_after_the_layer_does_not_reach_what_was_captured():
    x = inputs(9, 6)
    net = mlp(inplace=True)
    _, features = take(net, "0", x)
    expected = F.linear(x, net[0].weight, net[0].bias).detach().numpy()
    assert (expected < 0).any()
    np.testing.assert_allclose(features["0"], expected, rtol=1e-6)


def test_trap_9_the_order_asked_for_is_kept_and_globs_follow_the_forward_pass():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.middle, self.first = nn.Linear(4, 3), nn.Linear(5, 4), nn.Linear(6, 5)

        def forward(self, x):
            return self.last(self.middle(self.first(x)))

    x = inputs(4, 6)
    captured, features = take(Backwards(), ["middle", "last", "first"], x)
    assert list(features) == list(captured.names) == ["middle", "last", "first"]
    _, features = take(Backwards(), "*", x)
    assert list(features) == ["first", "middle", "last"]
    _, features = take(Backwards(), ["last", "*"], x)
    assert list(features) == ["last", "first", "middle"]
    assert [values.shape for values in features.values()] == [(4, 3), (4, 5), (4, 4)]


def test_one_star_stays_within_a_level_and_two_cross_levels():
    x = inputs(2, 1, 5, 5)
    _, within = take(ConvNet(), "layer1.*", x)
    assert list(within) == ["layer1.0", "layer1.1"]
    _, across = take(ConvNet(), "layer1.**.conv", x)
    assert list(across) == ["layer1.0.conv", "layer1.1.conv"]
    _, several = take(ConvNet(), "layer[12]", x)
    assert list(several) == ["layer1", "layer2"]


def test_trap_10_each_call_of_a_reused_module_is_a_layer():
    class Reused(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.relu = nn.Linear(6, 8), nn.Linear(8, 7), nn.ReLU()

        def forward(self, x):
            return self.relu(self.b(self.relu(self.a(x))))

    x, net = inputs(5, 6), Reused()
    _, features = take(net, "relu", x)
    first = F.relu(net.a(x))
    np.testing.assert_allclose(features["relu#1"], first.detach().numpy())
    np.testing.assert_allclose(features["relu#2"], F.relu(net.b(first)).detach().numpy())
    _, features = take(net, "relu#2", x)
    assert list(features) == ["relu#2"]
    with pytest.raises(PlanError, match="layer 'relu#3' was called 2 times in the forward pass: name a call that is made"):
        take(net, "relu#3", x)


def test_calls_that_differ_between_batches_are_refused():
    net = mlp()
    with capture(net, "1") as captured:
        net(inputs(3, 6))
        captured.take()
        net(inputs(3, 6))
        net(inputs(3, 6))
        with pytest.raises(DataError, match=r"layer '1' was called 2 times in this batch and 1 times in the first: take\(\) after"):
            captured.take()


def test_clear_forgets_calls_made_through_another_model():
    net = mlp()
    with capture(net, "1") as captured:
        net(inputs(3, 6))
        captured.clear()
        net(inputs(2, 6))
        assert captured.take()["1"].shape == (2, 8)


def test_trap_10_unused_modules_are_skipped_by_globs_and_refused_by_name():
    class Partly(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(6, 3), nn.Linear(6, 3)

        def forward(self, x):
            return self.used(x)

    captured, features = take(Partly(), "*", inputs(4, 6))
    assert list(features) == ["used"]
    assert captured.skipped == ("unused",)
    with pytest.raises(PlanError, match="layer 'unused' is never called in the forward pass: leave it out"):
        take(Partly(), "unused", inputs(4, 6))


def test_trap_10_tuples_and_mappings_are_read_by_path():
    tokens = torch.randint(0, 11, (4, 7), generator=generator())
    net = Recurrent()
    with pytest.raises(PlanError, match=r"layer 'gru' gives 2 tensors: name one of 'gru:0' \(4, 7, 6\), 'gru:1' \(1, 4, 6\)"):
        take(net, "gru", tokens)
    captured, features = take(net, "gru:0", tokens)
    assert captured.handling == {"gru:0": "gap over axis 1"}
    with torch.no_grad():
        np.testing.assert_allclose(features["gru:0"], net.gru(net.embed(tokens))[0].mean(dim=1).numpy(), rtol=1e-5)
    with pytest.raises(PlanError, match="layer 'gru:2' gives no tensor: there are 'gru:0', 'gru:1'"):
        take(net, "gru:2", tokens)
    with pytest.raises(DataError, match="layer 'gru:1' has 1 rows where the batch has 4: its first axis must be the sample"):
        take(net, "gru:1", tokens)

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Transformer()

        def forward(self, x):
            return self.inner(x)["logits"]

    _, features = take(Outer(), "inner:logits", tokens)
    assert features["inner:logits"].shape == (4, 3)
    with pytest.raises(PlanError, match=r"layer 'inner.embed:0' gives no tensor: drop the path"):
        take(Outer(), "inner.embed:0", tokens)


def test_dataclasses_and_named_tuples_are_read_by_path():
    @dataclasses.dataclass
    class Output:
        logits: torch.Tensor
        hidden: tuple[torch.Tensor, torch.Tensor]
        note: str = "no tensor"

    Pair = collections.namedtuple("Pair", ["first", "second"])

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, x):
            hidden = self.one(x)
            return Output(self.two(hidden), Pair(hidden, 2 * hidden))

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            return self.inner(x).logits

    x, net = inputs(4, 6), Outer()
    _, features = take(net, ["inner:hidden.1", "inner:logits"], x)
    np.testing.assert_allclose(features["inner:hidden.1"], 2 * net.inner.one(x).detach().numpy())
    np.testing.assert_allclose(features["inner:logits"], net(x).detach().numpy())
    with pytest.raises(
        PlanError, match=r"layer 'inner:note' gives no tensor: there are 'inner:logits', 'inner:hidden.0', 'inner:hidden.1'"
    ):
        take(net, "inner:note", x)


def test_the_input_of_a_module_is_read_before_the_module_changes_it():
    class InPlace(nn.Module):
        def forward(self, x, *, other):
            return x.add_(other)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.add = InPlace()

        def forward(self, x):
            return self.add(x.clone(), other=torch.full_like(x, 3))

    x = inputs(4, 2)
    _, features = take(Net(), ["add:input", "add:input.other", "add"], x)
    np.testing.assert_array_equal(features["add:input"], x.numpy())
    assert (features["add:input.other"] == 3).all()
    np.testing.assert_array_equal(features["add"], x.numpy() + 3)


def test_spatial_axes_are_averaged_flattened_or_made_rows_and_named():
    x, net = inputs(4, 1, 5, 6), ConvNet().eval()
    with torch.no_grad():
        images = net.layer1(net.relu(net.bn1(net.conv1(x)))).numpy()
    captured, features = take(net, "layer1", x)
    np.testing.assert_allclose(features["layer1"], images.mean(axis=(2, 3)), rtol=1e-5, atol=1e-6)
    assert captured.handling["layer1"] == "gap over axes 2, 3"
    captured, features = take(net, "layer1", x, spatial="flatten")
    np.testing.assert_allclose(features["layer1"], images.reshape(4, -1), rtol=1e-6)
    assert captured.handling["layer1"] == "flatten"
    captured, features = take(net, "layer1", x, spatial="positions")
    np.testing.assert_allclose(features["layer1"], images.transpose(0, 2, 3, 1).reshape(-1, 4), rtol=1e-6)
    assert captured.handling["layer1"] == "positions"
    captured, features = take(net, "layer1", x, channels="last")
    assert captured.handling["layer1"] == "gap over axes 1, 2"
    assert features["layer1"].shape == (4, 6)


def test_trap_15_gap_flatten_and_positions_are_different_measures():
    x = inputs(60, 1, 5, 6)
    one, other = ConvNet().eval(), ConvNet().eval()
    found = {}
    for spatial in ("gap", "flatten", "positions"):
        sides = [take(net, "layer1", x, spatial=spatial)[1]["layer1"] for net in (one, other)]
        found[spatial] = kdprobe.cka(*sides).value
    assert min(abs(found[a] - found[b]) for a, b in itertools.combinations(found, 2)) > 0.02, found


def test_channels_lie_where_the_modules_put_them():
    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu = nn.Conv1d(2, 5, 3), nn.ReLU()
            self.project, self.act = nn.Linear(5, 7), nn.GELU()

        def forward(self, x):
            return self.act(self.project(self.relu(self.conv(x)).transpose(1, 2)))

    captured, features = take(Sequence(), ["conv", "relu", "project:input", "project", "act"], inputs(4, 2, 9))
    assert captured.handling == {
        "conv": "gap over axis 2",
        "relu": "gap over axis 2",
        "project:input": "gap over axis 1",
        "project": "gap over axis 1",
        "act": "gap over axis 1",
    }
    assert [values.shape[1] for values in features.values()] == [5, 5, 5, 7, 7]
    windows = nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6))
    captured, _ = take(windows, "1", inputs(4, 3, 3, 6))
    assert captured.handling == {"1": "gap over axes 1, 2"}
    nothing_to_go_by = nn.Sequential(nn.ReLU())
    captured, _ = take(nothing_to_go_by, "0", inputs(4, 3, 5, 5))
    assert captured.handling == {"0": "gap over axes 2, 3"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_half_precision_is_widened_and_float64_is_kept(dtype):
    net = mlp().to(dtype)
    _, features = take(net, ["0", "last hidden"], inputs(5, 6).to(dtype))
    assert {values.dtype for values in features.values()} == {np.dtype("float64" if dtype is torch.float64 else "float32")}


def test_last_is_the_input_of_the_output_layer():
    x, net = inputs(5, 6), mlp()
    captured, features = take(net, "last hidden", x)
    assert captured.last_hidden == "4:input"
    np.testing.assert_allclose(features["4:input"], net[:4](x).detach().numpy())
    model = Functional()
    with capture(model, "last hidden") as captured:
        captured.take(model(x)["logits"])
        model(x)
        second = captured.take()
    assert captured.last_hidden == "head:input"
    np.testing.assert_allclose(second["head:input"], F.relu(model.fc2(F.relu(model.fc1(x)))).detach().numpy())
    tokens = torch.randint(0, 11, (4, 7), generator=generator())
    assert take(Recurrent(), "last hidden", tokens)[0].names == ("fc:input",)

    class OnlyRecurrent(nn.Module):
        """The first module with weights gives a tuple: the output layer is not the first one called."""

        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(5, 4, batch_first=True), nn.Linear(4, 3)

        def forward(self, x):
            return self.fc(self.lstm(x)[0][:, -1])

    assert take(OnlyRecurrent(), "last hidden", inputs(4, 6, 5))[0].names == ("fc:input",)
    assert take(OnlyRecurrent(), "auto", inputs(4, 6, 5))[0].names[-1] == "fc:input"
    assert take(Transformer(), "last hidden", tokens)[0].names == ("head:input",)


def test_a_norm_at_the_end_is_not_the_output_layer():
    net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3), nn.BatchNorm1d(3))
    assert take(net, "last hidden", inputs(5, 6))[0].names == ("2:input",)


@pytest.mark.parametrize("layers", ["last hidden", "auto"])
def test_a_network_of_one_layer_has_no_hidden_layer(layers):
    for net in (nn.Sequential(nn.Flatten(), nn.Linear(6, 3)), nn.Sequential(nn.Identity())):
        captured, features = take(net, layers, inputs(5, 6))
        assert features == {}
        assert captured.last_hidden is None


def test_auto_gives_one_layer_a_stage_and_the_last_hidden_layer_at_the_end():
    tokens = torch.randint(0, 11, (4, 7), generator=generator())
    assert take(mlp(), "auto", inputs(5, 6))[0].names == ("1", "4:input")
    assert take(ConvNet(), "auto", inputs(4, 1, 5, 5))[0].names == ("relu", "layer1", "fc:input")
    assert take(Recurrent(), "auto", tokens)[0].names == ("embed", "fc:input")
    assert take(Transformer(), "auto", tokens)[0].names == ("embed", "encoder.layers.0", "encoder.layers.1", "head:input")
    vgg = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Conv2d(5, 6, 3), nn.ReLU()),
        nn.Flatten(),
        nn.Sequential(nn.Linear(6 * 9, 7), nn.ReLU(), nn.Linear(7, 3)),
    )
    assert take(vgg, "auto", inputs(4, 1, 16, 16))[0].names == ("0.2", "0.4", "1", "2.2:input")


@pytest.mark.parametrize(
    ("family", "shape", "options", "names"),
    [
        ("mlp", (16,), {"depth": 3}, ("hidden1", "hidden2", "output:input")),
        ("cnn", (1, 8, 8), {"norm": "batch"}, ("norms.0", "norms.1", "output:input")),
        ("gru", (1, 8, 8), {}, ("input", "output:input")),
        ("transformer", (16,), {"depth": 1}, ("output:input",)),
        ("transformer", (1, 8, 8), {"depth": 3}, ("embed", "blocks.0", "blocks.1", "output:input")),
    ],
)
def test_auto_on_every_family(family, shape, options, names):
    made = available("families")[family]
    net = made.build(shape, 10, 8, generator(), **{**made.options, **options})
    captured, features = take(net, "auto", inputs(6, *shape))
    assert captured.names == names
    with torch.no_grad():
        _, own = net.eval()(inputs(6, *shape))
    np.testing.assert_allclose(features["output:input"], list(own.values())[-1].numpy(), rtol=1e-6)


def test_a_stage_that_is_called_at_each_time_step_is_one_layer_of_auto():
    class Cells(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.fc = nn.GRUCell(5, 4), nn.GRUCell(4, 6), nn.Linear(6, 3)

        def forward(self, x):
            one = two = None
            for step in range(x.shape[1]):
                one = self.first(x[:, step], one)
                two = self.second(one, two)
            return self.fc(two)

    x, net = inputs(7, 3, 5), Cells()
    captured, features = take(net, "auto", x)
    assert captured.names == ("first#3", "fc:input")
    with torch.no_grad():
        one = None
        for step in range(3):
            one = net.first(x[:, step], one)
    np.testing.assert_allclose(features["first#3"], one.numpy(), rtol=1e-6)
    assert take(net, "first", x)[0].names == ("first#1", "first#2", "first#3")


def test_auto_keeps_its_choice_in_later_batches():
    net = ConvNet()
    with capture(net, "auto") as captured:
        for n in (4, 3, 1):
            features = captured.take(net(inputs(n, 1, 5, 5)), rows=n)
            assert list(features) == ["relu", "layer1", "fc:input"]
            assert {len(values) for values in features.values()} == {n}


def test_trap_13_batch_norm_and_dropout_run_in_evaluation_mode_and_every_flag_comes_back():
    x, net = inputs(6, 1, 5, 5), ConvNet()
    net.layer1.eval()  # a mixture, as in fine-tuning
    flags = {name: module.training for name, module in net.named_modules()}
    state = {name: value.clone() for name, value in net.state_dict().items()}
    _, first = take(net, "fc:input", x)
    _, second = take(net, "fc:input", x)
    np.testing.assert_array_equal(first["fc:input"], second["fc:input"])
    assert {name: module.training for name, module in net.named_modules()} == flags
    for name, value in net.state_dict().items():
        assert torch.equal(value, state[name]), name
    net.eval()
    with torch.no_grad():
        np.testing.assert_allclose(first["fc:input"], net.layer2(net.layer1(net.relu(net.bn1(net.conv1(x))))).mean(dim=(2, 3)).numpy())


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks) for module in model.modules())


@pytest.mark.parametrize("failure", ["forward", "user", "selection", "none"])
def test_trap_12_the_model_is_left_as_it_was_found_whatever_happens(failure):
    class Breaks(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.dropout, self.broken = mlp(), nn.Dropout(), failure == "forward"

        def forward(self, x):
            x = self.dropout(self.body(x)) + torch.rand(3)
            if self.broken:
                raise RuntimeError("out of memory")
            return x

    net = Breaks()
    net.body[2].eval()
    net.body[0].register_forward_hook(lambda module, arguments, output: None)  # somebody else's
    net(inputs(3, 6)).sum().backward() if failure != "forward" else None
    gradients = {name: None if p.grad is None else p.grad.clone() for name, p in net.named_parameters()}
    flags = [module.training for module in net.modules()]
    state = torch.get_rng_state()
    layers = "nonsense#2" if failure == "selection" else ["auto", "body.*"]
    try:
        with capture(net, layers) as captured:
            assert not torch.is_grad_enabled()
            torch.rand(3)
            captured.take(net(inputs(3, 6)))
            if failure == "user":
                raise RuntimeError("out of memory")
    except (RuntimeError, PlanError):
        assert failure != "none"
    assert torch.is_grad_enabled()
    assert [module.training for module in net.modules()] == flags
    assert hooks(net) == 1
    assert torch.equal(torch.get_rng_state(), state)
    for name, p in net.named_parameters():
        assert (p.grad is None and gradients[name] is None) or torch.equal(p.grad, gradients[name])


def test_an_overridden_eval_is_not_run():
    class Merges(nn.Linear):
        def train(self, mode: bool = True):
            with torch.no_grad():
                self.weight.mul_(2.0)  # as adapters do that merge themselves into the weights
            return super().train(mode)

    net = nn.Sequential(Merges(6, 5), nn.Linear(5, 3))
    before = net[0].weight.clone()
    take(net, "0", inputs(4, 6))
    assert torch.equal(net[0].weight, before)


@pytest.mark.slow
def test_compiled_modules_run_uncompiled_while_they_are_captured():
    x, net = inputs(5, 6), mlp().eval()
    compiled = torch.compile(net, backend="eager")
    with torch.no_grad():
        compiled(x)
        _, features = take(compiled, ["_orig_mod.0", "last hidden"], x)
        np.testing.assert_allclose(features["_orig_mod.4:input"], net[:4](x).numpy())
        np.testing.assert_allclose(features["_orig_mod.0"], net[0](x).numpy())


def test_trap_12_no_graph_and_no_tensor_is_kept():
    net = mlp()
    x = inputs(4, 6).requires_grad_()
    with capture(net, ["1", "last hidden"]) as captured:
        output = net(x)
        assert not output.requires_grad
        alive = weakref.ref(output)
        features = captured.take(output)
        del output
        gc.collect()
        assert alive() is None
    assert all(isinstance(values, np.ndarray) for values in features.values())


def test_the_whole_stream_counts_and_not_its_last_batch():
    net, x = mlp(), inputs(50, 6)
    with capture(net, ["1", "last hidden"]) as captured:
        parts = [captured.take(net(batch), rows=len(batch)) for batch in x.split(16)]
    whole = take(net, ["1", "last hidden"], x)[1]
    for name, values in whole.items():
        np.testing.assert_allclose(np.concatenate([part[name] for part in parts]), values, rtol=1e-5, atol=1e-6)


def test_two_names_of_one_module_and_keys_with_odd_signs():
    shared = nn.Linear(6, 6)
    net = nn.ModuleDict({"a:b": shared, "c#1": shared})
    x = inputs(3, 6)
    with capture(net, "c#1") as captured:
        shared(x)
        assert captured.take()["c#1"].shape == (3, 6)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ("layr1", r"layer 'layr1' is not in ConvNet: did you mean 'layer1'.*Known: bn1, conv1, dropout, fc, layer1, "),
        ("stage*", r"layer 'stage\*' is not in ConvNet"),
        (["relu", ""], r"layer '' is not in ConvNet"),
    ],
)
def test_an_unknown_layer_lists_near_names(layers, text):
    with pytest.raises(PlanError, match=text):
        take(ConvNet(), layers, inputs(2, 1, 5, 5))


def test_other_wrong_requests_say_what_to_do():
    with pytest.raises(PlanError, match="spatial='mean' is unknown: give one of flatten, gap, positions"):
        take(mlp(), "last hidden", inputs(2, 6), spatial="mean")
    with pytest.raises(PlanError, match="channels='lst' is unknown: did you mean 'last'"):
        take(mlp(), "last hidden", inputs(2, 6), channels="lst")
    with pytest.raises(PlanError, match=r"model is a function: hidden layers can be captured of a torch.nn.Module only"):
        take(lambda x: x, "last hidden", inputs(2, 6))

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.counts, self.total = nn.Identity(), nn.Identity()

        def forward(self, x):
            self.counts(torch.arange(3))
            return self.total(x.sum())

    with pytest.raises(PlanError, match="layer 'counts' gives Tensor without a floating-point tensor: leave it out"):
        take(Odd(), "counts", inputs(2, 6))
    with pytest.raises(PlanError, match="layer 'total' gives one number for the whole batch: leave it out"):
        take(Odd(), "total", inputs(2, 6))


@pytest.mark.slow
def test_hooks_cost_little():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 256, 10)
    )
    net.eval()
    x = inputs(64, 3, 16, 16)

    def bare() -> float:
        start = time.process_time()
        with torch.no_grad():
            for _ in range(5):
                net(x)
        return time.process_time() - start

    def hooked() -> float:
        start = time.process_time()
        with capture(net, "auto") as captured:
            for _ in range(5):
                captured.take(net(x))
        return time.process_time() - start

    bare(), hooked()
    ratios = sorted(hooked() / bare() for _ in range(5))
    assert ratios[0] < 1.5, ratios

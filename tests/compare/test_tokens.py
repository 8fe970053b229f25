"""Tokens: causal language models and taggers, padding, masks and labels that say "leave this out"."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import nn

from kdprobe.compare import compare
from kdprobe.core.errors import DataError, PlanError

VOCABULARY, LENGTH, SEQUENCES = 11, 9, 24
RNG = np.random.default_rng(0)
IDS = torch.from_numpy(RNG.integers(1, VOCABULARY, (SEQUENCES, LENGTH)))
LENGTHS = RNG.integers(3, LENGTH + 1, SEQUENCES)
MASK = torch.from_numpy((np.arange(LENGTH) < LENGTHS[:, None]).astype(int))
TAGS = torch.from_numpy(RNG.integers(0, 4, (SEQUENCES, LENGTH)))


class Network(nn.Module):
    """Each token by itself, and what was before it."""

    def __init__(self, seed, outputs=VOCABULARY, wide=6):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding, self.hidden, self.output = nn.Embedding(VOCABULARY, wide), nn.Linear(wide, wide), nn.Linear(wide, outputs)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)

    def forward(self, input_ids, attention_mask=None):
        return SimpleNamespace(logits=self.output(torch.tanh(self.hidden(self.embedding(input_ids).cumsum(1) / 3))))


def batches(size=SEQUENCES, *, ids=IDS, mask=MASK, **more):
    parts = {"input_ids": ids, **({} if mask is None else {"attention_mask": mask}), **more}
    return [{key: value[start : start + size] for key, value in parts.items()} for start in range(0, len(ids), size)]


def numbers(comparison):
    return {
        (name, key): (result.value, getattr(result, "low", None), getattr(result, "high", None))
        for name, results in comparison.results.items()
        for key, result in results.items()
    }


def equal(one, other):
    assert one.n == other.n
    mine, theirs = numbers(one), numbers(other)
    assert mine.keys() == theirs.keys()
    for key, values in mine.items():
        assert values == (None, None, None) if theirs[key][0] is None else values == pytest.approx(theirs[key], rel=1e-6, abs=1e-7), key


def rows_of(network, keep):
    with torch.no_grad():
        return network(IDS).logits.double().numpy()[keep]


def test_each_tag_is_a_row_and_each_sequence_a_block():
    networks = [Network(seed, 4) for seed in range(5)]
    found = compare(networks[0], networks[1], batches(labels=TAGS), task="classification", twins=networks[2:])
    keep = MASK.numpy().astype(bool)
    arrays = [rows_of(network, keep) for network in networks]
    sequences = np.repeat(np.arange(SEQUENCES), LENGTH).reshape(SEQUENCES, LENGTH)[keep]
    y = TAGS.numpy()[keep]
    expected = compare(*arrays[:2], (None, y), task="classification", twins=arrays[2:], blocks=sequences)
    assert found.n == keep.sum()
    assert {k: v for k, v in numbers(found).items() if k[0] != "cka"} == {
        k: pytest.approx(v, rel=1e-4, abs=1e-5) if v[0] is not None else v for k, v in numbers(expected).items() if k[0] != "cka"
    }
    assert found.scores["student"]["loss"].value == pytest.approx(-log_softmax(arrays[1], axis=1)[np.arange(len(y)), y].mean(), rel=1e-5)
    assert found.results["cka"]["own"].n == 20
    assert found.layers["student"] == {"output:input": "positions"}
    assert any(note.startswith(f"Rows are {keep.sum()} tokens of {SEQUENCES} sequences: intervals") for note in found.notes)


def test_labels_that_are_the_inputs_are_read_one_token_on():
    networks = [Network(0), Network(1)]
    labels = torch.where(MASK == 1, IDS, -100)
    found = compare(*networks, batches(labels=labels), task="classification")
    keep = np.zeros((SEQUENCES, LENGTH), dtype=bool)
    keep[:, :-1] = MASK.numpy()[:, 1:] == 1
    y = IDS.numpy()[:, 1:][keep[:, :-1]]
    student = rows_of(networks[1], keep)
    assert found.n == keep.sum() == (LENGTHS - 1).sum()
    assert found.scores["student"]["loss"].value == pytest.approx(-log_softmax(student, axis=1)[np.arange(len(y)), y].mean(), rel=1e-5)
    assert any("read against the next one" in note for note in found.notes)
    # the same where the data name no labels: the input is its own
    own = compare(*networks, batches(), task="classification", target="input_ids")
    assert own.scores["student"]["loss"].value == pytest.approx(found.scores["student"]["loss"].value)
    # and where y was moved before, as it is
    moved = torch.cat([labels[:, 1:], torch.full((SEQUENCES, 1), -100)], dim=1)
    before = compare(*networks, batches(labels=moved), task="classification")
    assert before.scores["student"]["loss"].value == pytest.approx(found.scores["student"]["loss"].value)
    assert not any("next one" in note for note in before.notes)
    # a first batch of which no label counts says nothing of those that follow
    none = {"input_ids": IDS[:2], "attention_mask": MASK[:2], "labels": torch.full((2, LENGTH), -100)}
    later = compare(*networks, [none, *batches(labels=labels)], task="classification")
    assert later.scores["student"]["loss"].value == pytest.approx(found.scores["student"]["loss"].value)


def test_labels_that_are_the_inputs_in_the_first_batch_alone_are_no_inputs():
    """A task of mending words, whose first batch happens to have none to mend: its order must not decide what outputs are read against."""
    networks = [Network(0), Network(1)]
    words = torch.where(MASK == 1, IDS, -100)
    broken = IDS.clone()
    broken[SEQUENCES // 2 :] = (IDS[SEQUENCES // 2 :] + 1) % VOCABULARY
    given = batches(SEQUENCES // 2, ids=broken, labels=words)
    with pytest.raises(DataError, match=r"labels were the inputs themselves in the batches before, .* in this batch they are others"):
        compare(*networks, given, task="classification")
    # once a batch tells that they are none, a clean one changes nothing
    whole = batches(ids=broken.flip(0), mask=MASK.flip(0), labels=words.flip(0))
    one, other = (compare(*networks, parts, task="classification") for parts in (given[::-1], whole))
    assert one.scores["student"]["loss"].value == pytest.approx(other.scores["student"]["loss"].value)
    assert not any("next one" in note for note in one.notes)


def test_padding_changes_nothing():
    networks = [Network(seed, 4) for seed in range(5)]
    longer = [nn.functional.pad(part, (0, 5), value=fill) for part, fill in ((IDS, 7), (MASK, 0), (TAGS, -100))]
    plain = compare(*networks[:2], batches(labels=TAGS), task="classification", twins=networks[2:])
    padded = compare(*networks[:2], batches(ids=longer[0], mask=longer[1], labels=longer[2]), task="classification", twins=networks[2:])
    equal(plain, padded)


@pytest.mark.parametrize("size", [1, 5])
def test_batches_of_another_size_change_nothing(size):
    networks = [Network(seed, 4) for seed in range(2)]
    whole, split = (compare(*networks, batches(n, labels=TAGS), task="classification", layers="auto") for n in (SEQUENCES, size))
    equal(whole, split)
    for mine, theirs in zip(whole.layer_map.own, split.layer_map.own, strict=True):
        assert [float(cell) for cell in mine] == pytest.approx([float(cell) for cell in theirs])


def test_tokens_without_labels_and_as_arrays():
    networks = [Network(0), Network(1)]
    found = compare(*networks, batches(), task="classification")
    assert found.n == MASK.sum()
    assert found.scores == {}
    arrays = [network(IDS).logits.detach().numpy() for network in networks]
    of_arrays = compare(*arrays, None, task="classification", mask=MASK.numpy())
    assert of_arrays.results["kl"]["own"].value == pytest.approx(found.results["kl"]["own"].value, rel=1e-5)
    named = compare(*arrays, (None, TAGS.numpy() % 4), task="classification", blocks=np.arange(SEQUENCES) // 2)
    assert named.results["kl"]["own"].n == SEQUENCES // 2


def test_values_of_tokens():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(30, 5))
    teacher, student = (y[..., None] + rng.normal(size=(30, 5, 1)) for _ in range(2))
    found = compare(teacher, student, (None, y), task="regression")
    expected = compare(
        *(a.reshape(-1, 1) for a in (teacher, student)), (None, y.ravel()), task="regression", blocks=np.repeat(range(30), 5)
    )
    assert numbers(found) == numbers(expected)


def test_rows_that_a_mask_or_a_label_leaves_out():
    rng = np.random.default_rng(2)
    teacher, student = rng.normal(size=(2, 60, 3))
    y, keep = rng.integers(0, 3, 60), rng.random(60) < 0.7
    expected = compare(teacher[keep], student[keep], (None, y[keep]), task="classification")
    equal(compare(teacher, student, (None, np.where(keep, y, -100)), task="classification"), expected)
    masked = compare(teacher, student, (None, y), task="classification", mask=keep)
    equal(masked, expected)
    assert f"{(~keep).sum()} rows are left out by the mask." in masked.notes
    third = [(teacher[i : i + 20], y[i : i + 20], keep[i : i + 20]) for i in (0, 20, 40)]
    parts = compare(lambda x: x, lambda x: 2 * x, third, task="classification", mask=2)
    assert parts.n == keep.sum()
    keyed = [{"x": x, "y": label, "real": kept} for x, label, kept in third]
    for mask in ("real", lambda batch: batch["real"]):
        if mask == "real":
            assert compare(lambda x: x, lambda x: 2 * x, keyed, task="classification", mask=mask).n == keep.sum()
        else:
            assert compare(lambda b: 0, lambda b: 0, keyed, task="classification", mask=mask, forward=lambda m, b: b["x"]).n == keep.sum()


def test_padding_is_left_out_of_averages_over_sequences():
    class Classifier(nn.Module):
        def __init__(self, seed):
            super().__init__()
            self.body, self.output = Network(seed).hidden, nn.Linear(6, 3)
            self.embedding = Network(seed).embedding

        def forward(self, input_ids, attention_mask):
            states = torch.tanh(self.body(self.embedding(input_ids)))
            return self.output((states * attention_mask[..., None]).sum(1))

    networks = [Classifier(seed) for seed in (0, 1)]
    y = torch.from_numpy(RNG.integers(0, 3, SEQUENCES))
    options = {"task": "classification", "layers": "body"}
    found = compare(*networks, batches(labels=y), **options)
    assert found.layers["student"]["body"] == "gap over axis 1 without padding"
    longer = [nn.functional.pad(part, (0, 4), value=fill) for part, fill in ((IDS, 7), (MASK, 0))]
    equal(compare(*networks, batches(ids=longer[0], mask=longer[1], labels=y), **options), found)
    without = compare(*networks, batches(labels=y, mask=torch.ones_like(MASK)), **options)
    assert without.results["cka"]["own"].value != pytest.approx(found.results["cka"]["own"].value, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"y": np.zeros(30, int)}, DataError, r"teacher gives an output for each of 5 tokens of 30 sequences, y has shape \(30,\): give a"),
        ({"mask": np.ones((30, 4))}, DataError, r"the mask has shape \(30, 4\), the outputs \(30, 5\): give one entry a token, 1 at what"),
        ({"mask": np.full((30, 5), 0.5)}, DataError, "the mask holds more than 0 and 1"),
        ({"mask": np.zeros((30, 5))}, DataError, "nothing is left of the data: masks and labels of -100 leave out every row"),
        (
            {"student": np.zeros((30, 6, 3))},
            DataError,
            r"teacher gives outputs of shape \(30, 5, 3\), student \(30, 6, 3\): compare",
        ),
        ({"student": np.zeros((30, 3))}, DataError, r"teacher gives outputs of shape \(30, 5, 3\), student \(30, 3\): compare models"),
        ({"student": np.zeros((30, 5, 4))}, DataError, "teacher gives 3 classes a token, student 4: compare models of one vocabulary"),
        ({"mask": np.ones((31, 5))}, DataError, "mask has 31 rows, the data 30: rows must be paired"),
        ({"mask": True}, DataError, "mask=True: a batch has 2 parts: name one of them"),
        ({"mask": "real"}, DataError, "mask='real': a batch has 2 parts: name one of them"),
        ({"mask": np.arange(30)[:, None] < [[2] * 5]}, PlanError, "data have tokens of 2 sequences: intervals leave out whole sequences"),
    ],
)
def test_what_does_not_fit_is_named(options, error, text):
    rng = np.random.default_rng(0)
    teacher, student = rng.normal(size=(2, 30, 5, 3))
    with pytest.raises(error, match=text):
        compare(
            teacher,
            options.get("student", student),
            (None, options.get("y", rng.integers(0, 3, (30, 5)))),
            task="classification",
            mask=options.get("mask"),
        )


def test_a_layer_of_other_positions_is_named():
    class Pooled(Network):
        def forward(self, input_ids):
            states = torch.tanh(self.hidden(self.embedding(input_ids)))
            return self.output(states) + self.hidden(states[:, ::2]).mean()

    with pytest.raises(DataError, match="teacher: layer 'hidden#2' has 5 positions a sample where the outputs have 9: name a layer"):
        compare(Pooled(0), Pooled(1), (IDS, None), task="classification", layers="hidden#2")


def test_a_mask_in_order_meets_no_shuffled_loader():
    data = torch.utils.data.TensorDataset(IDS, TAGS)
    loader = torch.utils.data.DataLoader(data, shuffle=True, batch_size=8)
    with pytest.raises(PlanError, match="mask is an array and the loader shuffles"):
        compare(Network(0, 4), Network(1, 4), loader, task="classification", mask=MASK.numpy())

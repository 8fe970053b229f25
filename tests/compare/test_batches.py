"""Batches of other shapes: targets in another place, inputs by keyword, outputs as objects; and what cannot be compared is refused."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from kdprobe.compare import compare
from kdprobe.core.errors import DataError

RNG = np.random.default_rng(0)
USER, ITEM, RATING = (
    torch.from_numpy(RNG.integers(0, 9, 200)),
    torch.from_numpy(RNG.integers(0, 7, 200)),
    torch.from_numpy(RNG.normal(size=200)),
)


class Factors(nn.Module):
    """Ratings as products of factors, fitted by gradient."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.users, self.items = nn.Embedding(9, 4), nn.Embedding(7, 4)
        optimiser = torch.optim.Adam(self.parameters(), lr=0.05)
        for _ in range(30):
            optimiser.zero_grad()
            (self(USER, ITEM) - RATING).square().mean().backward()
            optimiser.step()

    def forward(self, user, item):
        return (self.users(user) * self.items(item)).sum(dim=1)


def through(model, batch):
    return model(batch[0], batch[1])


def test_the_target_may_be_any_part_of_a_batch():
    teacher, student = Factors(0), Factors(1)
    outputs = [net(USER, ITEM).detach().numpy() for net in (teacher, student)]
    expected = compare(*outputs, (None, RATING.numpy()), task="regression").results["r2"]["own"].value
    loader = DataLoader(TensorDataset(USER, ITEM, RATING), batch_size=64)
    last = compare(teacher, student, loader, task="regression", forward=through, target=-1)
    assert last.results["r2"]["own"].value == pytest.approx(expected)
    assert set(last.scores) == {"teacher", "student"}
    named = [{"user": USER, "item": ITEM, "stars": RATING}]
    by_key = compare(teacher, student, named, task="regression", forward=lambda m, b: m(b["user"], b["item"]), target="stars")
    whole = compare(teacher, student, (USER, ITEM, RATING), task="regression", forward=through, target=2)
    asked = compare(teacher, student, loader, task="regression", forward=through, target=lambda batch: batch[2])
    for found in (by_key, whole, asked):
        assert found.scores["student"]["R²"].value == pytest.approx(last.scores["student"]["R²"].value)
    one = compare(lambda x: x[:, None] * 1.0, lambda x: x[:, None] + 0.1 * USER[:, None], [(RATING, RATING)], task="regression", target=0)
    assert one.scores["teacher"]["R²"].value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "data is a tuple of 3 arrays: give .x, y., or say which part is the target, such as target=-1"),
        ({"target": 3}, "target=3: a batch has 3 parts: name one of them"),
        ({"target": True}, "target=True: a batch has 3 parts"),
        ({"target": "y"}, "target='y': a batch has 3 parts"),
        ({"target": -1}, "a batch has 2 parts beside its target: say how models take them with forward="),
    ],
)
def test_a_target_that_is_not_there_is_named(options, text):
    with pytest.raises(DataError, match=text):
        compare(lambda x: x, lambda x: x, (USER, ITEM, RATING), task="regression", **options)
    with pytest.raises(DataError, match="target='stars': a batch has the keys 'x', 'y': name one of them"):
        compare(lambda x: x, lambda x: x, [{"x": RATING, "y": RATING}], task="regression", target="stars")
    with pytest.raises(DataError, match=r"a batch has 3 parts: which is the target.* such as target=-1"):
        compare(lambda x: x, lambda x: x, [(USER, ITEM, RATING)], task="regression")


@dataclass
class Output:
    """As a language model's library gives it."""

    logits: torch.Tensor
    hidden_states: tuple = ()


class Encoder(nn.Module):
    """A tiny classifier of sequences with the call of Hugging Face's."""

    def __init__(self, seed, *, each=False):
        super().__init__()
        torch.manual_seed(seed)
        self.each, self.embedding, self.head = each, nn.Embedding(11, 6), nn.Linear(6, 3)

    def forward(self, input_ids, attention_mask):
        hidden = self.embedding(input_ids) * attention_mask[..., None]
        return Output(self.head(hidden if self.each else hidden.sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)))


IDS, MASK, LABELS = torch.from_numpy(RNG.integers(0, 11, (100, 5))), torch.ones(100, 5), torch.from_numpy(RNG.integers(0, 3, 100))


def test_dictionaries_are_passed_by_keyword_and_objects_give_their_logits():
    teacher, student = Encoder(0), Encoder(1)
    batches = [{"input_ids": IDS[rows], "attention_mask": MASK[rows], "labels": LABELS[rows]} for rows in (slice(0, 60), slice(60, 100))]
    found = compare(teacher, student, batches, task="classification")
    with torch.no_grad():
        own = [net(IDS, MASK).logits.argmax(1) for net in (teacher, student)]
    assert found.results["agreement_top1"]["own"].value == pytest.approx((own[0] == own[1]).double().mean().item())
    assert found.scores["teacher"]["accuracy"].value == pytest.approx((own[0] == LABELS).double().mean().item())
    assert found.layers["teacher"] == {"head:input": "none"}
    told = compare(
        teacher,
        student,
        [{("label" if key == "labels" else key): part for key, part in batch.items()} for batch in batches],
        task="classification",
        target="label",
    )
    assert told.scores["teacher"]["accuracy"].value == found.scores["teacher"]["accuracy"].value


def test_one_label_for_many_tokens_is_refused_with_what_to_do():
    data = [{"input_ids": IDS, "attention_mask": MASK, "labels": LABELS}]
    with pytest.raises(DataError, match=r"teacher gives an output for each of 5 tokens of 100 sequences, y has shape \(100,\): give a"):
        compare(Encoder(0, each=True), Encoder(1, each=True), data, task="classification")
    last = compare(
        Encoder(0, each=True), Encoder(1, each=True), data, task="classification",
        forward=lambda model, batch: model(batch["input_ids"], batch["attention_mask"]).logits[:, -1],
    )  # fmt: skip
    assert last.n == 100

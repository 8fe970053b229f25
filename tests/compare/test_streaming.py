"""Outputs that are too much to keep: numbers of each row say the same as the outputs did, whatever the batches."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch import nn

from kdprobe.compare import compare
from kdprobe.compare.stream import intake
from kdprobe.compare.stream.reservoir import Reservoir, drawn
from kdprobe.core.errors import DataError
from kdprobe.core.result import Refusal

ROWS, CLASSES = 600, 8
RNG = np.random.default_rng(0)
Y = RNG.integers(0, CLASSES, ROWS)


def model(seed, sure=2.0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(ROWS, CLASSES))
    logits[np.arange(ROWS), Y] += sure
    return logits


TEACHER, OTHER = model(1, 3.0), model(9, 3.0)
STUDENT = 0.5 * TEACHER + 0.5 * model(2)
TWINS = [model(3 + i) for i in range(4)]
SIBLINGS = [OTHER, model(10, 3.0), model(11, 3.0)]
# what is read of whole outputs comes from a sample, and what is read at a temperature has another one
OF_ALL = (
    "agreement_top1", "agreement_teacher_wrong", "calibration_transfer", "churn", "error_consistency", "fidelity", "gain", "gain_second",
    "kl", "recovered", "teacher_wrong_room", "transfer_coefficient",
)  # fmt: skip


@pytest.fixture
def streaming(monkeypatch):
    """As if all outputs were too much: the first ninth of the rows fits."""

    def begin(rows=70, models=9, wide=4096, features=2**24):
        monkeypatch.setattr(intake, "FOR_TEMPERATURES", (0, 0))
        monkeypatch.setattr(intake, "MOST", rows * models * CLASSES)
        monkeypatch.setattr(intake, "WIDE", wide)
        monkeypatch.setattr(intake, "MOST_FEATURES", {False: features, True: features})

    return begin


def values(comparison, names):
    return {
        (name, key): None if isinstance(result, Refusal) else (result.value, result.low, result.high)
        for name in names
        for key, result in comparison.results[name].items()
    }


@pytest.mark.parametrize("written", ["logits", "probabilities"])
@pytest.mark.parametrize("blocks", [None, np.arange(ROWS) // 10])
def test_numbers_of_rows_say_what_outputs_say(streaming, written, blocks):
    of = (lambda z: softmax(z, axis=1)) if written == "probabilities" else (lambda z: z)
    options = {"task": "classification", "twins": [of(t) for t in TWINS], "siblings": [of(s) for s in SIBLINGS], "blocks": blocks}
    dense = compare(of(TEACHER), of(STUDENT), (None, Y), **options)
    streaming()
    streamed = compare(of(TEACHER), of(STUDENT), (None, Y), **options)
    assert streamed.n == ROWS
    mine, theirs = values(streamed, OF_ALL), values(dense, OF_ALL)
    assert mine.keys() == theirs.keys()
    assert sum(found is not None for found in theirs.values()) > 80
    for key, found in theirs.items():
        assert mine[key] == (None if found is None else pytest.approx(found, rel=1e-6, abs=1e-9)), key
    for name, scores in dense.scores.items():
        for score in ("accuracy", "loss"):
            assert streamed.scores[name][score].value == pytest.approx(scores[score].value, rel=1e-9)
    assert any(note.startswith("Of whole outputs 7") or note.startswith("Of whole outputs 6") for note in streamed.notes)
    assert streamed.results["cka_output"]["difference"].value == pytest.approx(dense.results["cka_output"]["difference"].value, abs=0.2)
    assert any(written in note for note in streamed.notes)


def test_float32_says_so_to_its_precision(streaming):
    dense = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS)
    streaming()
    streamed = compare(*(z.astype(np.float32) for z in (TEACHER, STUDENT)), (None, Y), task="classification", twins=np.float32(TWINS))
    for key, found in values(dense, OF_ALL).items():
        assert values(streamed, OF_ALL)[key] == (None if found is None else pytest.approx(found, rel=1e-4, abs=1e-5)), key


def test_several_seeds_are_streamed_too(streaming):
    teachers, students, twins = [TEACHER, OTHER, SIBLINGS[1]], [STUDENT, 0.5 * OTHER + 0.5 * model(20), model(21)], TWINS[:3]
    options = {"teachers": teachers, "students": students, "twins": twins, "task": "classification"}
    dense = compare(data=(None, Y), **options)
    streaming()
    streamed = compare(data=(None, Y), **options)
    names = [name for name in OF_ALL if name != "transfer_coefficient"]
    for key, found in values(dense, names).items():
        assert values(streamed, names)[key] == (None if found is None else pytest.approx(found, rel=1e-6, abs=1e-9)), key


def test_temperatures_are_of_the_first_rows_and_read_across(streaming):
    streaming(rows=300, models=2)
    found = compare(TEACHER, 3 * STUDENT, (None, Y), task="classification")
    half = drawn(np.arange(ROWS), intake.HALF) % 2 == 1
    inverse = np.linspace(0.02, 3, 60_001)

    def best(rows):
        at = np.flatnonzero(rows)[np.flatnonzero(rows) < 300]
        losses = [-log_softmax(b * 3 * STUDENT[at], axis=1)[np.arange(len(at)), Y[at]].mean() for b in inverse[::100]]
        near = inverse[::100][int(np.argmin(losses))]
        fine = inverse[abs(inverse - near) < 0.06]
        return fine[int(np.argmin([-log_softmax(b * 3 * STUDENT[at], axis=1)[np.arange(len(at)), Y[at]].mean() for b in fine]))]

    beta = np.where(half, best(~half), best(half))
    expected = -log_softmax(beta[:, None] * 3 * STUDENT, axis=1)[np.arange(ROWS), Y].mean()
    assert found.scores["student"]["loss at its own temperature"].value == pytest.approx(expected, rel=1e-4)
    assert any(note.startswith("Temperatures are of the first 300 rows") for note in found.notes)


class Net(nn.Module):
    """A hidden layer and classes."""

    def __init__(self, seed, classes=CLASSES):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.hidden, self.output = nn.Linear(5, 7), nn.Linear(7, classes)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)

    def forward(self, x):
        return self.output(torch.tanh(self.hidden(x)))


@pytest.mark.parametrize("tokens", [False, True])
def test_batches_of_another_size_change_nothing(streaming, tokens):
    streaming(rows=200, models=4, features=14 * 4 * 150)
    x = RNG.normal(size=(150, 4, 5) if tokens else (600, 5)).astype(np.float32)
    y = Y.reshape(150, 4) if tokens else Y
    networks = [Net(seed) for seed in range(4)]
    found = []
    for size in (600, 90, 7):
        parts = [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]
        found.append(compare(*networks[:2], parts, task="classification", twins=networks[2:]))
    for other in found[1:]:
        mine, theirs = values(other, other.results), values(found[0], found[0].results)
        for key, expected in theirs.items():
            assert mine[key] == (None if expected is None else pytest.approx(expected, rel=1e-5, abs=1e-6)), key
        assert other.notes == found[0].notes
    assert found[0].results["cka"]["own"].value is not None
    assert any("were kept" in note and ("whole sequences" in note) == tokens for note in found[0].notes)


def test_many_classes_are_never_kept(streaming):
    streaming(wide=4)
    found = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS)
    refused = found.results["cka_output"]["own"]
    assert isinstance(refused, Refusal)
    assert str(refused) == (
        "refused: student: its 8 outputs a row were not kept (it reads whole outputs: compare models of fewer classes, or on fewer rows)"
    )
    assert any(note == "Of 8 outputs a row a few numbers were kept, as all would not fit into memory." for note in found.notes)
    assert found.results["kl"]["difference"].value is not None


def test_what_is_wrong_is_found_while_it_passes(streaming):
    streaming(models=2)
    later = STUDENT.copy()
    later[400, 2] = np.nan
    with pytest.raises(DataError, match="student: outputs holds NaN or an infinity, first in row 400"):
        compare(TEACHER, later, (None, Y), task="classification")
    mixed = softmax(STUDENT, axis=1)
    mixed[300:] *= 2
    data = [(None, Y[:200]), (None, Y[200:])]
    with pytest.raises(DataError, match="student gives rows that are no probabilities, from row"):
        compare(TEACHER, mixed, data, task="classification")
    with pytest.raises(DataError, match="y holds class 8 in row"):
        compare(TEACHER, STUDENT, (None, np.where(np.arange(ROWS) == 500, 8, Y)), task="classification")
    with pytest.raises(DataError, match="twin 1 and twin 2 give the same outputs on every row"):
        compare(TEACHER, STUDENT, (None, Y), task="classification", twins=[TWINS[0], TWINS[0].copy()])


def test_padding_may_hold_anything(streaming):
    keep = np.arange(ROWS) % 3 > 0
    spoilt = [np.where(keep[:, None], one, np.nan) for one in (TEACHER, STUDENT)]
    dense = compare(*spoilt, (None, Y), task="classification", mask=keep)
    streaming(models=2)
    streamed = compare(*spoilt, (None, np.where(keep, Y, 99)), task="classification", mask=keep)
    assert streamed.n == dense.n == keep.sum()
    assert streamed.results["kl"]["own"].value == pytest.approx(dense.results["kl"]["own"].value)


def test_a_reservoir_keeps_whole_units_whatever_the_batches():
    units = np.sort(np.random.default_rng(0).integers(0, 200, 2_000))
    found = []
    for size in (2_000, 130, 1):
        reservoir = Reservoir(300)
        for start in range(0, 2_000, size):
            rows = np.arange(start, min(start + size, 2_000))
            reservoir.add(rows, units[rows], {"twice": 2 * rows})
        found.append(reservoir.result())
    for sample in found:
        assert np.array_equal(sample.rows, found[0].rows)
        assert np.array_equal(sample.values["twice"], 2 * sample.rows)
    kept = np.unique(units[found[0].rows])
    assert len(found[0].rows) == np.isin(units, kept).sum() <= 300
    assert len(found[0].rows) > 270
    assert len(Reservoir(0).result().rows) == 0
    with_one = Reservoir(5)
    with_one.add(np.arange(9), np.zeros(9, int), {"x": np.arange(9)})
    assert len(with_one.result().rows) == 0

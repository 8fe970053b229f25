"""Rows that belong together: declared they are left out together, undeclared a comparison warns of them."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.report.one_pair import comparison_page


def days(rng, *, count=40, hours=24, d=4):
    """(n, d) inputs and (n,) days: hours of one day are alike."""
    return (rng.normal(size=(count, 1, d)) + 0.3 * rng.normal(size=(count, hours, d))).reshape(-1, d), np.repeat(np.arange(count), hours)


def outputs(rng, x, noise=0.3):
    """Outputs of a model that reads x and errs by day, as models do."""
    return x @ rng.normal(size=(x.shape[1], 3)) + noise * rng.normal(size=(len(x), 3))


@pytest.fixture
def world():
    rng = np.random.default_rng(0)
    x, day = days(rng)
    teacher, student, *twins = (outputs(rng, x) for _ in range(5))
    return teacher, student, twins, day


def told(comparison):
    return [note for note in comparison.notes if note.startswith("Neighbouring rows are alike")]


def test_undeclared_blocks_are_warned_of(world):
    teacher, student, twins, _ = world
    found = kdprobe.compare(teacher, student, None, task="classification", twins=twins)
    (note,) = told(found)
    assert "blocks=" in note
    assert "shuffle them" in note
    assert "Neighbouring rows are alike" in " ".join(str(found).split())
    assert "Neighbouring rows are alike" in comparison_page(found)
    order = np.random.default_rng(1).permutation(len(teacher))
    shuffled = kdprobe.compare(teacher[order], student[order], None, task="classification", twins=[twin[order] for twin in twins])
    assert not told(shuffled)
    assert shuffled.results["cka_output"]["own"].value == pytest.approx(found.results["cka_output"]["own"].value)


def test_declared_blocks_are_left_out_whole(world):
    teacher, student, twins, day = world
    plain = kdprobe.compare(teacher, student, None, task="classification", twins=twins)
    found = kdprobe.compare(teacher, student, None, task="classification", twins=twins, blocks=day)
    assert not told(found)
    assert "Rows come in 40 blocks: intervals leave out whole blocks." in found.notes
    own = found.results["cka_output"]["own"]
    assert "p" not in own.details
    # of classifiers' outputs the log probabilities are read, centred by row
    logs = (np.maximum(log_softmax(logits, axis=1), np.log(1e-6)) for logits in (student, teacher))
    direct = kdprobe.cka(*(told - told.mean(axis=1, keepdims=True) for told in logs), blocks=day)
    assert (own.value, own.low, own.high) == pytest.approx((direct.value, direct.low, direct.high), abs=1e-9)
    for key in ("own", "baseline", "difference"):
        blocked, by_row = found.results["agreement_top1"][key], plain.results["agreement_top1"][key]
        assert blocked.value == pytest.approx(by_row.value)
        assert blocked.high - blocked.low > by_row.high - by_row.low


def test_maps_of_layers_know_blocks():
    rng = np.random.default_rng(2)
    x, day = days(rng, count=20, hours=10)
    torch.manual_seed(0)
    nets = [
        torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
        for _ in range(4)
    ]
    data = x.astype(np.float32)
    teacher, student, *twins = nets
    arguments = {"task": "classification", "twins": twins, "layers": "auto"}
    plain = kdprobe.compare(teacher, student, data, **arguments)
    found = kdprobe.compare(teacher, student, data, **arguments, blocks=day)
    assert "blocks=" in str(plain.layer_map)
    assert "never met" in " ".join(str(plain.layer_map).split())
    assert "Rows come in blocks, so there is no test against independent rows" in " ".join(str(found.layer_map).split())
    assert "never met" not in " ".join(str(found.layer_map).split())
    for line, expected in zip(found.layer_map.own, plain.layer_map.own, strict=True):
        for cell, other in zip(line, expected, strict=True):
            assert cell.value == pytest.approx(other.value, abs=1e-6)
            assert "p" not in cell.details


def test_blocks_that_cannot_be_used_are_refused(world):
    teacher, student, _, day = world
    with pytest.raises(DataError, match=r"blocks has shape \(5,\), the arrays have 960 rows: give one label a row"):
        kdprobe.compare(teacher, student, None, task="classification", blocks=day[:5])
    with pytest.raises(PlanError, match="blocks has 2 labels: intervals leave out whole blocks, give at least 3"):
        kdprobe.compare(teacher, student, None, task="classification", blocks=day > 3)
    x = torch.zeros(960, 4)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=96, shuffle=True)
    model = torch.nn.Linear(4, 3)
    with pytest.raises(PlanError, match="blocks are in the order of the data and the loader shuffles: use shuffle=False"):
        kdprobe.compare(model, model, loader, task="classification", blocks=day)

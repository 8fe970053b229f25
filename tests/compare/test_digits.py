"""Real networks, really trained: every number of a comparison against NumPy that shares no code with it."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, softmax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from kdprobe.compare import compare
from tests.measures.similarity_oracles import debiased_cka, linear

STEPS, T = 120, 2.0


def network(width, seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(0.1), nn.Linear(width, width), nn.ReLU(inplace=True),
        nn.Linear(width, 10),
    )  # fmt: skip


def fit(net, x, y, soft=None):
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    net.train()
    for _ in range(STEPS):
        logits = net(x)
        loss = F.cross_entropy(logits, y)
        if soft is not None:
            loss = 0.1 * loss + 0.9 * T**2 * F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


@pytest.fixture(scope="module")
def trained():
    """Teacher on all training rows; student from its soft targets on the same rows, and three twins, of which few labels are known."""
    x, y = load_digits(return_X_y=True)
    x, x_probe, y, y_probe = train_test_split((x / 16).astype(np.float32), y, test_size=800, random_state=0)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    teacher = fit(network(64, 0), x, y).eval()
    with torch.no_grad():
        soft = F.softmax(teacher(x) / T, dim=1)
    student = fit(network(8, 1), x, y, soft)
    twins = [fit(network(8, seed), x[:150], y[:150]) for seed in (1, 2, 3)]
    return teacher.train(), student, twins, x_probe, y_probe


def by_hand(net, x):
    """Last hidden layer and logits in NumPy, from the weights."""
    w = {name: value.numpy().astype(np.float64) for name, value in net.state_dict().items()}
    h = x.astype(np.float64) @ w["0.weight"].T + w["0.bias"]
    h = (h - w["1.running_mean"]) / np.sqrt(w["1.running_var"] + net[1].eps) * w["1.weight"] + w["1.bias"]
    h = np.maximum(np.maximum(h, 0) @ w["4.weight"].T + w["4.bias"], 0)
    return h, h @ w["6.weight"].T + w["6.bias"]


def test_every_number_agrees_with_numpy(trained):
    teacher, student, twins, x, y = trained
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=64, shuffle=True)
    comparison = compare(teacher, student, loader, task="classification", twins=twins)
    models = {"teacher": teacher, "student": student} | {f"twin {i}": twin for i, twin in enumerate(twins, start=1)}
    hidden, logits = ({name: by_hand(net, x)[i] for name, net in models.items()} for i in (0, 1))
    top = {name: z.argmax(axis=1) for name, z in logits.items()}
    loss = {name: np.mean(-log_softmax(z, axis=1)[np.arange(len(y)), y]) for name, z in logits.items()}
    p = softmax(logits["teacher"], axis=1)

    def kappa(a, b):
        observed, p, q = np.mean(a == b), np.mean(a), np.mean(b)
        expected = p * q + (1 - p) * (1 - q)
        return (observed - expected) / (1 - expected)

    def centred(logits):
        """Log probabilities down to one in a million, less their mean."""
        told = np.maximum(log_softmax(logits, axis=1), np.log(1e-6))
        return told - told.mean(axis=1, keepdims=True)

    pairs = {
        "agreement_top1": lambda m: np.mean(top[m] == top["teacher"]),
        "kl": lambda m: np.mean(np.sum(p * (log_softmax(logits["teacher"], axis=1) - log_softmax(logits[m], axis=1)), axis=1)),
        "error_consistency": lambda m: kappa(top[m] == y, top["teacher"] == y),
        "cka": lambda m: debiased_cka(linear(hidden[m]), linear(hidden["teacher"])),
        "cka_output": lambda m: debiased_cka(linear(centred(logits[m])), linear(centred(logits["teacher"]))),
    }
    names = ("twin 1", "twin 2", "twin 3")
    for probe, value in pairs.items():
        found = comparison.results[probe]
        assert found["own"].value == pytest.approx(value("student"), rel=1e-4, abs=1e-6), probe
        baseline = np.mean([value(name) for name in names])
        assert found["baseline"].value == pytest.approx(baseline, rel=1e-4, abs=1e-6), probe
        assert found["difference"].value == pytest.approx(value("student") - baseline, rel=1e-3, abs=1e-5), probe
    gain = np.mean([loss[name] for name in names]) - loss["student"]
    assert comparison.results["gain"]["panel"].value == pytest.approx(gain, rel=1e-4)
    second = np.mean(top["student"] == y) - np.mean([np.mean(top[name] == y) for name in names])
    assert comparison.results["gain_second"]["panel"].value == pytest.approx(second)
    assert comparison.layers["twin 3"] == {"6:input": "none"}
    # teaching on ten times the labels is plain to see, and the sentence says so, and what it does not mean
    assert comparison.results["agreement_top1"]["difference"].low > 0
    assert "Only sibling teachers" in comparison.sentence


def test_a_batch_a_mapping_and_an_own_forward_give_the_same(trained):
    teacher, student, twins, x, y = trained

    class Rows(Dataset):
        def __len__(self):
            return len(x)

        def __getitem__(self, row):
            return {"pixels": x[row], "mask": np.ones(64, dtype=np.float32), "label": y[row]}

    arrays = compare(teacher, student, (x, y), task="classification", twins=twins[:1])
    batches = compare(
        teacher, student, DataLoader(Rows(), batch_size=100), task="classification", twins=twins[:1],
        forward=lambda model, batch: model(batch["pixels"] * batch["mask"]),
    )  # fmt: skip
    outputs = [by_hand(net, x)[1] for net in (teacher, student, twins[0])]
    fixed = compare(outputs[0], outputs[1], (None, y), task="classification", twins=[outputs[2]])
    for other in (batches, fixed):
        for probe in ("agreement_top1", "kl", "gain", "cka_output"):
            for key, result in arrays.results[probe].items():
                assert other.results[probe][key].value == pytest.approx(result.value, rel=1e-4, abs=1e-6)


def test_models_are_left_in_the_mode_they_were_in(trained):
    teacher, student, twins, x, y = trained
    student[3].eval()
    compare(teacher, student, (x, y), task="classification", twins=twins)
    assert teacher.training
    assert student.training
    assert not student[3].training
    assert all(
        not module._forward_hooks and not module._forward_pre_hooks for net in (teacher, student, *twins) for module in net.modules()
    )

"""What a student has of its own teacher beyond siblings: the numbers by hand, what is called transferred, and what is not."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest, false_discovery_control
from scipy.stats import t as student_t
from sklearn.datasets import load_digits
from torch import nn

import kdprobe
from kdprobe.compare import compare
from kdprobe.compare.cells import Cast
from kdprobe.compare.contrast import contrasts
from kdprobe.compare.judge import judged, spread
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal
from kdprobe.core.trace import Trace


def world(rng, *, n=400, twins=4, siblings=4, taught=0.0):
    """Logits: teachers of one recipe err in common and each by itself; a taught student has some of its own teacher's errors."""
    y = rng.integers(0, 4, n)
    recipe = 2 * np.eye(4)[y] + 0.5 * rng.normal(size=(n, 4))
    teacher, *others = (recipe + 0.7 * rng.normal(size=(n, 4)) for _ in range(1 + siblings))
    student, *untaught = (1.5 * np.eye(4)[y] + rng.normal(size=(n, 4)) for _ in range(1 + twins))
    return teacher, (1 - taught) * student + taught * teacher, untaught, others, y


def test_every_part_agrees_with_numpy():
    teacher, student, twins, siblings, y = world(np.random.default_rng(0), taught=0.4)
    found = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=siblings)
    assert (found.siblings, found.seeds) == (("sibling 1", "sibling 2", "sibling 3", "sibling 4"), 0)

    def kl(model, beside):
        return np.mean(np.sum(softmax(beside, axis=1) * (log_softmax(beside, axis=1) - log_softmax(model, axis=1)), axis=1))

    def top1(model, beside):
        return np.mean(model.argmax(1) == beside.argmax(1))

    for probe, value in (("kl", kl), ("agreement_top1", top1)):
        results = found.results[probe]
        table = np.array([[value(model, beside) for beside in (teacher, *siblings)] for model in (student, *twins)])
        assert [results[f"sibling {i}"].value for i in range(1, 5)] == pytest.approx(table[0, 1:])
        assert results["siblings"].value == pytest.approx(table[0, 1:].mean())
        alone = table[:, 0] - table[:, 1:].mean(axis=1)
        assert results["contrast"].value == pytest.approx(alone[0])
        assert results["placebo"].value == pytest.approx(alone[1:].mean())
        assert results["specific"].value == pytest.approx(alone[0] - alone[1:].mean())
        assert results["contrast"].details["sibling_sd"] == pytest.approx(table[0, 1:].std(ddof=1))
        over_twins = table[0, 1:] - table[1:, 1:].mean(axis=0)
        details = results["specific"].details
        assert (details["twin_sd"], details["sibling_sd"]) == pytest.approx((alone[1:].std(ddof=1), over_twins.std(ddof=1)))
        assert (details["twins"], details["siblings"]) == (4, 4)


def test_the_transfer_coefficient_is_that_of_the_public_function():
    teacher, student, twins, siblings, y = world(np.random.default_rng(1), n=2_000, twins=4, taught=0.5)
    found = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=siblings).results["transfer_coefficient"]
    chances = [softmax(model, axis=1) for model in (student, teacher)]
    others, strangers = (np.stack([softmax(model, axis=1) for model in group]) for group in (twins, siblings))
    own = kdprobe.transfer_coefficient(*chances, others)
    assert (found["panel"].value, found["panel"].low) == pytest.approx((own.value, own.low))
    beside = kdprobe.transfer_coefficient(*chances, others, siblings=strangers)
    assert found["contrast"].value == pytest.approx(beside.value)
    # a twin is never among its own references
    first = kdprobe.transfer_coefficient(softmax(twins[0], axis=1), chances[1], others[1:])
    assert found["twin 1"].value == pytest.approx(first.value)
    assert {"siblings", "placebo", "specific"} <= set(found)


def test_a_difference_beats_rows_one_more_twin_one_more_sibling_and_the_number_of_measures():
    teacher, student, twins, siblings, y = world(np.random.default_rng(2), taught=0.4)
    found = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=siblings)
    family = judged(found, "specific")
    largest = {}
    for name, one in family.items():
        details = one.found.details
        by_rows = 2 * student_t.sf(abs(one.found.value) / details["error"], one.found.n - 1)
        by_twin, by_sibling = (
            2 * student_t.sf(abs(one.found.value) / (details[f"{of}_sd"] * np.sqrt(1.25)), 3) for of in ("twin", "sibling")
        )
        assert (one.rows, one.twin, one.sibling) == pytest.approx((by_rows, by_twin, by_sibling))
        largest[name] = max(by_rows, by_twin, by_sibling)
    adjusted = false_discovery_control(list(largest.values()))
    assert [one.adjusted for one in family.values()] == pytest.approx(adjusted.tolist())
    assert {name for name, one in family.items() if one.shown} == {name for name, p in zip(largest, adjusted, strict=True) if p < 0.05}
    kl = family["kl"].found
    assert spread(kl, "sibling") == pytest.approx(student_t.ppf(0.975, 3) * kl.details["sibling_sd"] * np.sqrt(1.25))


def _found(probes, models):
    teacher, student, twins, siblings, y = models

    def trace(raw, name):
        return Trace.from_raw("classification", raw, name=name)

    groups = [
        tuple(trace(raw, f"{role} {i}") for i, raw in enumerate(group, 1)) for role, group in (("twin", twins), ("sibling", siblings))
    ]
    traced = Cast((trace(student, "student"),), (trace(teacher, "teacher"), *groups[1]), tuple(groups[0]), y)
    results = contrasts(probes, traced)
    names = {"twins": tuple(t.name for t in groups[0]), "siblings": tuple(t.name for t in groups[1])}
    return kdprobe.Comparison(kind="classification", task="world", n=len(y), results=results, probes=probes, **names)


def test_what_nobody_taught_is_called_transferred_as_seldom_as_promised():
    probes = {name: available("probes")[name] for name in ("agreement_top1", "kl", "fidelity", "error_consistency")}
    said, called = 0, 0
    for seed in range(50):
        found = _found(probes, world(np.random.default_rng(seed), n=150, taught=0.0))
        said += "Transferred from this very teacher" in found.sentence
        called += any(one.shown for one in judged(found, "specific").values())
    # with all hypotheses true the false discovery rate is the chance of any false word
    assert binomtest(called, 50, 0.05, alternative="greater").pvalue > 0.01
    assert said <= called
    taught = [_found(probes, world(np.random.default_rng(seed), n=400, twins=6, siblings=6, taught=0.6)) for seed in range(3)]
    assert all("Transferred from this very teacher" in found.sentence for found in taught)


def test_what_too_few_networks_allow_is_said():
    teacher, student, twins, siblings, y = world(np.random.default_rng(3), taught=0.6)
    data, task = (None, y), "classification"
    few = compare(teacher, student, data, task=task, twins=twins[:2], siblings=siblings)
    assert "cannot be told from its 4 sibling teachers and 2 twins: pass 3 or more of each" in few.sentence
    lone = compare(teacher, student, data, task=task, twins=twins, siblings=siblings[0])
    assert "cannot be told from its sibling teacher and 4 twins" in lone.sentence
    assert lone.siblings == ("sibling",)
    assert lone.results["kl"]["siblings"] == lone.results["kl"]["sibling"]
    without = compare(teacher, student, data, task=task, siblings=siblings)
    assert "nothing is called transferred" in without.sentence
    assert isinstance(without.results["kl"]["contrast"], Measurement)
    assert without.results["kl"]["specific"] == Refusal(
        reason="without twins it is not known how much nearer a student is to this teacher that nobody taught", advice="pass twins="
    )
    one = compare(teacher, student, data, task=task, twins=twins[:1], siblings=siblings).results["teacher_wrong_room"]
    assert one["specific"].reason == "a twin is read as a student beside the other twins, and there is one"
    none = compare(teacher, student, data, task=task, twins=twins)
    assert "pass 3 or more as siblings=" in none.sentence
    assert "specific" not in none.results["kl"]


def test_a_teacher_given_as_its_own_sibling_is_refused():
    teacher, student, twins, siblings, y = world(np.random.default_rng(4))
    for given, text in (
        ([teacher, *siblings], r"siblings\[0\] is teacher: teacher and sibling 1 give the same outputs on every row. Take it out of"),
        ([siblings[0], siblings[0]], r"siblings\[1\] is sibling 1: sibling 1 and sibling 2 give the same outputs"),
        ([siblings[0], student], r"siblings\[1\] is student: .* pass other teachers of the recipe, from other seeds"),
        ([*siblings, twins[1]], r"siblings\[4\] is twin 2: "),
        ([3 * teacher], r"siblings\[0\] is teacher: .* up to one scale and a shift, on every row"),
        ([siblings[0], 0.5 * teacher + 7], r"siblings\[1\] is teacher: "),
        ([softmax(teacher / 2, axis=1)], r"siblings\[0\] is teacher: "),
        ([softmax(teacher, axis=1).astype(np.float32)], r"siblings\[0\] is teacher: "),
    ):
        with pytest.raises(PlanError, match=text):
            compare(teacher, student, (None, y), task="classification", twins=twins, siblings=given)
    with pytest.raises(PlanError, match="siblings is a str: give a list of models"):
        compare(teacher, student, (None, y), task="classification", twins=twins, siblings="all")
    with pytest.raises(DataError, match="sibling has 399 rows, teacher 400: rows must be paired"):
        compare(teacher, student, None, task="classification", siblings=siblings[0][1:])


def test_the_frame_and_the_text_show_the_parts():
    teacher, student, twins, siblings, y = world(np.random.default_rng(5), taught=0.4)
    found = compare(teacher, student, (None, y), task="classification", twins=twins, siblings=siblings)
    frame = found.to_frame().set_index(["probe", "comparison"])
    assert frame.loc[("kl", "sibling 2"), ["model", "against"]].tolist() == ["student", "sibling 2"]
    assert frame.loc[("kl", "placebo"), ["model", "against"]].tolist() == ["twins", "teacher less siblings"]
    assert frame.loc[("kl", "specific"), ["model", "against"]].tolist() == ["student less twins", "teacher less siblings"]
    assert frame.index.is_unique
    for shown in (str(found), found._repr_html_()):
        assert "4 twins, 4 siblings" in shown
        assert "own less siblings" in shown
    assert max(map(len, str(found).splitlines())) <= 125
    assert dataclasses.replace(found, siblings=()).sentence != found.sentence


def test_a_cast_asks_panels_with_references_that_are_not_the_model():
    trace = [Trace.from_raw("regression", np.arange(3.0) + i, name=f"{i}") for i in range(5)]
    cast = Cast((trace[0],), (trace[1],), tuple(trace[2:]), np.zeros((3, 1)))
    seen = []

    def measure(panel, target):
        seen.append((panel.student.name, panel.twin.name, [twin.name for twin in panel.reference_twins]))
        return Measurement(value=0.0, low=0.0, high=0.0, n=1)

    from kdprobe.compare.cells import Cell

    likeness = dataclasses.replace(available("probes")["transfer_coefficient"], measure=measure)
    cast.ask(likeness, Cell("0", "1", "2"))
    cast.ask(likeness, Cell("3", "1", "4"))
    cast.ask(dataclasses.replace(likeness, likeness=False), Cell("0", "1", "2"))
    assert seen == [("0", "2", ["2", "3", "4"]), ("3", "4", ["2", "4"]), ("0", "2", ["3", "4"])]


# real networks, really trained


def network(width, seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def fit(net, x, target):
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        F.cross_entropy(net(x), target).backward()
        optimiser.step()
    return net.eval()


def soft(teacher, x):
    with torch.no_grad():
        return F.softmax(teacher(x), dim=1)


@pytest.fixture(scope="module")
def trained():
    """Eight teachers of one recipe, each on 150 digits a third of whose labels it had wrong; six twins like that; 800 fresh rows."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = torch.from_numpy((x[order] / 16).astype(np.float32)), torch.from_numpy(y[order])

    def labels(seed):
        draw = torch.Generator().manual_seed(seed)
        wrong = torch.rand(150, generator=draw) < 1 / 3
        return torch.where(wrong, torch.randint(10, (150,), generator=draw), y[:150])

    teachers = [fit(network(64, seed), x[:150], labels(seed)) for seed in range(8)]
    twins = [fit(network(32, 100 + seed), x[:150], labels(100 + seed)) for seed in range(6)]
    return teachers, twins, x[150:950], (x[950:].numpy(), y[950:].numpy())


def test_a_student_of_this_teacher_is_told_from_a_student_of_its_sibling(trained):
    teachers, twins, fresh, rows = trained
    own, other = (fit(network(32, 200), fresh, soft(teacher, fresh)) for teacher in teachers[:2])
    found = compare(teachers[0], own, rows, task="classification", twins=twins, siblings=teachers[1:])
    shown = {name for name, one in judged(found, "specific").items() if one.shown}
    assert "Transferred from this very teacher, as the student is nearer to it than to its 7 sibling teachers" in found.sentence
    assert shown >= {"cka", "cka_output", "agreement_top1", "kl", "fidelity", "churn", "dark_knowledge_rank", "transfer_coefficient"}
    # taught by another teacher of the recipe, it is as near to this one as to any; siblings are those that did not teach it
    strange = compare(teachers[0], other, rows, task="classification", twins=twins, siblings=teachers[2:])
    assert "Nothing is shown to have been transferred from this very teacher" in strange.sentence
    assert strange.results["cka"]["contrast"].unit == ""
    untaught = compare(teachers[0], twins[0], rows, task="classification", twins=twins[1:], siblings=teachers[1:])
    assert "Nothing is shown to have been transferred from this very teacher" in untaught.sentence

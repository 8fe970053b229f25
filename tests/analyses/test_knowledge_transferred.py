"""The analysis of knowledge transferred: claims on sets whose truth is chosen, and the page of its quick tier."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kdprobe.core.registry import find
from kdprobe.report.evidence.doses import Doses, Rung

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "analyses"
PARTS = (
    *(
        "knowledge_transferred",
        "_knowledge_data",
        "_knowledge_claims",
        "_knowledge_page",
        "_theory_data",
        "_ratio_claims",
        "_ratio_studies",
    ),
)
SEEDS = 8


@pytest.fixture(scope="module")
def analysis():
    sys.path.insert(0, str(FOLDER))
    import knowledge_transferred

    yield knowledge_transferred
    sys.path.remove(str(FOLDER))
    for name in PARTS:
        sys.modules.pop(name, None)


@pytest.fixture
def claims(analysis):
    return sys.modules["_knowledge_claims"]


def made(name, rungs, *, kind="classification", twin=0.9, student=1.0, budget=None, seed=0):
    """A set of chosen means: each rung is (name, of, dose, gain, score, moved by likeness, specific by likeness)."""
    rng = np.random.default_rng([seed, len(name)])

    def around(mean):
        return mean + 0.01 * rng.normal(size=SEEDS)

    found = tuple(
        Rung(
            name=title, of=of, dose=dose, gain=around(gain), score=around(score),
            moved={probe: around(mean) for probe, mean in moved.items()},
            specific={probe: around(mean) for probe, mean in specific.items()}, models=tuple(f"m{i}" for i in range(SEEDS)), transfer=None,
        )
        for title, of, dose, gain, score, moved, specific in rungs
    )  # fmt: skip
    primary = "agreement_top1" if kind == "classification" else "r2"
    doses = Doses(
        task=name,
        kind=kind,
        student="mlp",
        student_size=10,
        unit="nats",
        primary=primary,
        placebo=True,
        rungs=found,
        seeds=SEEDS,
        left_out=0,
    )
    return sys.modules["_knowledge_data"].Trained(
        name=name, title=name, rows=100, features="4", source="here", found=doses, twin=around(twin), student=around(student),
        budget={one: around(mean) for one, mean in (budget or {}).items()}, plans=("0",),
    )  # fmt: skip


def weights(*means, gains=None, likeness="transfer_coefficient", **more):
    """Doses over α with chosen mean movements of one likeness."""
    gains = gains or [0.1] * len(means)
    return [
        (f"α {alpha:g}", "weights", alpha, gain, more.get("score", 0.0), {likeness: mean, "agreement_top1": mean}, {"agreement_top1": mean})
        for alpha, mean, gain in zip(np.linspace(0.25, 1, len(means)), means, gains, strict=True)
    ]


def three(build):
    return [build(name) for name in ("a", "bb", "ccc")]


@pytest.mark.parametrize(("twin", "verdict"), [(0.9, "SUPPORTED"), (0.6, "CONTRADICTED"), (0.8, "INCONCLUSIVE")])
def test_twins_are_held_to_a_share_of_the_taught_student(claims, twin, verdict):
    found = claims.twins_are_similar(three(lambda name: made(name, weights(0.1), twin=twin)))
    assert found.verdict == verdict
    assert "mean over 3 sets" in found.found


@pytest.mark.parametrize(("means", "verdict"), [((0.1, 0.2, 0.3), "SUPPORTED"), ((0.3, 0.2, 0.1), "CONTRADICTED")])
def test_the_slope_over_weights_has_its_sign(claims, means, verdict):
    found = claims.grows_with_weight(three(lambda name: made(name, weights(*means))))
    assert found.verdict == verdict
    assert f"{(means[-1] - means[0]) / 0.75:.2f}".lstrip("-")[:3] in found.found


def test_below_eight_seeds_nothing_is_settled(claims, monkeypatch):
    sets = three(lambda name: made(name, weights(0.1, 0.2, 0.3)))
    assert next(one for one in claims.settled(sets) if one.name == "C7").verdict == "SUPPORTED"
    monkeypatch.setattr(sys.modules[__name__], "SEEDS", 5)
    few = next(one for one in claims.settled(three(lambda name: made(name, weights(0.1, 0.2, 0.3)))) if one.name == "C7")
    assert few.verdict == "INCONCLUSIVE"
    assert few.found.endswith("5 seeds: no claim is settled below 8.")


def test_one_set_is_no_claim(claims):
    assert claims.grows_with_weight([made("a", weights(0.1, 0.2))]).verdict == "NOT APPLICABLE"


@pytest.mark.parametrize(
    ("gains", "verdict"), [((0.1, 0.5, 0.2), "SUPPORTED"), ((0.1, 0.2, 0.5), "CONTRADICTED"), ((-0.1, -0.2, -0.5), "NOT APPLICABLE")]
)
def test_the_dose_of_the_largest_movement_is_compared_with_the_best(claims, gains, verdict):
    found = claims.largest_is_not_best(three(lambda name: made(name, weights(0.1, 0.2, 0.3, gains=gains))))
    assert found.verdict == verdict


@pytest.mark.parametrize(("mean", "verdict"), [(0.18, "SUPPORTED"), (0.02, "CONTRADICTED")])
def test_class_means_are_held_to_half_of_what_teaching_moves(claims, mean, verdict):
    control = find("distillers", "class_means").title

    def build(name):
        taught = weights(0.1, 0.2, likeness="dark_knowledge_rank")
        return made(name, [*taught, (control, "control", np.nan, 0.0, 0.0, {"dark_knowledge_rank": mean}, {})])

    assert claims.class_means_reproduce(three(build)).verdict == verdict


@pytest.mark.parametrize(("accuracy", "verdict"), [((0.3, 0.1, 0.3, 0.1), "SUPPORTED"), ((0.1, 0.2, 0.3, 0.4), "CONTRADICTED")])
def test_fidelity_is_ranked_against_both_gains(claims, accuracy, verdict):
    def build(name):
        rungs = [
            (f"α {k}", "weights", float(k), 0.1 * k, score, {"fidelity": 0.1 * k}, {}) for k, score in enumerate(accuracy, start=1)
        ]  # fmt: skip
        return made(name, rungs)

    assert claims.fidelity_predicts(three(build)).verdict == verdict


@pytest.mark.parametrize(
    ("smoothed", "argmax", "verdict"), [(0.1, 0.1, "SUPPORTED"), (0.5, 0.1, "CONTRADICTED"), (0.3, 0.1, "INCONCLUSIVE")]
)
def test_every_other_loss_must_be_beaten(claims, smoothed, argmax, verdict):
    budget = {"kd": 0.3, "label_smoothing": smoothed, "argmax_labels": argmax}
    found = claims.beats_at_a_budget(three(lambda name: made(name, weights(0.1), budget=budget)))
    assert found.verdict == verdict


@pytest.mark.parametrize(("mean", "verdict"), [(0.3, "SUPPORTED"), (0.0, "CONTRADICTED")])
def test_an_untaught_student_looks_taught_where_every_likeness_says_so(claims, mean, verdict):
    untaught = find("schemes", "untaught_same_loss").title.removeprefix("control: ")

    def build(name):
        return made(name, [*weights(0.3), (untaught, "control", np.nan, 0.0, 0.0, {"agreement_top1": mean}, {"agreement_top1": 0.0})])

    assert claims.untaught_look_taught(three(build)).verdict == verdict


def test_metrics_are_counted_over_sets(analysis):
    page = sys.modules["_knowledge_page"]
    sets = three(lambda name: made(name, [*weights(0.1, 0.2, 0.3), ("other", "control", np.nan, 0.0, 0.0, {}, {"agreement_top1": 0.0})]))
    (counts,) = page.passes(sets).values()
    assert (counts["weights"], counts["specific"], counts["all"]) == ((3, 3), (3, 3), (0, 3))
    assert page.answer(sets)[2].startswith(
        "A teacher-specific part above nothing is shown on 3 of 3 sets (95 % interval of the share 44 to"
    )


def test_an_unknown_set_is_named_with_those_there_are():
    words = [sys.executable, FOLDER / "knowledge_transferred.py", "--quick", "--sets", "digit"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "--sets digit: no such set is here; did you mean 'digits'? Known: diabetes, digits" in done.stderr


@pytest.mark.slow
def test_the_quick_tier_makes_a_page(tmp_path):
    words = ["--quick", "--zoos", tmp_path / "zoos", "--out", tmp_path / "page.html"]
    done = subprocess.run([sys.executable, FOLDER / "knowledge_transferred.py", *words], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("C5", "C6", "C7", "C8", "C9", "C16", "C17"):
        assert re.search(rf"^{name} (INCONCLUSIVE|NOT APPLICABLE)", done.stdout, re.MULTILINE)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") >= 2
    assert not re.search(r"\bnan\b|[^-]\binf\b", re.sub(r"<[^>]+>", " ", page))

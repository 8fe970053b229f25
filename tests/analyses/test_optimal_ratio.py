"""The analysis of teacher sizes: its claims on tables whose truth is chosen, and the page that is made of them."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.core.registry import find

FOLDER = Path(__file__).parent.parent.parent / "analyses"
PARTS = ("_ratio_studies", "_ratio_claims", "_ratio_page", "optimal_ratio")


@pytest.fixture(scope="module")
def analysis():
    sys.path.insert(0, str(FOLDER))
    import _ratio_claims
    import _ratio_studies
    import optimal_ratio

    yield optimal_ratio, _ratio_claims, _ratio_studies
    sys.path.remove(str(FOLDER))
    for name in PARTS:
        sys.modules.pop(name, None)


def table(plan, effect, *, noise=0.01, seed=0):
    """What `Zoo.gains` would give for a plan, where `effect` says the true gain of a cell."""
    rng, rows = np.random.default_rng(seed), []
    for cell in plan.cells():
        if cell.tunes:
            continue
        own = cell.setting
        fresh = any(stage.rows == "transfer" for stage in find("schemes", cell.scheme).stages)
        rows.append(
            {
                "task": cell.task, "scheme": cell.scheme, "labelled_rows": 2000.0, "label_noise": 0.0, "alpha": own["alpha"],
                "unlabelled_rows": float(own["transfer_rows"] or plan.sizes(cell.task).transfer) if fresh else np.nan,
                "temperature": own["temperature"], "steps": own["steps"] or 1200,
                "teacher_weight_decay": np.nan if own["teacher_weight_decay"] in (None, 1e-4) else own["teacher_weight_decay"],
                "teacher_steps": np.nan if own["teacher_steps"] in (None, own["steps"]) else own["teacher_steps"],
                "student_size": cell.student_width * 40, "teacher_size": cell.teacher_width * 40, "draw": 0, "seed": cell.seed,
                "gain": effect(cell) + noise * rng.normal(), "teacher_loss": 1 - 0.1 * np.log2(cell.teacher_width),
                "twin_score": -1 + 0.05 * np.sin(cell.seed),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def cost(cell):
    """A gap of .3 nats in the raw loss that rows, decay and fewer steps of the teacher shrink; longer students do not."""
    own, most = cell.setting, 128.0
    size = np.log2(cell.teacher_width / 8) / np.log2(most / 8)
    whole = 0.3 * own["temperature"] / 2
    if cell.scheme == "transfer_rows":
        whole *= 300 / (own["transfer_rows"] or 8000)
    if own["teacher_weight_decay"] == 1.0 or own["teacher_steps"] == 100:
        whole = -0.1
    return 0.1 - whole * abs(size - 0.5) * (1 if size > 0.5 else 0.2)


@pytest.fixture(scope="module")
def tables(analysis):
    _, _, parts = analysis
    found = {}
    for name, study in parts.studies(quick=True).items():
        kinds = find("tasks", study.plan.tasks[0]).kind
        metrics = ("nll", "nll_calibrated", "accuracy") if kinds == "classification" else ("mse", "r2")
        found[name] = {metric: table(study.plan, lambda cell, m=metric: cost(cell) / (5 if m != "nll" else 1)) for metric in metrics}
        if study.tune:
            best = {
                metric: own[(own["alpha"] == own["alpha"].min()) | (own["scheme"] == "transfer_rows")]
                for metric, own in found[name].items()
            }
            best = {metric: own[own["temperature"] == own["temperature"].min()] for metric, own in best.items()}
            found[name] |= {f"tuned {metric}": own for metric, own in best.items()}
    return found


def test_what_is_run_has_seeds_enough_and_keeps_its_own_to_tune_on(analysis):
    _, _, parts = analysis
    for study in parts.studies(quick=False).values():
        assert study.plan.seeds >= 20
        assert study.plan.tune == study.tune
        assert len(study.plan.cells()) > 0


def test_what_shrinks_is_told_from_what_stays(analysis):
    _, claims, _ = analysis
    rng = np.random.default_rng(0)
    curve = np.array([0.0, 0.1, 0.05, -0.1])
    before, same, less = (shift * curve + 0.01 * rng.normal(size=(20, 4)) for shift in (1.0, 1.0, 0.2))
    assert claims.shrinks(before, same)[0] == "CONTRADICTED"
    verdict, change, left = claims.shrinks(before, less)
    assert verdict == "SUPPORTED"
    assert change.low < 0.16 < change.high
    assert left.low < 0.04 < left.high
    assert claims.shrinks(before[:6] + rng.normal(size=(6, 4)), less[:6] + rng.normal(size=(6, 4)))[0] == "INCONCLUSIVE"


def test_no_one_ratio_is_refuted_only_where_the_best_size_moves(analysis, tables):
    _, claims, parts = analysis
    plan = parts.studies(quick=False)["letters, fresh rows"].plan
    moving = {"letters, own rows", "letters, fresh rows", "letters, decay"}

    def made(effect):
        own = table(plan, effect, noise=0.02)
        return {name: {"nll": own} for name in moving}

    one = made(lambda cell: -0.05 * abs(np.log2(cell.teacher_width / 16)))
    settings, best, p = claims.best_everywhere(one)
    assert (settings, best) == (12, [2.0])
    assert p > 0.05
    assert claims.universal(one).verdict == "INCONCLUSIVE"
    two = made(lambda cell: -0.05 * abs(np.log2(cell.teacher_width / (16 if cell.setting["transfer_rows"] == 300 else 256))))
    assert claims.best_everywhere(two)[1:] == ([2.0, 32.0], pytest.approx(0.0, abs=0.05))
    assert claims.universal(two).verdict == "CONTRADICTED"


def test_the_share_of_over_confidence_is_recovered(analysis):
    _, claims, parts = analysis
    plan = parts.studies(quick=False)["letters, own rows"].plan
    own = {
        metric: table(plan, lambda cell, share=share: -share * np.log2(cell.teacher_width / 8), noise=0.005, seed=i)
        for i, (metric, share) in enumerate((("nll", 0.1), ("nll_calibrated", 0.02)))
    }
    found = claims.over_confidence({"letters, own rows": own})
    assert found.verdict == "SUPPORTED"
    assert ": 0.800 [0.79" in found.found


def test_two_humps_are_told_from_one(analysis):
    _, claims, parts = analysis
    wide = parts.studies(quick=False)
    valley = {15: 0.0, 30: 0.1, 60: 0.12, 120: 0.1, 240: 0.05, 300: -0.1, 480: 0.08, 960: 0.13}
    two = {"accuracy": table(wide["no ridge"].plan, lambda cell: valley[cell.teacher_width])}
    one = {"accuracy": table(wide["random features"].plan, lambda cell: 0.01 * np.log2(cell.teacher_width))}
    assert claims.double_descent({"no ridge": two, "random features": one}).verdict == "SUPPORTED"
    assert claims.double_descent({"no ridge": one, "random features": one}).verdict == "INCONCLUSIVE"


def test_the_law_is_within_its_errors(analysis):
    _, claims, _ = analysis
    claim, cells = claims.law_holds(seeds=500, cells=30)
    assert claim.verdict == "SUPPORTED"
    assert len(cells) == 30
    errors = [abs(observed - predicted) / error for predicted, observed, error in cells]
    assert 0.3 < np.median(errors) < 1.1  # of a standard normal's absolute value: .67


def test_a_page_of_all_claims(analysis, tables):
    optimal, claims, _ = analysis
    law_claim, law = claims.law_holds(seeds=200, cells=5)
    kinds = (claims.fewer_rows, claims.universal, claims.over_confidence, claims.double_descent, claims.regularised, claims.schedule)
    found = [law_claim, *(kind(tables) for kind in kinds)]
    verdicts = {claim.name: claim.verdict for claim in found}
    assert verdicts["C2"] == verdicts["C10"] == verdicts["C14"] == "SUPPORTED"
    assert verdicts["C15"] == "CONTRADICTED"
    page = optimal.page(tables, found, law, models=1234)
    for text in (
        "What should you do?",
        "C13",
        "1,234 networks",
        "Choose α and the temperature on validation rows",
        "--teacher-steps 300,1200",
    ):
        assert text in page
    assert not re.search(r"\b(nan|inf|None)\b", page)
    assert len(page) < 250_000

"""The analysis of teacher sizes: its claims on tables whose truth is chosen, and the page that is made of them."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdprobe.core.registry import find

FOLDER = Path(__file__).parent.parent.parent / "analyses"
PARTS = ("_ratio_studies", "_ratio_claims", "_ratio_advice", "_ratio_page", "optimal_ratio")


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


def cost(cell, metric):
    """A gap of .3 nats that rows, decay and fewer steps of the teacher shrink; longer students do not, and T adds to the raw loss."""
    own, most = cell.setting, 128.0
    size = np.log2(cell.teacher_width / 8) / np.log2(most / 8)
    whole = 0.3 + 0.9 * (own["temperature"] - 1) * (metric == "nll")
    if cell.scheme == "transfer_rows":
        whole *= 300 / (own["transfer_rows"] or 8000)
    if own["teacher_weight_decay"] == 1.0 or own["teacher_steps"] == 100:
        whole = -0.1
    return 0.1 - whole * abs(size - 0.5) * (1 if size > 0.5 else 0.2)


def networks(plan):
    """Models and scores of a plan whose students do best at the fewest steps, and whose twins do best at the most.

    Validation rows say so; on probe rows a student has a loss of 1 there, its twin 1.2, and everything else 2.
    """
    rows = []
    for cell in plan.cells():
        steps, fewest, most = cell.setting["steps"], min(plan.steps), max(plan.steps)
        here = {"steps": steps, "seed": cell.seed, "teacher_width": cell.teacher_width, "teacher_size": 40 * cell.teacher_width}
        here |= {"row_count": float(cell.setting["transfer_rows"] or 8000)}
        rows.append(here | {"role": "student", "validation": 1.0 + (steps != fewest), "loss": 1.0 + (steps != fewest)})
        rows.append(here | {"role": "twin", "validation": 1.2 + (steps != most), "loss": 1.2 + 0.8 * (steps != most)})
    models = pd.DataFrame(rows)
    twins = models[models["role"] == "twin"].drop_duplicates(["steps", "seed"])
    models = pd.concat([models[models["role"] == "student"], twins], ignore_index=True)
    models["model_id"] = [f"m{i}" for i in models.index]
    scores = models[["model_id"]].assign(metric="nll_calibrated", rows="B", value=models["loss"])
    return {"models": models.drop(columns="loss"), "scores": scores}


@pytest.fixture(scope="module")
def tables(analysis):
    _, _, parts = analysis
    found, studies = {}, parts.studies(quick=True)
    for name, study in studies.items():
        kinds = find("tasks", study.plan.tasks[0]).kind
        metrics = ("nll", "nll_calibrated", "accuracy") if kinds == "classification" else ("mse", "r2")
        found[name] = {metric: table(study.plan, lambda cell, m=metric: cost(cell, m), noise=0.005) for metric in metrics}
        if study.tune:
            best = {
                metric: own[(own["alpha"] == own["alpha"].min()) | (own["scheme"] == "transfer_rows")]
                for metric, own in found[name].items()
            }
            best = {metric: own[own["temperature"] == own["temperature"].min()] for metric, own in best.items()}
            found[name] |= {f"tuned {metric}": own for metric, own in best.items()}
    found["letters, steps"] |= networks(studies["letters, steps"].plan)
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
    assert (settings, best) == (24, [2.0])
    assert p > 0.05
    assert claims.universal(one).verdict == "INCONCLUSIVE"
    two = made(lambda cell: -0.05 * abs(np.log2(cell.teacher_width / (16 if cell.setting["transfer_rows"] == 300 else 256))))
    assert claims.best_everywhere(two)[1:] == ([2.0, 32.0], pytest.approx(0.0, abs=0.05))
    assert claims.universal(two).verdict == "CONTRADICTED"


@pytest.mark.parametrize(("at_one", "verdict"), [(0.02, "SUPPORTED"), (0.1, "CONTRADICTED")])
def test_the_share_of_over_confidence_is_recovered(analysis, at_one, verdict):
    """At T=2 four fifths of the cost are over-confidence; at T=1 none, or as much."""
    _, claims, parts = analysis
    plan = parts.studies(quick=False)["letters, own rows"].plan

    def own(metric, seed):
        def effect(cell):
            slope = 0.02 if metric == "nll_calibrated" else at_one if cell.setting["temperature"] == 1 else 0.1
            return -slope * np.log2(cell.teacher_width / 8)

        return table(plan, effect, noise=0.005, seed=seed)

    found = claims.over_confidence({"letters, own rows": {"nll": own("nll", 0), "nll_calibrated": own("nll_calibrated", 1)}})
    assert found.found.count("(supported)") == 1 + (verdict == "SUPPORTED")
    assert found.verdict == ("SUPPORTED" if verdict == "SUPPORTED" else "INCONCLUSIVE")
    assert "at T=2 0.80" in found.found


def test_where_the_largest_costs_nothing_there_is_nothing_to_remove(analysis):
    _, claims, parts = analysis
    plan = parts.studies(quick=False)["letters, schedule"].plan

    def effect(cell):
        return (0.02 if cell.setting["temperature"] == 1 else -0.05) * np.log2(cell.teacher_width / 8)

    found = claims.schedule({"letters, schedule": dict.fromkeys(("nll", "nll_calibrated"), table(plan, effect))})
    assert found.verdict == "NOT APPLICABLE"
    assert "T=1: the largest costs" in found.found
    assert found.found.count("no cost to remove is shown") == 1
    assert "(contradicted)" in found.found


def test_steps_are_chosen_on_validation_rows_for_students_and_for_twins(analysis, tables):
    import _ratio_advice

    found = _ratio_advice.at_own_steps(tables["letters, steps"])
    assert set(found["steps"]) == {100}
    assert set(found["twin_steps"]) == {200}
    assert np.allclose(found["gain"], 0.2)
    assert len(found) == 2 * 2 * 5


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
    page = re.sub(r"</?a\b[^>]*>", "", optimal.page(tables, found, law, models=1234))
    for text in (
        "What should you do?",
        "C13",
        "1,234 networks",
        "own rows, calibrated, the student of width 8 lost",
        "--teacher-steps 300,1200",
    ):
        assert text in page
    assert not re.search(r"\b(nan|inf|None)\b", page)
    assert len(page) < 250_000

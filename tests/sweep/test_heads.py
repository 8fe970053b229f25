"""Students with heads of their own, through a whole sweep: everybody else sees predictions."""

import pytest

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.core.registry import find
from kdprobe.tasks.splits import split
from kdprobe.zoo.traces import Means, outputs_of

SMALL = {"schemes": ("same_rows",), "teacher_widths": (8,), "student_widths": (4,), "seeds": 2, "steps": 300, "beside": {}}


def test_a_histogram_head_shows_the_means_of_its_histograms(tmp_path):
    plan = GapPlan(tasks=("bikeshare",), distillers=("hl_gauss",), **SMALL)
    with kdprobe.sweep(plan, tmp_path) as zoo:
        models = zoo.models().set_index("model_id")
        assert (models["status"] == "done").all()
        students = models[models["role"] == "student"]
        parts = split(find("tasks", "bikeshare"))
        scores = zoo.scores()
        for model, student in students.iterrows():
            module = zoo.module(model)
            assert isinstance(module, Means)
            found, _ = outputs_of(module, parts.probe_b.x)
            assert found.shape == (parts.probe_b.n, 1)
            own = scores[(scores["model_id"] == model) & (scores["rows"] == "B")].set_index("metric")["value"]
            assert own["mse"] == pytest.approx(((found - parts.probe_b.y) ** 2).mean(), rel=1e-5)
            assert own["r2"] > 0.4  # it learned, in the units of everybody else
            assert zoo.trace(model).outputs.shape[1] == 1
            # fifty bins in the place of one output
            assert student["size"] - models.loc[student["twin_id"], "size"] == 49 * (4 + 1)


def test_a_histogram_head_is_for_regression_alone(tmp_path):
    with pytest.raises(PlanError, match=r"hl_gauss.*regression"):
        GapPlan(tasks=("letters",), distillers=("hl_gauss",), **SMALL)

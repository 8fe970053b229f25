"""The table of gains: paired, on probe rows, and chosen on nothing but the validation rows of seeds set apart."""

import pytest

import kdprobe
from kdprobe import GapPlan, PlanError
from kdprobe.training.job import TUNING_SEEDS

PLAN = GapPlan(
    tasks=("letters",), schemes=("same_rows", "transfer_rows"), teacher_widths=(4, 8), student_widths=(2,), seeds=3, steps=60,
    alpha=(0.3, 0.9), learning_rate=(1e-5, 0.02, 0.03), tune=("alpha", "learning_rate"), tune_seeds=2, beside={},
)  # fmt: skip


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    with kdprobe.sweep(PLAN, tmp_path_factory.mktemp("tuned") / "zoo", similarity=False) as zoo:
        yield zoo


def test_gains_are_those_that_the_probe_measures(small_zoo):
    """By default on the loss that a report's verdicts are read on: calibrated for classes."""
    table = small_zoo.gains()
    measured = small_zoo.measurements()
    of_classes = measured["task"] == "letters"
    measured = measured[measured["probe"] == of_classes.map({True: "gain_calibrated", False: "gain"})]
    assert len(table) == len(measured) > 0
    keys = ["task", "scheme", "teacher_width", "student_width", "seed"]
    both = table.merge(measured, on=keys, suffixes=("", "_probe"))
    assert len(both) == len(table)
    assert both["gain"].to_numpy(dtype=float) == pytest.approx(both["value"].to_numpy(dtype=float), abs=1e-6)


@pytest.mark.parametrize("metric", ["nll", "nll_calibrated", "accuracy"])
def test_the_larger_gain_and_the_smaller_loss_is_the_better(small_zoo, metric):
    table = small_zoo.gains(metric=metric)
    models, scores = small_zoo.models(), small_zoo.scores().query("rows == 'B' and metric == @metric").set_index("model_id")["value"]
    sign = 1 if metric == "accuracy" else -1
    students = models[(models["role"] == "student") & (models["task"] == "letters")].reset_index(drop=True)
    assert set(table["task"]) == {"letters"}
    assert table["gain"].to_numpy() == pytest.approx(
        sign * (scores[students["model_id"]].to_numpy() - scores[students["twin_id"]].to_numpy())
    )
    assert table["teacher_loss"].to_numpy() == pytest.approx(-sign * scores[students["teacher_id"]].to_numpy())
    assert table["twin_score"].to_numpy() == pytest.approx(sign * scores[students["twin_id"]].to_numpy())


def test_every_setting_is_in_the_table_and_no_seed_to_tune_on(tuned):
    table = tuned.gains()
    assert set(table["seed"]) == {0, 1, 2}
    assert len(table) == 2 * 3 * (6 + 3)  # on transfer rows there is no alpha
    assert (tuned.models()["seed"] >= TUNING_SEEDS).sum() > 0


def test_the_choice_is_that_of_the_validation_rows_of_seeds_set_apart(tuned):
    table = tuned.gains(tune=("alpha", "learning_rate"))
    models = tuned.models().set_index("model_id")
    last = tuned.history().groupby("model_id")["validation_loss"].last()
    pilots = models[(models["role"] == "student") & (models["seed"] >= TUNING_SEEDS)].assign(validation=last)
    for (scheme, width), cell in table.groupby(["scheme", "teacher_width"]):
        mean = (
            pilots[(pilots["scheme"] == scheme) & (pilots["teacher_width"] == width)]
            .groupby(["alpha", "learning_rate"])["validation"]
            .mean()
        )
        assert len(mean) == (6 if scheme == "same_rows" else 3)
        assert set(zip(cell["alpha"], cell["learning_rate"], strict=True)) == {mean.idxmin()}
        assert sorted(cell["seed"]) == [0, 1, 2]


def test_the_twin_is_the_best_one_whatever_the_teacher(tuned):
    table = tuned.gains(metric="nll", tune=("alpha", "learning_rate"))
    models = tuned.models().set_index("model_id")
    last = tuned.history().groupby("model_id")["validation_loss"].last()
    twins = models[models["role"] == "twin"].assign(validation=last)
    rate = twins[twins["seed"] >= TUNING_SEEDS].groupby("learning_rate")["validation"].mean().idxmin()
    assert rate != 1e-5
    best = twins[(twins["learning_rate"] == rate) & (twins["seed"] < TUNING_SEEDS)].reset_index().set_index("seed")["model_id"]
    score = tuned.scores().query("rows == 'B' and metric == 'nll'").set_index("model_id")["value"]
    assert table["twin_score"].to_numpy() == pytest.approx(-score[best[table["seed"]]].to_numpy())


def test_steps_are_chosen_for_students_and_for_twins_under_the_same_teachers(tmp_path):
    plan = GapPlan(
        tasks=("letters",), schemes=("transfer_rows",), teacher_widths=(8,), student_widths=(2,), seeds=2, steps=(2, 30, 200),
        teacher_steps=30, tune=("steps",), tune_seeds=2, beside={},
    )  # fmt: skip
    with kdprobe.sweep(plan, tmp_path / "zoo", similarity=False) as zoo:
        table, models = zoo.gains(metric="nll", tune=("steps",)), zoo.models()
        score = zoo.scores().query("rows == 'B' and metric == 'nll'").set_index("model_id")["value"]
        assert set(models.loc[models["role"] == "teacher", "steps"]) == {30}
        models = models.assign(validation=models["model_id"].map(zoo.kept_losses()))
    pilots = models[models["seed"] >= TUNING_SEEDS].groupby(["role", "steps"])["validation"].mean()
    assert len(table) == 2
    assert set(table["steps"]) == {pilots["student"].idxmin()}
    best = models[(models["role"] == "twin") & (models["steps"] == pilots["twin"].idxmin())].set_index("seed")["model_id"]
    assert table["twin_score"].to_numpy() == pytest.approx(-score[best[table["seed"]]].to_numpy())


def test_where_nothing_was_set_apart_there_is_nothing_to_choose(small_zoo):
    assert len(small_zoo.gains(tune=("alpha",))) == len(small_zoo.gains())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"metric": "loss_"}, "metric='loss_' is unknown: did you mean 'loss'"),
        ({"tune": ("alpa",)}, "tune holds 'alpa': did you mean 'alpha'"),
    ],
)
def test_unknown_words(small_zoo, words, text):
    with pytest.raises(PlanError, match=text):
        small_zoo.gains(**words)

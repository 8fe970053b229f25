"""A student followed while it learns: the numbers are those of `compare`, and the training does not notice."""

import copy
import random
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import kdprobe
from kdprobe.core.errors import DataError, PlanError

DIGITS = load_digits()
X, Y = torch.tensor(DIGITS.data / 16, dtype=torch.float32), torch.tensor(DIGITS.target)
ROWS = X[1200:], Y[1200:]
OPTIONS = {"task": "classification"}


def network(seed, width=16, dropout=0.2):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10))


def stepper(model, teacher=None):
    """A training step of its own batches; dropout draws from torch's own generator."""
    optimiser, rows = torch.optim.SGD(model.parameters(), lr=0.3), torch.Generator().manual_seed(0)

    def step():
        batch = torch.randint(0, 1200, (64,), generator=rows)
        with torch.no_grad():
            target = Y[batch] if teacher is None else torch.softmax(teacher(X[batch]), dim=1)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(X[batch]), target).backward()
        optimiser.step()

    return step


def trained(seed, steps, **options):
    model = network(seed, **options)
    step = stepper(model)
    for _ in range(steps):
        step()
    return model.eval()


@pytest.fixture(scope="module")
def teacher():
    return trained(0, 200, width=64)


@pytest.fixture(scope="module")
def twins():
    return [trained(seed, 40) for seed in (1, 2, 3)]


def test_numbers_are_those_of_compare(teacher, twins):
    student = network(4)
    watching = kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=twins, most=10_000)
    step = stepper(student, teacher)
    for done in range(21):
        if done in (0, 20):
            numbers = watching.log(done)
        step()
    student = network(4)
    step = stepper(student, teacher)
    for _ in range(20):
        step()
    frame = watching.to_frame()
    assert list(frame["step"].unique()) == [0, 20]
    found = kdprobe.compare(teacher, student, ROWS, **OPTIONS, twins=twins).to_frame()
    both = frame[frame["step"] == 20].merge(found, on=["probe", "comparison", "model", "against", "title"], suffixes=("", "_compared"))
    assert len(both) == (frame["step"] == 20).sum() > 20
    for key in ("value", "low", "high"):
        assert both[key].to_numpy() == pytest.approx(both[f"{key}_compared"].to_numpy(), abs=1e-6)
    assert set(both["probe"]) == {"agreement_top1", "gain_calibrated", "cka", "cka_output", "calibration_transfer"}
    own = both.set_index(["probe", "comparison"])["value"]
    assert numbers["kdprobe/agreement_top1/student"] == own["agreement_top1", "own"]
    assert numbers["kdprobe/agreement_top1/twins"] == own["agreement_top1", "baseline"]
    assert numbers["kdprobe/agreement_top1/over_twins"] == own["agreement_top1", "difference"]
    assert numbers["kdprobe/gain_calibrated/over_twins"] == own["gain_calibrated", "panel"]
    for name, value in numbers.items():
        assert type(value) is float
        assert np.isfinite(value)
        if not name.endswith(("_low", "_high")):
            assert numbers[f"{name}_low"] <= value <= numbers[f"{name}_high"]
    # it learned something on the way
    agreement = frame.query("probe == 'agreement_top1' and comparison == 'own'")["value"].to_numpy()
    assert agreement[1] > agreement[0] + 0.3


def test_a_training_does_not_notice_that_it_is_watched(teacher, twins):
    weights = []
    for watched in (False, True):
        student = network(4)
        student[1].eval()  # one part is in another mode than the rest, and stays so
        step = stepper(student, teacher)
        torch.manual_seed(7)
        random.seed(7)
        np.random.seed(7)  # noqa: NPY002
        shuffled = DataLoader(TensorDataset(*ROWS), batch_size=64, shuffle=True)
        watching = kdprobe.watch(teacher, student, shuffled, **OPTIONS, twins=twins, most=100) if watched else None
        for done in range(6):
            if watching is not None:
                watching.log(done)
            step()
        assert [part.training for part in student] == [True, False, True, True, True]
        assert all(weight.grad is not None for weight in student.parameters())
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in student.modules())
        weights.append([*student.state_dict().values(), torch.rand(3), torch.tensor(random.random()), torch.tensor(np.random.rand())])  # noqa: NPY002
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


def test_a_function_that_draws_leaves_the_generators_too(teacher):
    def draws(x):
        np.random.rand()  # noqa: NPY002
        random.random()
        torch.rand(1)
        return x[:, :10]

    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    kdprobe.watch(teacher, draws, ROWS, **OPTIONS).log(0)
    assert (before[0], before[1]) == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    assert torch.equal(before[2], torch.get_rng_state())


def test_twins_that_train_beside_the_student_are_read_again_and_others_once(teacher):
    student, beside, asked = network(4), network(4), []
    still = copy.deepcopy(teacher)
    handle = still.register_forward_hook(lambda *_: asked.append(1))
    watching = kdprobe.watch(still, student, ROWS, **OPTIONS, twins=[beside])
    steps = stepper(student, teacher), stepper(beside)
    first = watching.log(0)
    assert first["kdprobe/gain_calibrated/over_twins"] == 0  # the same initial weights
    for _ in range(30):
        for step in steps:
            step()
    later = watching.log(30)
    assert len(asked) == 1
    handle.remove()
    assert later["kdprobe/agreement_top1/twins"] > first["kdprobe/agreement_top1/twins"] + 0.3
    assert later["kdprobe/gain_calibrated/over_twins"] != 0
    # moving averages are often written through .data, which PyTorch does not count
    for weight in beside.parameters():
        weight.data.mul_(0.5)
    assert watching.log(31)["kdprobe/agreement_top1/twins"] != later["kdprobe/agreement_top1/twins"]


def test_a_twin_that_is_left_untrained_is_no_twin(teacher):
    student = network(4)
    watching = kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=[copy.deepcopy(student)])
    step = stepper(student, teacher)
    for _ in range(3):
        step()
    numbers = watching.log(3)
    assert not any("over_twins" in name or "/twins" in name for name in numbers)
    assert "kdprobe/agreement_top1/student" in numbers
    (reason,) = set(watching.to_frame().query("comparison in ('panel', 'baseline', 'difference', 'twin')")["reason"])
    assert reason == "twin is what the student was before it learned, and has not moved since"


def test_the_student_is_no_twin_of_its_own(teacher, twins):
    student = network(4)
    said = r"twins\[1\] is the student: they share every weight, so that its gain is 0 whatever it learns. Pass the same network trained"
    for itself in (student, nn.Sequential(student)):
        with pytest.raises(PlanError, match=said):
            kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=[twins[0], itself])
    with pytest.raises(PlanError, match="twin is a function and gives the student's outputs on every row: if it is the student, pass"):
        kdprobe.watch(teacher, student.eval(), ROWS, **OPTIONS, twins=[lambda x: student(x).detach()])
    with pytest.raises(PlanError, match="student is the teacher: they share every weight, pass the network that learns from it"):
        kdprobe.watch(student, student, ROWS, **OPTIONS)
    with pytest.raises(PlanError, match=r"twins\[0\] is the teacher: they share every weight, pass the student's network trained"):
        kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=[teacher])
    with pytest.raises(PlanError, match=r"twins\[1\] is another twin: they share every weight, pass each twin once"):
        kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=[twins[0], twins[0]])


def test_without_twins_there_is_no_gain(teacher):
    watching = kdprobe.watch(teacher, network(4), ROWS, **OPTIONS)
    assert {name.rsplit("/", 1)[1] for name in watching.log(0)} == {"student", "student_low", "student_high"}
    assert "needs a twin" in watching.to_frame().set_index("probe").loc["gain_calibrated", "reason"]


def test_a_training_that_goes_astray_is_told_and_not_stopped(teacher, twins):
    student = network(4)
    watching = kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=twins)
    watching.log(0)
    with torch.no_grad():
        student[4].weight.fill_(torch.nan)
    with pytest.warns(RuntimeWarning, match="watch: nothing could be measured at step 1: student: outputs"):
        assert watching.log(1) == {}
    frame = watching.to_frame().query("step == 1")
    assert len(frame) == 5
    assert frame["value"].isna().all()
    assert frame["reason"].str.contains("student: outputs").all()
    with torch.no_grad():
        student[4].weight.fill_(0.1)
    assert "kdprobe/agreement_top1/student" in watching.log(2)
    watching.plot()


def test_regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype(np.float32)
    teacher, student, twin = (nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)) for _ in range(3))
    y = teacher(torch.tensor(x)).detach().numpy() + 0.1
    numbers = kdprobe.watch(teacher, student, (x, y), task="regression", twins=[twin]).log(0)
    found = kdprobe.compare(teacher, student, (x, y), task="regression", twins=[twin]).results
    assert numbers["kdprobe/r2/student"] == pytest.approx(found["r2"]["own"].value)
    assert numbers["kdprobe/gain/over_twins"] == pytest.approx(found["gain"]["panel"].value)


def test_rows_are_drawn_once_of_arrays_and_stored_outputs_follow(teacher):
    student, stored = network(4), teacher(X).detach()
    few = kdprobe.watch(stored, student, (X, Y), **OPTIONS, most=200)
    same = kdprobe.watch(teacher, student, TensorDataset(X, Y), **OPTIONS, most=200)
    assert repr(few) == "Watch(200 rows, 0 twins, 0 steps)"
    found = few.log(0), same.log(0)
    assert found[0]["kdprobe/agreement_top1/student"] == found[1]["kdprobe/agreement_top1/student"]
    assert few.log(0) == found[0]
    assert repr(few) == "Watch(200 rows, 0 twins, 1 step)"
    # whole batches
    batches = kdprobe.watch(teacher, student, [{"x": X[k : k + 64], "y": Y[k : k + 64]} for k in range(0, 640, 64)], **OPTIONS, most=200)
    assert "256 rows" in repr(batches)


def test_labels_of_a_predictor_are_known_at_each_step():
    from sklearn.linear_model import LogisticRegression

    names = np.array(list("abcdefghij"))[DIGITS.target]
    teacher = LogisticRegression(max_iter=50, tol=1e-2).fit(DIGITS.data[:900] / 16, names[:900])
    student = network(4)
    watching = kdprobe.watch(teacher, student, (X[900:], names[900:]), **OPTIONS)
    step = stepper(student)
    first = watching.log(0)
    for _ in range(40):
        step()
    assert watching.log(1)["kdprobe/agreement_top1/student"] > first["kdprobe/agreement_top1/student"] + 0.3


def test_steps_that_are_due(teacher):
    student, told = network(4), []
    watching = kdprobe.watch(teacher, student, ROWS, **OPTIONS, every=4, most=60, to=lambda numbers, step: told.append((step, numbers)))
    batches = list(watching.loop(range(10)))
    assert batches == list(range(10))
    assert [step for step, _ in told] == [0, 4, 8, 10]
    assert told[0][1]["kdprobe/agreement_top1/student"] >= 0
    assert watching.last == 10


def test_time_decides_where_no_steps_are_given(teacher, monkeypatch):
    """The share of the time, by a clock of our own: a log takes 2 s, a step 1 s."""
    # Measured once, not timed here: 1,500 steps of a student 64-512-512-10 on digits (batches of 256, 14 CPU s, three twins, all defaults),
    # by turns with the same training unwatched. Logs took 2.6 % and 1.9 % of the training beside them, and CPU time in all was .94 and 1.04
    # of the unwatched one's, on a machine with other work.
    from kdprobe.compare.watching import history

    now = [0.0]
    monkeypatch.setattr(history.time, "perf_counter", lambda: now[0])
    watching = kdprobe.watch(teacher, network(4), ROWS, **OPTIONS, share=0.1, most=60)
    measure, logged = watching._measured, []

    def slow():
        now[0] += 2
        return measure()

    monkeypatch.setattr(watching, "_measured", slow)
    assert watching.cost == 0
    for step in range(121):
        if watching.due(step):
            watching.log(step)
            logged.append(step)
        now[0] += 1
    # the first at once; then each log waits until all of them, itself too, are a tenth of the training
    assert logged == [0, 40, 60, 80, 100, 120]
    assert watching.cost == pytest.approx(12 / 121)


def test_a_figure_has_a_panel_a_measure(teacher, twins):
    student = network(4)
    watching = kdprobe.watch(teacher, student, ROWS, **OPTIONS, twins=twins, most=200)
    with pytest.raises(PlanError, match=r"plot\(\) has no step to show: call .log\(step\) first"):
        watching.plot()
    step = stepper(student)
    for done in range(3):
        watching.log(done)
        step()
    figure = watching.plot()
    assert len(figure.axes) == 5
    agreement = figure.axes[0]
    assert agreement.get_title() == "Agreement"
    assert [text.get_text() for text in agreement.get_legend().get_texts()] == ["student", "twins, mean"]
    own = watching.to_frame().query("probe == 'agreement_top1' and comparison == 'own'")
    assert agreement.lines[0].get_ydata().tolist() == own["value"].tolist()
    assert figure.axes[1].get_title() == "Gain, calibrated (nats)"


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"task": "clasification"}, PlanError, "task='clasification' is unknown: did you mean 'classification'"),
        ({"task": "multilabel"}, PlanError, "task='multilabel' is not watched: compare students that were kept on the way with"),
        ({"most": 1}, PlanError, "most=1: give a whole number of rows, 2 or more"),
        ({"every": 0}, PlanError, "every=0: give a whole number of steps from 1 on, or None"),
        ({"share": 3}, PlanError, "share=3: give a share of the training's time, above 0 and at most 1, such as 0.03"),
        ({"to": "wandb"}, PlanError, "to is a str: give a function to\\(numbers, step\\), such as your logger's own"),
        ({"forward": 1}, PlanError, "forward is a int: give a function forward\\(model, batch\\) -> outputs"),
        ({"student": np.ones((597, 10))}, PlanError, "student is an array of outputs, which cannot learn: give the torch module"),
        ({"teacher": np.ones((5, 10))}, DataError, "teacher has 5 rows, the data 597: rows must be paired"),
        ({"rows": (X[:0], Y[:0])}, DataError, "rows is empty: give at least a few hundred rows"),
        ({"rows": (X[:9], Y[:8])}, DataError, "rows has parts of 9 and 8 rows: give arrays with one entry a row"),
        ({"rows": 5}, DataError, "rows is a int: give \\(x, y\\), a data set, or an iterable of batches"),
        ({"rows": []}, DataError, "rows gave no batch: an iterator that was used up before gives none, make a new one"),
        ({"rows": [1]}, DataError, "rows yields a int, which is no batch: give batches \\(x, y\\), or mappings of arrays"),
        ({"student": nn.Linear(64, 3)}, DataError, "teacher gives 10 classes, student 3: compare models of the same classes"),
        (
            {"teacher": np.ones((597, 10)), "rows": DataLoader(TensorDataset(*ROWS), shuffle=True)},
            PlanError,
            "teacher is an array of outputs and the loader shuffles: rows cannot be paired, use shuffle=False",
        ),
        (
            {"teacher": lambda x: np.zeros((len(x), 50_000)), "student": lambda x: np.ones((len(x), 50_000))},
            PlanError,
            "rows have 50,000 outputs each, more than can be held while a model trains: give fewer rows, or a smaller most=",
        ),
    ],
)
def test_what_cannot_be_watched(teacher, given, error, said):
    arguments = {"teacher": teacher, "student": network(4), "rows": ROWS, **OPTIONS} | given
    with pytest.raises(error, match=said):
        kdprobe.watch(**arguments)


@pytest.mark.parametrize("step", [-1, 1.5, "3", True])
def test_a_step_is_a_whole_number(teacher, step):
    watching = kdprobe.watch(teacher, network(4), ROWS, **OPTIONS, most=60)
    for ask in (watching.log, watching.due):
        with pytest.raises(PlanError, match=f"step={step!r}: give the number of steps done, a whole number from 0 on"):
            ask(step)


def test_adapters_say_what_is_not_installed(teacher, monkeypatch):
    for name in ("transformers", "lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    watching = kdprobe.watch(teacher, network(4), ROWS, **OPTIONS, most=60)
    said = r"trainer_callback\(\) is for a Trainer of transformers, and transformers is not installed: pip install transformers, or log"
    with pytest.raises(PlanError, match=said):
        watching.trainer_callback()
    with pytest.raises(PlanError, match=r"lightning_callback\(\) is for a Trainer of Lightning, and lightning is not installed: pip"):
        watching.lightning_callback()


class Classifier(nn.Module):
    """A network as a Trainer of transformers wants it: it gives its loss."""

    def __init__(self):
        super().__init__()
        self.net = network(4)

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits} if labels is not None else {"logits": logits}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_trainer_of_transformers(teacher, twins, tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    model = Classifier()
    told = []
    watching = kdprobe.watch(teacher, model.net, ROWS, **OPTIONS, twins=twins, every=4, to=lambda numbers, step: told.append(step))
    rows = [{"x": x, "labels": y} for x, y in zip(X[:320], Y[:320], strict=True)]
    options = {"max_steps": 10, "per_device_train_batch_size": 32, "report_to": [], "use_cpu": True, "disable_tqdm": True}
    arguments = transformers.TrainingArguments(output_dir=str(tmp_path), save_strategy="no", learning_rate=0.05, **options)
    transformers.Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[watching.trainer_callback()]).train()
    assert told == [0, 4, 8, 10]
    own = watching.to_frame().query("probe == 'agreement_top1' and comparison == 'own'")["value"].to_numpy()
    assert own[-1] > own[0] + 0.3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_trainer_of_lightning(teacher, twins, tmp_path):
    try:
        from lightning import pytorch as lightning
    except ImportError:
        lightning = pytest.importorskip("pytorch_lightning")

    class Kept(lightning.loggers.logger.Logger):
        """A logger that keeps what it is given."""

        name, version = "kept", 0
        steps: list[int] = []  # noqa: RUF012

        def log_metrics(self, metrics, step=None):
            if "kdprobe/agreement_top1/student" in metrics:
                self.steps.append(step)

        def log_hyperparams(self, *args, **others):
            """Nothing."""

    class Taught(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = network(4)

        def training_step(self, batch, place):
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.3)

    module, logger = Taught(), Kept()
    watching = kdprobe.watch(teacher, module.net, ROWS, **OPTIONS, twins=twins, every=4)
    # two batches a step
    options = {"max_steps": 10, "accumulate_grad_batches": 2, "accelerator": "cpu", "enable_progress_bar": False}
    quiet = {"enable_checkpointing": False, "enable_model_summary": False, "default_root_dir": str(tmp_path)}
    trainer = lightning.Trainer(**options, **quiet, logger=logger, callbacks=[watching.lightning_callback()])
    trainer.fit(module, DataLoader(TensorDataset(X[:1000], Y[:1000]), batch_size=32))
    assert logger.steps == [0, 4, 8, 10]
    own = watching.to_frame().query("probe == 'agreement_top1' and comparison == 'own'")["value"].to_numpy()
    assert own[-1] > own[0] + 0.2

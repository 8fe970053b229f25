"""What `break_conditions.py` trains."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from _break_rules import Curve
from _stacked import Data, Loss, Nets, fit, imitation, labels, mixed, scores, soft, to_probabilities

ALPHA = 0.5
NOISES, REGRESSION_NOISES = (0.0, 0.2, 0.4, 0.6, 0.8), (0.0, 0.5, 1.0, 2.0, 4.0)
SHARES = (1.0, 0.25, 0.0625)
SIZES = {"letters": (16, 128), "digits": (8, 64), "bikeshare": (8, 64), "fashion_mnist": (8, 64)}
"""Hidden units of student and teacher."""
REGIMES = {"own rows": ALPHA, "unlabelled rows": 1.0}
STEPS_OF_MISMATCH = (
    "the same shape",
    "wider",
    "deeper",
    "shallower",
    "random features",
    "layers in a wrong order",
    "features of other rows",
)
DEEP = 3
VOICES = (0.0, 0.25, 0.5, 0.75, 1.0)
Report = Callable[[str], None]


class Bench:
    """One data set and its seeds."""

    def __init__(self, given: Data, *, seeds: int):
        self.data, self.seeds, self.inputs = given, seeds, given.train[0].shape[1]
        self.plain = labels(given.train[1])
        self.small, self.large = SIZES[given.name]

    def nets(self, widths: Sequence[int], stream: str) -> Nets:
        return Nets(self.inputs, widths, self.data.outputs, seeds=self.seeds, stream=stream)

    def trained(
        self, widths: Sequence[int], stream: str, loss: Loss, *, rows: torch.Tensor | None = None, longer: int = 1, **how: float
    ) -> Nets:
        x = self.data.train[0] if rows is None else rows
        return fit(self.nets(widths, stream), x, loss, steps=longer * self.data.steps, stream=f"{stream}-{widths}", **how)

    def told(self, teacher: Nets, rows: torch.Tensor) -> Loss:
        answers = teacher.answers(rows)
        return imitation(answers) if self.data.kind == "regression" else soft(answers)

    def student(self, teacher: Nets, regime: str) -> dict[str, np.ndarray]:
        """Taught on the labelled rows, clean labels beside, or on unlabelled rows by the teacher alone."""
        rows = self.data.train[0] if regime == "own rows" else self.data.transfer[0]
        alpha = REGIMES[regime]
        loss = self.told(teacher, rows) if alpha == 1 else mixed(alpha, self.told(teacher, rows), self.plain)
        return scores(self.trained((self.small,), "student", loss, rows=rows), self.data)


def quality(given: Data, *, seeds: int, report: Report) -> Iterator[Curve]:
    """M1: noisy labels of the teacher, and over-fitting of it."""
    bench, y = Bench(given, seeds=seeds), given.train[1]
    twin = scores(bench.trained((bench.small,), "student", bench.plain), given)
    noises = REGRESSION_NOISES if given.kind == "regression" else NOISES
    gains: dict[tuple[str, str], list[np.ndarray]] = {}

    def add(kind: str, teacher: Nets) -> None:
        for regime in REGIMES:
            gains.setdefault((kind, regime), []).append(bench.student(teacher, regime)["loss"] - twin["loss"])

    for noise in noises:
        add("wrong labels", bench.trained((bench.large,), "teacher", labels(noisy(y, noise, given.outputs))))
    report(f"{given.name}: M1, wrong labels")
    for share in SHARES:
        rows = slice(0, round(share * len(y)))
        own = labels(y[rows])
        add("few rows", bench.trained((bench.large,), "teacher", own, rows=given.train[0][rows], longer=2, decay=0.0))
    report(f"{given.name}: M1, few rows")
    for (kind, regime), found in gains.items():
        doses = [f"{noise:g}" for noise in noises] if kind == "wrong labels" else [f"1/{1 / share:g} of the rows" for share in SHARES]
        yield Curve(mechanism="M1", where=f"{given.name}, {kind}, {regime}", doses=tuple(doses), differences=np.stack(found))


def noisy(y: torch.Tensor, noise: float, classes: int) -> torch.Tensor:
    """Labels of which a share is another class, or to which noise is added; those of less noise are among those of more."""
    generator = torch.Generator().manual_seed(11)
    if y.is_floating_point():
        return y + noise * torch.randn(y.shape, generator=generator)
    order, shift = torch.rand(len(y), generator=generator), torch.randint(1, classes, (len(y),), generator=generator)
    return torch.where(order < noise, (y + shift) % classes, y)


def features(given: Data, *, seeds: int, report: Report) -> Iterator[Curve]:
    """M2: response and features against response alone, under teachers that are ever less like the student."""
    bench = Bench(given, seeds=seeds)
    student = (bench.small,) * DEEP
    shapes = {"the same shape": student, "deeper": (bench.large,) * 5, "shallower": (bench.large,), "random features": (4 * bench.large,)}
    teachers: dict[Sequence[int], Nets] = {}
    rows = given.train[0]
    found = []
    for step in STEPS_OF_MISMATCH:
        widths = shapes.get(step, (bench.large,) * DEEP)
        if widths not in teachers:
            teachers[widths] = (
                random_features(bench, widths) if step == "random features" else bench.trained(widths, "teacher", bench.plain)
            )
        teacher = teachers[widths]
        with torch.no_grad():
            hidden = teacher(rows)[1]
        pairs = [round(place * (len(hidden) - 1) / (DEEP - 1)) for place in range(DEEP)]
        if step == "layers in a wrong order":
            pairs = [*pairs[-1:], *pairs[:-1]]
        if step == "features of other rows":
            mixed_up = torch.randperm(len(rows), generator=torch.Generator().manual_seed(5))
            hidden = [one[:, mixed_up] for one in hidden]
        response = mixed(ALPHA, bench.told(teacher, rows), bench.plain)
        alone = scores(bench.trained(student, "student", response), given)
        also, maps = hints([hidden[place] for place in pairs], bench.small, seeds)
        both = scores(bench.trained(student, "student", lambda o, h, r, a=response, b=also: a(o, h, r) + b(o, h, r), beside=maps), given)
        found.append(both["loss"] - alone["loss"])
        report(f"{given.name}: M2, {step}")
    yield Curve(mechanism="M2", where=given.name, doses=STEPS_OF_MISMATCH, differences=np.stack(found))


def hints(wanted: Sequence[torch.Tensor], width: int, seeds: int) -> tuple[Loss, list[torch.Tensor]]:
    """½‖r(f_S) - f_T‖²/d, mean of the pairs of layers: each unit of the teacher in its own standard deviations, r linear, trained along."""
    generator = torch.Generator().manual_seed(3)
    scaled = [(one - one.mean(dim=1, keepdim=True)) / (one.std(dim=1, keepdim=True) + 1e-3) for one in wanted]
    maps = [(torch.randn(seeds, width, one.shape[-1], generator=generator) / width**0.5).requires_grad_() for one in scaled]

    def loss(outputs: torch.Tensor, hidden: list[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        told = torch.zeros(rows.shape)
        for own, target, through in zip(hidden, scaled, maps, strict=True):
            there = torch.gather(target, 1, rows[..., None].expand(*rows.shape, target.shape[-1]))
            told = told + 0.5 * ((torch.bmm(own, through) - there) ** 2).mean(dim=-1) / len(maps)
        return told

    return loss, maps


def random_features(bench: Bench, widths: Sequence[int]) -> Nets:
    """A teacher whose hidden layer is random and stays so."""
    nets = bench.nets(widths, "random features")
    for one in (*nets.weights[:-1], *nets.biases[:-1]):
        one.requires_grad_(False)
    return fit(nets, bench.data.train[0], bench.plain, steps=bench.data.steps, stream="random features")


def halves(given: Data, *, seeds: int, report: Report) -> Iterator[Curve]:
    """M3: one student of two specialists, each of half the classes, of its own shape."""
    bench, (x, y) = Bench(given, seeds=seeds), given.train
    cut = given.outputs // 2
    widths = (bench.large,)
    own = [(y < cut).nonzero()[:, 0], (y >= cut).nonzero()[:, 0]]
    specialists = [bench.trained(widths, f"specialist {i}", labels(y[rows]), rows=x[rows]) for i, rows in enumerate(own)]
    apart = within(specialists, given, cut)
    first, second = (torch.softmax(one.answers(x), dim=-1) for one in specialists)
    inside = (y < cut)[None, :, None]
    found = []
    for voice in VOICES:
        share = torch.where(inside, 1 - voice / 2, voice / 2)  # of the first specialist
        student = bench.trained(widths, "student", to_probabilities(share * first + (1 - share) * second))
        found.append(within([student, student], given, cut) - apart)
    report(f"{given.name}: M3")
    yield Curve(mechanism="M3", where=given.name, doses=tuple(f"{voice:g}" for voice in VOICES), differences=np.stack(found))


def within(models: Sequence[Nets], given: Data, cut: int) -> np.ndarray:
    """Accuracy of each seed among the classes of a row's own half, the first model asked of the first half; (seeds,)."""
    x, y = given.probe
    right = torch.zeros(len(models[0].weights[0]), len(y))
    for model, there in zip(models, (y < cut, y >= cut), strict=True):
        answers = model.answers(x[there])
        allowed = (torch.arange(given.outputs) < cut) == bool((y[there] < cut).all())
        right[:, there] = (answers.masked_fill(~allowed, -torch.inf).argmax(dim=-1) == y[there]).float()
    return right.mean(dim=1).double().numpy()

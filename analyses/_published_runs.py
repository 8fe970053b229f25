"""What `published_claims.py` trains: one pass over each data set gives the settings of all claims that it can speak of."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from _published_claims import MARGIN, Setting, of_the_law
from _stacked import Data, Loss, Nets, fit, imitation, labels, mixed, scores, soft

import kdprobe

ALPHA = 0.5
TEMPERATURES, ASYMMETRIC = (1.0, 4.0), ((2.0, 1.0), (4.0, 2.0))
STOPS, SMOOTHING = (0.5, 0.25), 0.1
RATIOS = (1, 1.5, 2.5, 4, 8, 16)
STUDENTS = (4, 8, 16)
SIZES = {"letters": (8, 256), "digits": (4, 128), "bikeshare": (8, 256), "fashion_mnist": (4, 128)}
"""Hidden units of student and teacher, by data set. An assistant has their geometric mean."""


class Bench:
    """One data set, with what all claims share: the untaught twins of its students, and its teachers."""

    def __init__(self, given: Data, *, seeds: int):
        self.data, self.seeds = given, seeds
        self.plain = labels(given.train[1])
        self._twins: dict[int, dict[str, np.ndarray]] = {}
        self._teachers: dict[int, tuple[Nets, dict[str, np.ndarray]]] = {}

    def nets(self, width: int, stream: str) -> Nets:
        return Nets(self.data.train[0].shape[1], (width,), self.data.outputs, seeds=self.seeds, stream=stream)

    def untaught(self, width: int, stream: str, loss: Loss | None = None, *, until: float = 1.0) -> Nets:
        return fit(
            self.nets(width, stream), self.data.train[0], loss or self.plain, steps=self.data.steps, stream=f"{stream}-{width}", until=until
        )

    def taught(self, width: int, stream: str, teacher: Loss) -> Nets:
        """On the teacher's own labelled rows, α .5."""
        loss = mixed(ALPHA, teacher, self.plain)
        return fit(self.nets(width, stream), self.data.train[0], loss, steps=self.data.steps, stream=f"{stream}-{width}")

    def twin(self, width: int) -> dict[str, np.ndarray]:
        if width not in self._twins:
            self._twins[width] = scores(self.untaught(width, "student"), self.data)
        return self._twins[width]

    def teacher(self, width: int) -> tuple[Nets, dict[str, np.ndarray]]:
        if width not in self._teachers:
            found = self.untaught(width, "teacher")
            self._teachers[width] = found, scores(found, self.data)
        return self._teachers[width]

    def from_(self, teacher: Nets, temperature: float, wrong: float | None = None) -> Loss:
        answers = teacher.answers(self.data.train[0])
        if self.data.kind == "regression":
            return imitation(answers)
        return soft(answers, temperature=temperature, wrong=wrong, y=self.data.train[1])


Report = Callable[[str], None]


def settings(bench: Bench, *, report: Report) -> Iterator[tuple[Setting, Setting]]:
    """Settings of the claims of differences: by score, and by loss."""
    given = bench.data
    small, large = SIZES[given.name]
    between, regression = round((small * large) ** 0.5), given.kind == "regression"
    teacher, _ = bench.teacher(large)
    stopped = {share: bench.untaught(large, "teacher", until=share) for share in STOPS}
    smooth = None if regression else bench.untaught(large, "teacher", labels(given.train[1], smoothing=SMOOTHING))
    report(f"{given.name}: teachers")
    for temperature in (1.0,) if regression else TEMPERATURES:
        at = given.name if regression else f"{given.name}, T={temperature:g}"
        direct = scores(bench.taught(small, "student", bench.from_(teacher, temperature)), given)
        assistant = bench.taught(between, "assistant", bench.from_(teacher, temperature))
        through = scores(bench.taught(small, "student", bench.from_(assistant, temperature)), given)
        yield both("assistant", at, through, direct, bench.twin(small))
        for share, early in stopped.items():
            own = scores(bench.taught(small, "student", bench.from_(early, temperature)), given)
            yield both("stopped", f"{at}, stopped at {share:g} of the steps", own, direct, bench.twin(small))
        if smooth is not None:
            own = scores(bench.taught(small, "student", bench.from_(smooth, temperature)), given)
            note = f"teachers: {scores(smooth, given)['score'].mean():.3f} smoothed, {scores(teacher, given)['score'].mean():.3f} plain"
            yield both("smoothing", at, direct, own, bench.twin(small), note)
        report(at)
    if not regression:
        for high, low in ASYMMETRIC:
            plain = scores(bench.taught(small, "student", bench.from_(teacher, high)), given)
            two = scores(bench.taught(small, "student", bench.from_(teacher, high, low)), given)
            yield both("asymmetric", f"{given.name}, T={high:g} and {low:g}", two, plain, bench.twin(small))
    report(f"{given.name}: differences done")


def both(
    claim: str, where: str, one: dict[str, np.ndarray], other: dict[str, np.ndarray], twin: dict[str, np.ndarray], note: str = ""
) -> tuple[Setting, Setting]:
    """The same comparison by score and by loss, each with its own margin."""
    by_score, by_loss = (
        Setting(claim=claim, where=where, differences=one[m] - other[m], margin=MARGIN * float(twin[m].std(ddof=1)), note=note)
        for m in ("score", "loss")
    )
    return by_score, by_loss


def curves(bench: Bench, width: int, *, report: Report) -> pd.DataFrame:
    """Gains of one student size under teachers of several ratios at T 1, as `kdprobe.capacity_gap` reads them; `gain` by score."""
    given, rows = bench.data, []
    twin = bench.twin(width)
    for ratio in RATIOS:
        teacher, of_teacher = bench.teacher(round(width * ratio))
        own = bench.taught(width, "student", bench.from_(teacher, 1.0))
        found = scores(own, given)
        rows += [
            {
                "student_size": own.size, "teacher_size": teacher.size, "seed": seed,
                "gain": found["score"][seed] - twin["score"][seed],
                "teacher_loss": -of_teacher["loss"][seed], "twin_score": twin["score"][seed],
            }
            for seed in range(bench.seeds)
        ]  # fmt: skip
    report(f"{given.name}: curve of student {width}")
    return pd.DataFrame(rows)


def law(table: pd.DataFrame, where: str) -> list[dict[str, object]]:
    """What each student's curve says of a constant ratio."""
    found = []
    for size, own in table.groupby("student_size"):
        verdict = kdprobe.capacity_gap(own)
        ratios = [best / float(size) for best in verdict.best_sizes]
        told = of_the_law(verdict.best_sizes, float(size), float(own["teacher_size"].max()))
        means = own.groupby("teacher_size")["gain"].mean()
        found.append(
            {
                "where": where, "student": int(size), "best": [round(ratio, 2) for ratio in ratios], "told": told,
                "gains": [round(float(gain), 4) for gain in means], "ratios": [round(float(t) / float(size), 2) for t in means.index],
            }
        )  # fmt: skip
    return found

"""Models with known answers, for the truths of several probes."""

import numpy as np

from kdprobe.core.trace import Panel, Trace


def coin_panel(student: float, twin: float, teacher: float, *, n: int = 8, temperature: float | None = None) -> tuple[Panel, np.ndarray]:
    """Binary models that give their label this probability on every row."""

    def model(p: float, name: str) -> Trace:
        return Trace.from_raw("classification", np.log(np.tile([p, 1 - p], (n, 1))), temperature=temperature, name=name)

    return Panel(student=model(student, "student"), teacher=model(teacher, "teacher"), twin=model(twin, "twin")), np.zeros(n, dtype=int)


def regression_panel(student: float, twin: float, teacher: float, *, n: int = 8) -> tuple[Panel, np.ndarray]:
    """Regressors that miss a target of variance 1 by this much on every row."""
    y = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)[:, None]

    def model(miss: float, name: str) -> Trace:
        return Trace.from_raw("regression", y + miss, name=name)

    return Panel(student=model(student, "student"), teacher=model(teacher, "teacher"), twin=model(twin, "twin")), y


def untaught_panel(rng: np.random.Generator, *, n: int = 20_000) -> tuple[Panel, np.ndarray]:
    """A student that is one more twin: it gains nothing."""
    y = rng.normal(size=(n, 1))
    student, twin = (Trace.from_raw("regression", y + rng.normal(size=(n, 1)), name=name) for name in ("student", "twin"))
    return Panel(student=student, twin=twin, teacher=Trace.from_raw("regression", y, name="teacher")), y


def naming(student: list[int], teacher: list[int], target: list[int], *, classes: int = 3) -> tuple[Trace, Trace, np.ndarray]:
    """Two classifiers by the class that each names on every row."""
    own, other = (
        Trace.from_raw("classification", np.eye(classes)[names], name=name) for names, name in ((student, "student"), (teacher, "teacher"))
    )
    return own, other, np.array(target)


def feature_pair(x: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, None]:
    """Two models whose one hidden layer is given, (n, d)."""
    student, teacher = (
        Trace.from_raw("regression", np.zeros(len(layer)), features={"hidden": layer}, name=name)
        for layer, name in ((x, "student"), (y, "teacher"))
    )
    return student, teacher, None


def rotated_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """A layer, and the same layer rotated, scaled and shifted."""
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 1e3 - 1e-3 * x @ np.linalg.qr(rng.normal(size=(6, 6)))[0])


def mapped_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """A layer, and the same layer under an invertible linear map, shifted."""
    x = rng.normal(size=(50, 6))
    return feature_pair(x, 3 + x @ rng.normal(size=(6, 6)))


def correlated_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Two layers of one unit each, whose correlation is .6 exactly."""
    columns, _ = np.linalg.qr(np.column_stack([np.ones(60), rng.normal(size=(60, 2))]))
    return feature_pair(columns[:, 1], 0.6 * columns[:, 1] + 0.8 * columns[:, 2])


def wide_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """A layer of more units than rows, which a linear map fits to anything."""
    return feature_pair(rng.normal(size=(50, 60)), rng.normal(size=(50, 3)))


def grouped_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Twelve far places, eleven rows at each: the ten nearest are those at one's own place, on both sides."""
    places = rng.permutation(np.repeat(np.arange(12), 11))
    return feature_pair(places + 1e-3 * rng.normal(size=132), 5.0 * rng.permutation(12)[places] + 1e-3 * rng.normal(size=132))


def tied_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Two places of 40 rows each, all at one point: of 10 nearest rows, 10·10/39 are the same on both sides."""
    side = np.repeat([0.0, 1.0], 40)
    return feature_pair(side, side)


def short_pair(rng: np.random.Generator) -> tuple[Trace, Trace, None]:
    """Fifteen rows: ten neighbours are half of the rows or more."""
    return feature_pair(rng.normal(size=(15, 3)), rng.normal(size=(15, 3)))


def degraded_student(rng: np.random.Generator, *, n: int = 4000) -> tuple[Trace, Trace, np.ndarray]:
    """A teacher of correlation .8 with the target, a student that sees it through noise: correlation .7 with it, .56 with the target."""
    y, seen, noise = rng.normal(size=(3, n, 1))
    teacher = 0.8 * y + 0.6 * seen
    student = 0.7 * teacher + np.sqrt(1 - 0.49) * noise
    return Trace.from_raw("regression", student, name="student"), Trace.from_raw("regression", teacher, name="teacher"), y


def student_of_noise(rng: np.random.Generator, *, n: int = 4000) -> tuple[Trace, Trace, np.ndarray]:
    """A teacher of two classes whose logits differ by 2 · N(0, 2): log 2 less the mean entropy is .3178 nats. The student knows nothing."""
    logits, noise = 2 * rng.normal(size=(2, n, 2))
    labels = (logits[:, 1] - logits[:, 0] + rng.logistic(size=n) > 0).astype(np.int64)
    return Trace.from_raw("classification", noise, name="student"), Trace.from_raw("classification", logits, name="teacher"), labels


def one_class(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    """Labels that hold nothing to know."""
    trace = Trace.from_raw("classification", rng.normal(size=(100, 3)), name="student")
    return trace, trace, np.zeros(100, dtype=np.int64)


def rare_class(rng: np.random.Generator) -> tuple[Trace, Trace, np.ndarray]:
    """Labels of which one has 19 rows."""
    trace = Trace.from_raw("classification", rng.normal(size=(100, 3)), name="student")
    return trace, trace, (np.arange(100) < 19).astype(np.int64)

"""Panels with known answers, for the truths of the panel probes."""

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


def feature_pair(x: np.ndarray, y: np.ndarray) -> tuple[Trace, Trace, None]:
    """Two models whose one hidden layer is given, (n, d)."""
    student, teacher = (
        Trace.from_raw("regression", np.zeros(len(layer)), features={"hidden": layer}, name=name)
        for layer, name in ((x, "student"), (y, "teacher"))
    )
    return student, teacher, None

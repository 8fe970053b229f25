"""The nested least-squares law: known answers, special cases by hand, and real least-squares fits on real rows."""

import math

import numpy as np
import pytest

import kdprobe
from kdprobe.core.errors import DataError
from kdprobe.theory.nested_ols import nested_ols, simulate_nested_ols

D = 60
BETA = np.arange(1, D + 1) ** -0.75
SETTING = {"n": 80, "p": 4, "m": 160}


def test_known_answers():
    """Computed once by a separate script in float64, given to 12 digits."""
    students = [nested_ols(BETA, 0.25, q=q, **SETTING).student for q in range(4, D + 1)]
    assert int(np.argmin(students)) + 4 == 14
    assert min(students) == pytest.approx(0.044676090440, abs=1e-9)
    assert nested_ols(BETA, 0.25, q=14, **SETTING).twin == pytest.approx(0.049826363994, abs=1e-9)
    teachers = [nested_ols(BETA, 0.25, q=q, **SETTING).teacher for q in range(1, D + 1)]
    assert int(np.argmin(teachers)) + 1 == 26
    assert min(teachers) == pytest.approx(0.318456452734, abs=1e-9)


def test_the_threshold_of_label_noise():
    """Five strong and fifteen weak features: with endless rows, distillation stops helping where noise reaches 3.8."""
    beta = np.sqrt(np.array([1.0] * 5 + [0.2] * 15))

    def gain(noise):
        law = nested_ols(beta, noise, n=40, p=5, q=20, m=math.inf)
        return law.twin - law.student

    assert gain(3.8) == pytest.approx(0.0, abs=1e-12)
    assert gain(3.7) > 0 > gain(3.9)


def test_without_a_limit_on_rows_the_best_teacher_is_the_best_for_the_student():
    for n, noise in [(80, 0.25), (200, 2.0), (70, 0.01)]:
        sizes = range(4, min(D, n - 2) + 1)
        laws = [nested_ols(BETA, noise, n=n, p=4, q=q, m=math.inf) for q in sizes]
        assert np.argmin([law.student for law in laws]) == np.argmin([law.teacher for law in laws])


def test_the_best_teacher_for_the_student_grows_with_the_rows():
    best = [
        min(range(4, D + 1), key=lambda q, m=m: nested_ols(BETA, 0.25, n=80, p=4, q=q, m=m).student) for m in (10, 20, 80, 160, 640, 10**6)
    ]
    assert best == sorted(best)
    assert best[0] < 8 < best[-1] == 26


def fit(x, y):
    return np.linalg.lstsq(x, y, rcond=None)[0]


@pytest.mark.parametrize(
    ("p", "q", "m", "teachers", "shifted"),
    [
        (3, 7, 25, 1, False),
        (3, 7, 25, 3, False),
        (3, 7, 25, 2, True),
        (6, 4, 15, 1, True),
        (5, 5, 6, 1, False),
        (3, 7, 6, 1, False),
        (2, 9, math.inf, 1, False),
    ],
)
def test_real_fits_agree_with_the_law_and_with_the_simulator(p, q, m, teachers, shifted):
    """Least squares by LAPACK on rows drawn one by one, the only place where nothing but the definition is used."""
    rng = np.random.default_rng(0)
    beta, n, noise = np.array([1, 0.8, -0.7, 0.6, 0.5, -0.4, 0.3, 0.3, 0.2, 0.1]), 30, 0.5
    shift = np.array([0.2, -0.1, 0.0, 0.0, 0.3, 0.0, 0.0, 0.4]) if shifted else None
    learned = beta + (0 if shift is None else np.pad(shift, (0, 2)))
    found = []
    for _ in range(1500):
        rows = [rng.normal(size=(n, 10)) for _ in range(teachers)]
        labels = [x @ learned + math.sqrt(noise) * rng.normal(size=n) for x in rows]
        teacher = np.zeros(10)
        teacher[:q] = np.mean([fit(x[:, :q], y) for x, y in zip(rows, labels, strict=True)], axis=0)
        if math.isinf(m):
            student = teacher[:p]
        else:
            fresh = rng.normal(size=(m, 10))
            student = fit(fresh[:, :p], fresh @ teacher)
        twin = fit(rows[0][:, :p], labels[0])
        risks = [((estimate - beta[:p]) ** 2).sum() for estimate in (student, twin)]
        found.append([*risks, ((teacher - learned) ** 2).sum()])
    found = np.array(found)
    setting = {"n": n, "p": p, "m": m, "teachers": teachers, "shift": shift}
    law = nested_ols(beta, noise, q=q, **setting)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - law[:3]) < 3.5 * error).all()
    drawn = simulate_nested_ols(beta, noise, q=(q,), seeds=1500, rng=rng, **setting)
    drawn = np.column_stack([drawn.student[:, 0], drawn.twin, drawn.teacher[:, 0]])
    both = np.hypot(error, drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn)))
    assert (np.abs(found.mean(axis=0) - drawn.mean(axis=0)) < 3.5 * both).all()
    # the whole distribution, not its mean alone
    for ours, theirs in zip(found.T, drawn.T, strict=True):
        assert np.abs(np.log(np.quantile(ours, [0.25, 0.75]) / np.quantile(theirs, [0.25, 0.75]))).max() < 0.13


def test_on_shared_rows_distillation_does_nothing_at_all():
    """The perfect negative control: for every weight of the teacher the student is its twin, though the two agree with it well."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 12))
    y = x @ BETA[:12] + rng.normal(size=40)
    teacher = x[:, :9] @ fit(x[:, :9], y)
    twin = fit(x[:, :4], y)
    for alpha in (0.1, 0.5, 1.0):
        np.testing.assert_allclose(fit(x[:, :4], (1 - alpha) * y + alpha * teacher), twin, atol=1e-12)
    assert np.corrcoef(x[:, :4] @ twin, teacher)[0, 1] > 0.8


@pytest.mark.slow
def test_the_law_holds_on_a_grid():
    """100 cells of n, m, spectrum, noise and sizes: within 3 standard errors (of at most 2 %) in 95 or more."""
    rng = np.random.default_rng(2)
    within, cells = 0, 0
    for n, m, decay, noise in [(40, 30, 0.75, 0.25), (40, 200, 0.75, 2.0), (80, 30, 0.3, 0.25), (80, 200, 1.2, 0.05), (60, 60, 0.5, 1.0)]:
        beta = np.arange(1, 21) ** -decay
        for p in (3, 4, 6, 8):
            sizes = (p, p + 2, p + 4, p + 7, 18)
            drawn = simulate_nested_ols(beta, noise, n=n, p=p, q=sizes, m=m, seeds=5000, rng=rng)
            for column, q in enumerate(sizes):
                excess = drawn.student[:, column]
                error = excess.std(ddof=1) / np.sqrt(len(excess))
                truth = nested_ols(beta, noise, n=n, p=p, q=q, m=m).student
                assert error < 0.02 * truth
                within += abs(excess.mean() - truth) < 3 * error
                cells += 1
    assert cells == 100
    assert within >= 95


def test_risks_are_excess_plus_what_cannot_be_known():
    law = nested_ols(BETA, 0.25, q=14, **SETTING, shift=np.array([0.3]))
    assert law.student_risk - law.student == pytest.approx(0.25 + (BETA[4:] ** 2).sum())
    assert law.twin_risk - law.twin == pytest.approx(0.25 + (BETA[4:] ** 2).sum())
    assert law.teacher_risk - law.teacher == pytest.approx(0.25)


def test_it_is_public():
    assert kdprobe.theory.nested_ols(BETA, 0.25, q=14, **SETTING).student == nested_ols(BETA, 0.25, q=14, **SETTING).student


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"q": 61}, "q=61 of 60 features: give 1 to 60"),
        ({"p": 0}, "p=0 of 60 features: give 1 to 60"),
        ({"n": 15}, "n=15 labelled rows: least squares on 14 features has a finite expected risk from 16 on"),
        ({"m": 5}, "m=5 rows of the student: its expected risk is finite from 6 on"),
        ({"m": math.nan}, "m=nan rows of the student"),
        ({"teachers": 0}, "teachers=0: give at least 1"),
        ({"noise": -1.0}, "noise=-1 is a variance: give 0 or more"),
        ({"noise": math.inf}, "beta, noise or shift holds NaN or an infinity"),
        ({"shift": np.zeros(61)}, r"beta has shape \(60,\), shift \(61,\): give \(D,\), and a shift that is no longer"),
    ],
)
def test_errors_say_what_to_do(changes, text):
    noise = changes.pop("noise", 0.25)
    with pytest.raises(DataError, match=text):
        nested_ols(BETA, noise, **({"q": 14} | SETTING | changes))

"""Every theorem of the room: known answers, and simulations that fit what it speaks of."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

import kdprobe
from kdprobe.core.errors import DataError
from kdprobe.theory.mobahi import mobahi_rounds
from kdprobe.theory.pareek import pareek_rounds, tuned_ridge_risk
from kdprobe.theory.ridge import fixed_design, oracle_risk, risk
from kdprobe.theory.theorem import theorems

RNG = np.random.default_rng
THEOREMS = theorems()
DRAWS = {"mobahi_rounds": 2, "risk_estimates": 9000, "pareek_rounds": 6000}
theory = kdprobe.theory


def test_all_seven_are_there():
    assert set(THEOREMS) == {
        "linear_disagreement", "mobahi_rounds", "nested_ols", "pareek_rounds", "repeated_distillation", "ridge_self_distillation",
        "risk_estimates",
    }  # fmt: skip
    for name, theorem in THEOREMS.items():
        assert hasattr(theory, name), "a theorem is named as its public function is"
        assert theorem.cites
        assert theorem.statement.endswith(".")
        assert len(theorem.worlds) >= 12


@pytest.mark.parametrize(
    ("theorem", "truth"),
    [pytest.param(theorem, truth, id=f"{name}: {truth.name}") for name, theorem in THEOREMS.items() for truth in theorem.truths],
)
def test_known_answers(theorem, truth):
    assert truth.tolerance <= 1e-9
    assert abs(truth.compute() - truth.value) <= truth.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(THEOREMS))
def test_simulations_agree(name):
    """Within 3 standard errors, of at most 2 % of the prediction, in 95 % of the cells; and not because all would pass."""
    theorem, rng = THEOREMS[name], RNG(11)
    cells, within, power = 0, 0, 0
    for world in theorem.worlds:
        predicted, drawn = theorem.predict(world), theorem.simulate(world, DRAWS.get(name, 3000), rng)
        assert predicted.keys() == drawn.keys()
        for quantity, value in predicted.items():
            error = drawn[quantity].std(ddof=1) / math.sqrt(len(drawn[quantity]))
            allowed = 3 * error + 1e-6 * abs(value)
            assert error <= 0.02 * abs(value) or value == 0
            cells += 1
            within += abs(drawn[quantity].mean() - value) <= allowed
            power += abs(drawn[quantity].mean() - 1.1 * value) > allowed
    assert within >= 0.95 * cells
    assert power >= 0.9 * cells


class TestThresholds:
    BETA = np.arange(1, 31) ** -0.75
    SHIFT = np.array([0.0, 0.3])

    @pytest.mark.parametrize("m", [300, math.inf])
    @pytest.mark.parametrize(
        ("objective", "setting"),
        [
            ("compression", {"p": 4, "q": 25}),
            ("enhancement", {"p": 6, "q": 6, "teachers": 3}),
            ("adaptation", {"p": 4, "q": 25, "shift": SHIFT}),
            ("expansion", {"p": 20, "q": 4}),
        ],
    )
    def test_against_root_finding(self, m, objective, setting):
        found = theory.noise_threshold(self.BETA, n=40, m=m, **setting)

        def gain(noise):
            law = theory.nested_ols(self.BETA, noise, n=40, m=m, **setting)
            return law.twin - law.student

        if objective == "enhancement":
            assert (found.helps, found.noise) == ("always", None)
            assert min(gain(noise) for noise in (0, 0.1, 10, 1e4)) > 0
            return
        assert found.noise == pytest.approx(optimize.brentq(gain, 0, 1e4, xtol=1e-13), abs=1e-9)
        before, after = gain(0.9 * found.noise), gain(1.1 * found.noise)
        assert (found.helps == "below") == (before > 0 > after)
        assert (found.helps == "above") == (before < 0 < after)
        assert (objective == "expansion") == (found.helps == "above")

    def test_a_student_as_large_as_its_one_teacher_gains_nothing(self):
        found = theory.noise_threshold(self.BETA, n=40, p=6, q=6, m=100)
        assert (found.noise, found.helps, found.noiseless, found.slope) == (None, "never", 0.0, 0.0)

    def test_the_law_in_closed_form(self):
        """Endless rows, nothing beyond the teacher: σ*² = ‖β_{p+1..q}‖²(n-q-1)/(q-p)."""
        for n, p, q in [(40, 5, 20), (100, 3, 30), (25, 2, 9)]:
            beta = self.BETA[:q]
            found = theory.noise_threshold(beta, n=n, p=p, q=q, m=math.inf)
            assert found.noise == pytest.approx((beta[p:] ** 2).sum() * (n - q - 1) / (q - p), rel=1e-12)

    def test_few_rows_lower_it(self):
        found = [theory.noise_threshold(self.BETA, n=40, p=4, q=25, m=m).noise for m in (200, 400, 1000, math.inf)]
        assert found == sorted(found)


class TestRidge:
    D, B = np.array([4, 2, 1, 0.5]), np.array([9, 4, 1, 0.25])

    def test_the_best_weight_by_search(self):
        for ridge in (0.01, 0.5, 3.0, 50.0):
            found = theory.ridge_self_distillation(self.D, self.B, 2.0, ridge)
            s = self.D / (self.D + ridge)
            best = optimize.minimize_scalar(lambda xi, s=s: risk(s - xi * s * (1 - s), self.B, 2.0), options={"xtol": 1e-12})
            assert found.mixing == pytest.approx(best.x, rel=1e-5)
            assert found.distilled == pytest.approx(best.fun, rel=1e-12)
            assert found.oracle <= found.distilled <= found.ridge

    def test_the_sign_rule(self):
        for ridge in np.geomspace(1e-3, 1e3, 25):
            found = theory.ridge_self_distillation(self.D, self.B, 2.0, ridge)
            step = 1e-6 * ridge
            slope = (risk(self.D / (self.D + ridge + step), self.B, 2.0) - risk(self.D / (self.D + ridge - step), self.B, 2.0)) / (2 * step)
            assert found.slope == pytest.approx(slope, rel=1e-4, abs=1e-9)
            assert np.sign(found.mixing) == -np.sign(slope)

    def test_at_the_best_ridge_nothing_is_gained(self):
        best = optimize.minimize_scalar(
            lambda r: risk(self.D / (self.D + r), self.B, 2.0), bounds=(0.01, 10), method="bounded", options={"xatol": 1e-10}
        )
        found = theory.ridge_self_distillation(self.D, self.B, 2.0, best.x)
        assert found.mixing == pytest.approx(0, abs=1e-5)
        assert found.ridge - found.distilled < 1e-9

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (([1], [1], 1.0, 0.0), "ridge=0.0: give a number above 0"),
            (([1], [1], 1.0, math.nan), "ridge=nan: give a number above 0"),
            (([1, 2], [1], 1.0, 1.0), r"eigenvalues have shape \(2,\), signal \(1,\): give \(r,\) twice"),
            (([-1], [1], 1.0, 1.0), "are 0 or more; the least are -1, 1 and 1"),
            (([math.inf], [1], 1.0, 1.0), "holds NaN or an infinity"),
            (([0.0], [1], 1.0, 1.0), "nothing to mix: no direction has both"),
        ],
    )
    def test_errors(self, arguments, text):
        with pytest.raises(DataError, match=text):
            theory.ridge_self_distillation(*arguments)


class TestMobahi:
    def test_bounds_of_the_paper(self):
        """Rounds are as many as it guarantees, and the basis is sparser after each."""
        rng = RNG(0)
        for _ in range(25):
            size = int(rng.integers(2, 10))
            a = rng.normal(size=(size, size))
            y = rng.normal(size=size) * 10 ** rng.uniform(0, 1)
            found = mobahi_rounds(a @ a.T + rng.uniform(0.1, 2) * np.eye(size), y, float(y @ y) / size * 10 ** rng.uniform(-3, -0.02))
            assert found.collapsed
            assert len(found.fits) >= found.guaranteed
            assert (np.diff(found.sparsity) >= -1e-9).all()
            assert len(found.fits) == len(found.penalties) == len(found.shrinkage)

    def test_each_round_meets_its_tolerance(self):
        x = np.linspace(0, 1, 9)
        gram, y = np.exp(-20 * (x[:, None] - x) ** 2) + 0.01 * np.eye(9), np.cos(9 * x)
        found = mobahi_rounds(gram, y, 0.01)
        targets = np.vstack([y, found.fits[:-1]])
        np.testing.assert_allclose(((found.fits - targets) ** 2).mean(axis=1), 0.01, rtol=1e-9)
        for fit, target, penalty in zip(found.fits, targets, found.penalties, strict=True):
            np.testing.assert_allclose(fit, gram @ np.linalg.solve(penalty * np.eye(9) + gram, target), atol=1e-9)

    def test_it_stops_where_it_is_told(self):
        found = mobahi_rounds(np.eye(3), np.full(3, 9.0), 0.01, most=4)
        assert (len(found.fits), found.collapsed) == (4, False)

    @pytest.mark.parametrize(
        ("gram", "y", "tolerance", "text"),
        [
            (np.ones((2, 2)), np.ones(2), 0.1, "gram is singular .*: leave out repeated rows"),
            (np.diag([1.0, 0.0]), np.ones(2), 0.1, "gram is singular"),
            (np.array([[1.0, 0.5], [0.0, 1.0]]), np.ones(2), 0.1, "gram is not symmetric"),
            (np.eye(2), np.ones(3), 0.1, r"gram has shape \(2, 2\), y \(3,\)"),
            (np.eye(2), np.array([1, math.nan]), 0.1, "gram or y holds NaN"),
            (np.eye(2), np.ones(2), 1.0, "tolerance=1 is the mean square of y or more, 1: the zero function fits; give less"),
            (np.eye(2), np.ones(2), 0.0, "tolerance=0.0: give a mean squared error above 0"),
        ],
    )
    def test_errors(self, gram, y, tolerance, text):
        with pytest.raises(DataError, match=text):
            mobahi_rounds(gram, y, tolerance)


class TestRepeated:
    GRAM = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 1.5]])
    Y = np.array([1.0, -2.0, 0.5])

    def test_round_by_round(self):
        found = theory.repeated_distillation(self.GRAM, self.Y, ridge=0.7, alpha=0.6, rounds=5)
        hat = self.GRAM @ np.linalg.inv(self.GRAM + 0.7 * np.eye(3))
        fit = hat @ self.Y
        for row in found.fits:
            np.testing.assert_allclose(row, fit, atol=1e-12)
            fit = hat @ (0.4 * self.Y + 0.6 * fit)

    def test_the_labels_alone_and_the_teacher_alone(self):
        alone = theory.repeated_distillation(self.GRAM, self.Y, ridge=0.7, alpha=0.0, rounds=3)
        np.testing.assert_allclose(alone.fits - alone.fits[0], 0, atol=1e-14)
        assert alone.limit_ridge == 0.7
        taught = theory.repeated_distillation(self.GRAM, self.Y, ridge=0.7, alpha=1.0, rounds=200)
        assert taught.limit_ridge is None
        np.testing.assert_allclose(taught.fits[-1], taught.limit, atol=1e-9)

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"alpha": 1.5}, "alpha=1.5 is the teacher's weight: give 0 to 1"),
            ({"ridge": -1.0}, "ridge=-1.0: give a number above 0"),
            ({"rounds": 0}, "rounds=0: give a whole number from 1 on"),
        ],
    )
    def test_errors(self, changes, text):
        with pytest.raises(DataError, match=text):
            theory.repeated_distillation(self.GRAM, self.Y, **({"ridge": 1.0, "alpha": 0.5, "rounds": 2} | changes))


class TestPhuongLampert:
    def test_against_the_density_of_the_angle(self):
        for d, n in [(20, 5), (7, 6), (40, 39), (300, 20), (2000, 1900)]:
            expected, _ = integrate.quad(
                lambda b, d=d, n=n: math.acos(math.sqrt(b)) / math.pi * stats.beta.pdf(b, n / 2, (d - n) / 2),
                0, 1, points=[n / d], limit=500, epsabs=1e-11,
            )  # fmt: skip
            assert theory.linear_disagreement(d, n) == pytest.approx(expected, abs=1e-7)

    def test_gradient_descent_ends_at_the_projection(self):
        rng = RNG(1)
        x, teacher = rng.normal(size=(3, 6)), rng.normal(size=6)
        w, soft = np.zeros(6), 1 / (1 + np.exp(-x @ teacher))
        for _ in range(20_000):
            w -= 0.3 * x.T @ (1 / (1 + np.exp(-x @ w)) - soft)
        np.testing.assert_allclose(w, theory.projected_student(x, teacher), atol=1e-6)

    def test_without_rows_it_guesses_and_with_enough_it_knows(self):
        assert theory.linear_disagreement(9, 0) == 0.5
        assert theory.linear_disagreement(9, 9) == 0.0
        np.testing.assert_allclose(theory.projected_student(RNG(2).normal(size=(7, 5)), np.arange(5.0)), np.arange(5.0), atol=1e-12)

    def test_errors(self):
        with pytest.raises(DataError, match="d=0, n=3: give at least 1 input"):
            theory.linear_disagreement(0, 3)
        with pytest.raises(DataError, match=r"x has shape \(2, 3\), teacher \(2,\): give \(n, d\) and \(d,\)"):
            theory.projected_student(np.ones((2, 3)), np.ones(2))
        with pytest.raises(DataError, match="x or teacher holds NaN"):
            theory.projected_student(np.full((2, 2), math.nan), np.ones(2))


class TestMenon:
    def test_bayes_targets_never_vary_more_than_labels(self):
        for world in THEOREMS["risk_estimates"].worlds:
            found = THEOREMS["risk_estimates"].predict(world)
            assert found["bayes"] < found["labels"]

    def test_break_even(self):
        losses, bayes = np.array([[0.0, 1.0]]), np.array([[0.7, 0.3]])

        def at(rows, teacher):
            return theory.risk_estimates(losses, bayes, np.array([teacher]), rows=rows)

        rows = at(10, [0.5, 0.5]).break_even
        assert at(int(rows), [0.5, 0.5]).teacher <= at(int(rows), [0.5, 0.5]).labels
        assert at(int(rows) + 1, [0.5, 0.5]).teacher > at(int(rows) + 1, [0.5, 0.5]).labels
        assert at(10, [0.7, 0.3]).break_even is None

    @pytest.mark.parametrize(
        ("call", "text"),
        [
            (
                lambda: theory.risk_estimates(np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)), rows=5),
                "bayes holds rows that are no probabilities",
            ),
            (lambda: theory.risk_estimates(np.ones((2, 2)), np.ones((2, 3)), np.ones((2, 2)), rows=5), "give .k, C. three times"),
            (lambda: theory.risk_estimates(*[np.full((1, 1), math.nan)] * 3, rows=5), "holds NaN or an infinity"),
            (lambda: theory.risk_estimates(*[np.ones((1, 1))] * 3, rows=0), "rows=0: give at least 1"),
            (lambda: theory.regression_risk_estimates(np.ones(2), np.ones(3), 1.0, rows=5), r"error has shape \(2,\), shift \(3,\)"),
            (lambda: theory.regression_risk_estimates(np.ones(2), np.ones(2), -1.0, rows=5), "or noise=-1.0 is no variance"),
        ],
    )
    def test_errors(self, call, text):
        with pytest.raises(DataError, match=text):
            call()


class TestPareek:
    def test_as_many_rounds_as_eigenvalues_reach_the_oracle(self):
        rng = RNG(3)
        for _ in range(20):
            d, b = np.sort(rng.uniform(0.2, 4, 4))[::-1], rng.uniform(0, 5, 4)
            found = pareek_rounds(d, b, 1.0, ridge=float(rng.uniform(0.3, 3)), rounds=4)
            assert found.risks[-1] == pytest.approx(found.oracle, rel=1e-6)
            assert (np.diff(found.risks) <= 0).all()
            assert found.oracle <= found.best_ridge + 1e-12

    def test_it_is_the_least_risk(self):
        d, b = np.array([5.0, 3, 2, 1, 0.5]), np.array([8, 0, 0, 2.0, 0])
        found = pareek_rounds(d, b, 1.0, ridge=1.0, rounds=2)
        s = d / (d + 1)

        def at(c):
            return risk(s + s * ((1 - s) * c[0] + (1 - s) ** 2 * c[1]), b, 1.0)

        assert optimize.minimize(at, [0.0, 0.0], tol=1e-14).fun == pytest.approx(found.risks[-1], rel=1e-9)

    def test_equal_eigenvalues_cannot_be_told_apart(self):
        """Ridge, and every polynomial of it, treats them alike: the oracle is out of reach."""
        found = pareek_rounds([2.0, 2.0], [9.0, 0.0], 1.0, ridge=1.0, rounds=2)
        assert found.risks[-1] > found.oracle + 0.5

    def test_where_the_signal_lies_decides(self):
        d = np.arange(20.0, 0, -1)
        top = pareek_rounds(d, 20 * np.eye(20)[0], 1.0, ridge=1.0, rounds=1)
        assert top.best_ridge / top.oracle > 4
        assert tuned_ridge_risk(d, 3 * d, 1.0) == pytest.approx(oracle_risk(3 * d, 1.0), rel=1e-9)

    def test_weights_explode(self):
        found = [
            np.abs(pareek_rounds(np.arange(8.0, 0, -1), np.eye(8)[0] * 9, 1.0, ridge=1.0, rounds=k).coefficients).max() for k in (1, 3, 6)
        ]
        assert found[2] > 30 * found[1] > 30 * found[0]

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"rounds": 13}, "rounds=13: give a whole number from 1 to 12"),
            ({"ridge": 0.0}, "ridge=0.0: give a number above 0"),
            ({"signal": [0.0, 0.0], "noise": 0.0}, "signal and noise are 0: there is nothing to learn"),
        ],
    )
    def test_errors(self, changes, text):
        with pytest.raises(DataError, match=text):
            pareek_rounds(**({"eigenvalues": [2.0, 1.0], "signal": [1.0, 1.0], "noise": 1.0, "ridge": 1.0, "rounds": 2} | changes))


class TestRelabelling:
    def test_mixing_losses_is_mixing_targets(self):
        rng = RNG(4)
        y, teacher, f = rng.normal(size=(3, 50))
        for alpha in (-0.5, 0.0, 0.3, 1.0, 2.0):
            found = theory.relabelled(y, teacher, alpha)
            mixed = (1 - alpha) * (f - y) ** 2 + alpha * (f - teacher) ** 2
            assert mixed.mean() == pytest.approx(((f - found.targets) ** 2).mean() + found.constant, abs=1e-12)

    def test_on_absolute_errors_it_does_not_hold(self):
        """Only squares are relabelled: absolute errors of a mixture differ from those on a mixed label by what depends on f."""
        f = np.linspace(-3, 3, 7)
        difference = 0.5 * np.abs(f - 1) + 0.5 * np.abs(f + 1) - np.abs(f)
        assert np.ptp(difference) > 0.9

    def test_errors(self):
        with pytest.raises(DataError, match=r"y has shape \(2,\), teacher \(3,\)"):
            theory.relabelled(np.ones(2), np.ones(3), 0.5)
        with pytest.raises(DataError, match="y, teacher or alpha holds NaN"):
            theory.relabelled(np.ones(2), np.ones(2), math.nan)


def test_a_fixed_design_has_the_spectrum_and_the_signal_asked_for():
    x, mean = fixed_design(np.array([5.0, 2.0]), np.array([9.0, 4.0]), RNG(5))
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(x.T @ x)), [2, 5], atol=1e-12)
    left = np.linalg.svd(x, full_matrices=False)[0]
    np.testing.assert_allclose((left.T @ mean) ** 2, [9, 4], atol=1e-12)

"""τ against pairs written out, against worlds where it is known, and against whoever wants a number where there is none."""

import itertools

import numpy as np
import pytest

import kdprobe
from kdprobe import DataError, Measurement, Refusal
from kdprobe.measures.transfer.pairwise import placed, references, row_means, without_each


def by_pairs(student, teacher, twins, *, same=False):
    """Sums over pairs of twins, the slow way: those of different twins, or those of a twin with itself."""
    k = range(len(twins))
    pairs = [(i, i) for i in k] if same else list(itertools.permutations(k, 2))
    above = np.mean([np.sum((student - twins[i]) * (teacher - twins[j]), axis=-1) for i, j in pairs], axis=0)
    below = np.mean([np.sum((teacher - twins[i]) * (teacher - twins[j]), axis=-1) for i, j in pairs], axis=0)
    return above, below


def naive(student, teacher, twins):
    return by_pairs(student, teacher, twins, same=True)


def left_out(student, teacher, against):
    """The mean over rows without each twin."""
    return without_each(row_means(student, teacher, against), placed(student, against).crossed + placed(teacher, against).crossed, against)


def functions(rng, *models, rows=300, features=8):
    """Linear models of given spread round one mean, as what they say on the same rows."""
    x, mean = rng.normal(size=(rows, features)), rng.normal(size=features)
    return x, mean, [mean + sd * rng.normal(size=features) for sd in models]


def test_pairs_are_never_formed_and_the_sums_are_theirs():
    rng = np.random.default_rng(0)
    student, teacher, *twins = rng.normal(size=(7, 40, 3)) + 2
    above, below = by_pairs(student, teacher, twins)
    against = references(twins)
    np.testing.assert_allclose(row_means(student, teacher, against), above, atol=1e-12)
    np.testing.assert_allclose(row_means(teacher, teacher, against), below, atol=1e-12)
    each = [by_pairs(student, teacher, twins[:i] + twins[i + 1 :])[0].mean() for i in range(5)]
    np.testing.assert_allclose(left_out(student, teacher, against), each, atol=1e-12)
    found = kdprobe.transfer_coefficient(student, teacher, twins)
    assert found.value == pytest.approx(above.sum() / below.sum(), abs=1e-12)
    assert found.details["own"] == found.value
    assert found.details["numerator"] == pytest.approx(above.mean())
    assert found.details["denominator"] == pytest.approx(below.mean())
    assert any("without siblings this is no transfer" in note for note in found.notes)


def least_squares(rng, draws, features, rows, truth, noise):
    """Coefficients (draws, all features) of least squares on the first so many features, each on rows of its own."""
    x = rng.normal(size=(draws, rows, len(truth)))
    y = x @ truth + noise * rng.normal(size=(draws, rows))
    seen = x[:, :, :features]
    fitted = np.linalg.solve(np.einsum("dnp,dnq->dpq", seen, seen), np.einsum("dnp,dn->dp", seen, y)[..., None])[..., 0]
    return np.pad(fitted, ((0, 0), (0, len(truth) - features)))


@pytest.mark.slow
@pytest.mark.parametrize("projected", [False, True])
def test_the_known_answer_of_nested_least_squares_and_the_naive_estimator_that_misses_it(projected):
    """S = (1 - α)·W' + α·T has τ = α within .02, pooled over 40,000 draws: with T whole, or both on the student's features."""
    rng, draws, p, q = np.random.default_rng(1), 40_000, 2, 4
    truth, noise = np.array([1.0, -0.8, 0.7, 0.5, 0.4]), 0.7
    extra, *twins = (least_squares(rng, draws, p, 24, truth, noise) for _ in range(4))
    teacher = least_squares(rng, draws, q, 12, truth, noise)
    if projected:
        # of independent features the projection drops those that the student has not
        teacher = np.where(np.arange(len(truth)) < p, teacher, 0.0)
    # inputs are N(0, I): inner products of functions are those of their coefficients
    against = references([twin[:, None, :] for twin in twins])
    below = row_means(teacher[:, None, :], teacher[:, None, :], against)[:, 0]
    for alpha in (0.0, 0.25, 0.5, 0.75):
        student = (1 - alpha) * extra + alpha * teacher
        above = row_means(student[:, None, :], teacher[:, None, :], against)[:, 0]
        error = np.std(above - alpha * below) / below.mean() / np.sqrt(draws)
        assert error < 0.02 / 3
        assert above.mean() / below.mean() == pytest.approx(alpha, abs=0.02), alpha
        wrong, under = (part.mean() for part in naive(student, teacher, twins))
        assert abs(wrong / under - alpha) > 0.02, alpha


def test_one_more_twin_has_a_numerator_of_nothing_on_average():
    """Its mean over 4,000 extra twins is 0 within its own error, where the naive one is many errors away."""
    rng = np.random.default_rng(2)
    truth = np.array([1.0, -0.8, 0.7, 0.5])
    extra, *twins = (least_squares(rng, 4000, 2, 12, truth, 0.7) for _ in range(5))
    teacher = least_squares(rng, 4000, 3, 30, truth, 0.7)
    above = row_means(extra[:, None], teacher[:, None], references([twin[:, None] for twin in twins]))[:, 0]
    wrong = naive(extra, teacher, twins)[0]
    assert abs(above.mean()) < 3 * above.std() / np.sqrt(4000)
    assert wrong.mean() > 20 * wrong.std() / np.sqrt(4000)


def test_twins_that_take_turns_are_no_null():
    """Leave-one-out τ, averaged over all roles, is 0 by algebra: below any that an untaught twin really has."""
    rng = np.random.default_rng(3)
    sizes = []
    for _ in range(50):
        x, _, models = functions(rng, 1.0, *[0.5] * 7)
        teacher, extra, *twins = (x @ one for one in models)
        turns = []
        for i in range(6):
            others = references([twin[:, None] for twin in twins[:i] + twins[i + 1 :]])
            turns.append(row_means(twins[i][:, None], teacher[:, None], others).mean())
        fresh = row_means(extra[:, None], teacher[:, None], references([twin[:, None] for twin in twins])).mean()
        sizes.append((abs(np.mean(turns)), abs(fresh)))
    by_turns, really = np.median(sizes, axis=0)
    assert by_turns < 1e-12 < 0.05 < really


def cover(reps, k, siblings, alpha=0.5):
    """How often the interval holds the value on endless rows and twins, and the null's p are below .05."""
    hits, p = [], []
    for seed in range(reps):
        rng = np.random.default_rng(seed)
        x, mean, (teacher, extra, *others) = functions(rng, 1.0, 0.4, *[0.4] * k, *[1.0] * siblings)
        student = (1 - alpha) * extra + alpha * teacher
        says = [(x @ one)[:, None] for one in (student, teacher, *others)]
        found = kdprobe.transfer_coefficient(says[0], says[1], says[2 : 2 + k], siblings=says[2 + k :] or None)
        # siblings lie anywhere round the twins' mean: toward them the student moved nowhere, on average
        true = (student - mean) @ (teacher - mean) / ((teacher - mean) @ (teacher - mean))
        if isinstance(found, Measurement):
            hits.append(found.low <= true <= found.high)
            p.append(found.details.get("p", 1.0))
    return np.mean(hits), np.mean(np.array(p) < 0.05), len(hits)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "siblings"), [(3, 0), (10, 0), (10, 6)])
def test_intervals_cover_new_rows_twins_and_siblings(k, siblings):
    share, _, n = cover(200, k, siblings)
    assert n > 120
    assert share > 0.95 - 3 * np.sqrt(0.05 * 0.95 / n)


@pytest.mark.slow
@pytest.mark.parametrize("siblings", [0, 4])
def test_the_null_calls_untaught_twins_taught_as_often_as_it_says(siblings):
    _, false, n = cover(200, 12, siblings, alpha=0.0)
    assert abs(false - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n)
    _, power, _ = cover(60, 12, siblings)
    assert power > 0.5


def test_a_twin_that_is_drawn_twice_meets_itself():
    """Why twins are left out and never drawn with replacement: the noise of a twin that is there twice is back."""
    rng = np.random.default_rng(5)
    x, _, (teacher, extra, *twins) = functions(rng, 1.0, 0.8, *[0.8] * 5, rows=2000)
    says = [(x @ one)[:, None] for one in twins]
    own = row_means((x @ extra)[:, None], (x @ teacher)[:, None], references(says)).mean()
    drawn = [
        row_means((x @ extra)[:, None], (x @ teacher)[:, None], references([says[i] for i in rng.integers(0, 5, 5)])).mean()
        for _ in range(400)
    ]
    # each pair of one twin adds its variance: a fifth of it on average, in units of the noise of 8 features
    assert np.mean(drawn) - own > 0.5 * 0.8**2 * 8 / 5
    left = left_out((x @ extra)[:, None], (x @ teacher)[:, None], references(says))
    assert np.mean(left) == pytest.approx(own, abs=1e-9)


def test_with_siblings_the_value_is_what_is_this_teachers_alone():
    rng = np.random.default_rng(4)
    x, _, (teacher, extra, *others) = functions(rng, 1.0, 0.3, *[0.3] * 6, *[1.0] * 3)
    models = [(x @ one)[:, None] for one in (0.5 * extra + 0.5 * teacher, teacher, *others)]
    student, teacher, twins, siblings = models[0], models[1], np.stack(models[2:8]), np.stack(models[8:])
    found = kdprobe.transfer_coefficient(student, teacher, twins, siblings=siblings)
    own = kdprobe.transfer_coefficient(student, teacher, twins)
    toward = [kdprobe.transfer_coefficient(student, sibling, twins).value for sibling in siblings]
    assert found.details["own"] == pytest.approx(own.value)
    assert found.details["siblings"] == pytest.approx(np.mean(toward))
    assert found.value == pytest.approx(own.value - np.mean(toward))
    assert found.details["error_siblings"] == pytest.approx(np.std(toward, ddof=1) / np.sqrt(3))
    one = kdprobe.transfer_coefficient(student, teacher, twins, siblings=siblings[:1])
    assert any("one sibling" in note for note in one.notes)
    itself = kdprobe.transfer_coefficient(teacher, teacher, twins)
    assert itself.value == pytest.approx(1)


def test_held_out_twins_are_the_null_and_without_any_a_note_says_so():
    rng = np.random.default_rng(6)
    x, _, (teacher, extra, *twins) = functions(rng, 1.0, 0.3, *[0.3] * 9)
    says = [(x @ one)[:, None] for one in (extra, teacher, *twins)]
    found = kdprobe.transfer_coefficient(says[0], says[1], says[2:7], held_out=says[7:])
    against = references(says[2:7])
    below = row_means(says[1], says[1], against).sum()
    null = [row_means(one, says[1], against).sum() / below for one in says[7:]]
    assert found.details["null_mean"] == pytest.approx(np.mean(null))
    assert found.details["null_sd"] == pytest.approx(np.std(null, ddof=1))
    assert found.details["null_twins"] == 4
    assert 0 < found.details["p"] < 1
    without = kdprobe.transfer_coefficient(says[0], says[1], says[2:7])
    assert "p" not in without.details
    assert any(note.startswith("no p: give held_out=") for note in without.notes)
    assert without.value == found.value
    set_apart = kdprobe.transfer_coefficient(says[0], says[1], says[2:8])
    assert set_apart.details["null_twins"] == 3


def test_blocks_shifts_and_scales():
    rng = np.random.default_rng(7)
    x, _, (teacher, extra, *twins) = functions(rng, 1.0, 0.3, *[0.3] * 4)
    says = np.stack([(x @ one)[:, None] for one in (0.6 * extra + 0.4 * teacher, teacher, *twins)])
    found = kdprobe.transfer_coefficient(says[0], says[1], says[2:])
    for other in (says + 1e6, says * 1e140, says * 1e-200):
        same = kdprobe.transfer_coefficient(other[0], other[1], other[2:])
        assert (same.value, same.low, same.high) == pytest.approx((found.value, found.low, found.high), abs=1e-6)
    doubled = np.repeat(says, 2, axis=1)
    paired = kdprobe.transfer_coefficient(doubled[0], doubled[1], doubled[2:], blocks=np.arange(600) // 2)
    assert paired.n == 300
    assert paired.details["error_rows"] == pytest.approx(found.details["error_rows"], rel=1e-6)


def say(rng, *shape):
    return rng.normal(size=shape)


def test_too_few_twins_and_a_teacher_that_is_one_of_them_are_refused():
    rng = np.random.default_rng(8)
    student, teacher, *twins = say(rng, 6, 50, 2)
    for k in (1, 2):
        found = kdprobe.transfer_coefficient(student, teacher, twins[:k])
        assert isinstance(found, Refusal)
        assert found.reason == f"{k} twin{'s' if k > 1 else ''}: pairs of different twins and their spread need 3"
        assert "give 3 or more, trained as the student" in found.advice
    held = kdprobe.transfer_coefficient(student, teacher, twins[:3], held_out=twins[3:])
    assert held.reason == "1 held-out twins have no spread to tell"
    x, _, (one_more, extra, *others) = functions(rng, 0.3, 0.3, *[0.3] * 4)
    near = kdprobe.transfer_coefficient(*((x @ one)[:, None] for one in (extra, one_more)), [(x @ one)[:, None] for one in others])
    assert isinstance(near, Refusal)
    assert near.reason.startswith("the teacher is not distinguishably apart from the untaught twins")
    assert "more rows, more twins, or a teacher that knows more" in near.advice
    constant = kdprobe.transfer_coefficient(np.zeros((50, 1)), np.full((50, 1), 2.0), [np.full((50, 1), c) for c in (0.1, 0.2, 0.3)])
    assert isinstance(constant, Measurement)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: m | {"twins": m["twins"][0]}, r"twins\[0\] has shape \(2, 1\), student \(50, 2\)"),
        (lambda m: m | {"twins": []}, "twins is empty"),
        (lambda m: m | {"siblings": []}, "siblings is empty: give an array .* or None where there are none"),
        (lambda m: m | {"twins": [*m["twins"], m["twins"][1]]}, r"twins\[1\] and twins\[4\] give the same outputs on every row"),
        (lambda m: m | {"twins": [*m["twins"], m["student"]]}, r"student and twins\[4\] give the same outputs"),
        (lambda m: m | {"siblings": [m["teacher"]]}, r"teacher and siblings\[0\] give the same outputs"),
        (lambda m: m | {"held_out": m["twins"][:3]}, r"twins\[0\] and held_out\[0\] give the same outputs"),
        (lambda m: m | {"teacher": np.full((50, 2), np.nan)}, "teacher holds NaN or an infinity, first in row 0"),
        (lambda m: m | {"teacher": np.full((50, 2), 0.5)}, "the rows of teacher are probabilities, those of student are not"),
        (lambda m: m | {"teacher": 1e200 * m["teacher"]}, "teacher: outputs reach .* rescale"),
        (lambda m: m | {"blocks": np.zeros(3)}, r"blocks has shape \(3,\)"),
    ],
)
def test_what_cannot_be_read_is_told_by_name(change, text):
    student, teacher, *twins = say(np.random.default_rng(9), 6, 50, 2)
    models = change({"student": student, "teacher": teacher, "twins": twins})
    with pytest.raises(DataError, match=text):
        kdprobe.transfer_coefficient(models.pop("student"), models.pop("teacher"), models.pop("twins"), **models)


def test_logits_that_pass_for_predictions_have_a_note_and_probabilities_have_none():
    rng = np.random.default_rng(10)
    logits = say(rng, 7, 80, 3) + 2 * say(rng, 80, 3)
    logits[1] += 3 * say(rng, 80, 3)
    chances = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    read, right = (kdprobe.transfer_coefficient(m[0], m[1], m[2:]) for m in (logits, chances))
    assert any("not logits" in note for note in read.notes)
    assert not any("not logits" in note for note in right.notes)
    with_torch = pytest.importorskip("torch").from_numpy(chances)
    assert kdprobe.transfer_coefficient(with_torch[0], with_torch[1], with_torch[2:]).value == pytest.approx(right.value)

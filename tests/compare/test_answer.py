"""The answer of a comparison: one sentence for each combination of judgements, no stronger than they are, and what would change it."""

import ast
import dataclasses
import itertools
import re

import numpy as np
import pytest

import kdprobe
from kdprobe.compare import compare
from kdprobe.compare.answer.following import following
from kdprobe.compare.answer.found import answer, helped, own
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 300)
TEACHER, *SIBLINGS = (2 * np.eye(3)[Y] + RNG.normal(size=(300, 3)) for _ in range(5))
STUDENT = TEACHER + 0.5 * RNG.normal(size=(300, 3))
TWINS = [2 * np.eye(3)[Y] + RNG.normal(size=(300, 3)) for _ in range(4)]

UP, DOWN, NONE, ROWS_DOWN, ROWS_UP = "up", "down", "none", "down on these rows", "up on these rows"
POINTS = {UP: 0.1, DOWN: -0.1, NONE: 0.001, ROWS_DOWN: -0.1, ROWS_UP: 0.1}


def found(what, *, twins=4, siblings=0, seeds=0):
    """A difference: beyond chance, within new rows' reach, or beyond these but within one more network's."""
    value, wide = POINTS[what], what in (ROWS_DOWN, ROWS_UP)
    spread = {"twins": float(twins), "twin_sd": 0.2 if wide else 0.001, "siblings": float(siblings), "sibling_sd": 0.2 if wide else 0.001}
    n = seeds or 500
    return Measurement(value=value, low=value - 0.01, high=value + 0.01, n=n, unit="", details={} if seeds else spread)


def comparison(loss=NONE, accuracy=NONE, specific=NONE, *, raw=NONE, twins=4, siblings=4, seeds=0, **options):
    """A comparison with the gains and the one likeness given."""
    count = {"twins": twins, "siblings": siblings, "seeds": seeds}
    gains = {"gain": raw, "gain_calibrated": loss, "gain_second": accuracy}
    results = {name: {"panel": found(what, twins=twins, seeds=seeds)} for name, what in gains.items() if twins}
    results["agreement_top1"] = {"own": found(UP, seeds=seeds)}
    if twins:
        results["agreement_top1"] |= {key: found(NONE, twins=twins, seeds=seeds) for key in ("baseline", "difference", "placebo")}
    if siblings or seeds:
        results["agreement_top1"] |= {"contrast": found(NONE, seeds=seeds)} | ({"specific": found(specific, **count)} if twins else {})
    return kdprobe.Comparison(
        kind="classification", task="classification", n=500, seeds=seeds, results=results, probes=available("probes"),
        **{
            "twins": tuple(f"twin {i}" for i in range(twins)), "siblings": tuple(f"sibling {i}" for i in range(siblings)),
            "scores": {"teacher": {"accuracy": found(UP), "loss at its own temperature": found(UP)}},
        } | options,
    )  # fmt: skip


CASES = [
    (UP, UP, "helped", "Teaching helped this student: against its twins' mean, its loss at its own best temperature is 0.10"),
    (UP, NONE, "helped", "Teaching helped this student: against its twins' mean, its loss at its own best temperature is 0.10"),
    (NONE, UP, "helped", "Teaching helped this student: against its twins' mean, its accuracy is 10.0 points [9.0, 11.0] higher."),
    (DOWN, DOWN, "hurt", "Teaching hurt this student: against its twins' mean, its loss at its own best temperature is 0.10"),
    (NONE, DOWN, "hurt", "Teaching hurt this student: against its twins' mean, its accuracy is 10.0 points [9.0, 11.0] lower."),
    (UP, DOWN, "both", "Teaching helped this student, in loss at its own best temperature, and hurt in accuracy: against"),
    (DOWN, UP, "both", "Teaching helped this student, in accuracy, and hurt in loss at its own best temperature: against"),
    (NONE, NONE, "not shown", "No help from teaching is shown: against its twins' mean, its loss"),
    (ROWS_UP, NONE, "not shown", "No help from teaching is shown: against its twins' mean, its loss"),
    (
        NONE,
        ROWS_DOWN,
        "not shown",
        "Neither help nor harm from teaching is shown: against its twins' mean, its accuracy is 10.0 points",
    ),
    # what is shown is said, what is not is not
    (UP, ROWS_DOWN, "helped", "Teaching helped this student: against its twins' mean, its loss at its own best temperature is 0.10"),
]
# one more twin is no question of several seeds
OF_SEEDS = [case for case in CASES if not {ROWS_UP, ROWS_DOWN} & set(case)]


@pytest.mark.parametrize(
    ("seeds", "loss", "accuracy", "word", "says"), [*((0, *case) for case in CASES), *((8, *case) for case in OF_SEEDS)]
)
def test_whether_it_helped(seeds, loss, accuracy, word, says):
    one = comparison(loss, accuracy, twins=seeds or 4, seeds=seeds)
    said = says
    if seeds:
        said = says.replace("this student", "these 8 students, on average").replace(
            "its twins' mean, its", "their twins, seed by seed, their"
        )
    assert helped(one).word == word
    assert answer(one).startswith(said), answer(one)
    assert one.answer == answer(one)


def test_help_in_one_measure_does_not_hide_what_may_be_harm_in_another():
    end = "; but its accuracy is 10.0 points [9.0, 11.0] lower, though no more than new rows or one more twin would give."
    assert answer(comparison(UP, ROWS_DOWN)).endswith(end)
    assert "; but" not in answer(comparison(UP, NONE)) + answer(comparison(UP, ROWS_UP)) + answer(comparison(UP, DOWN))


def test_a_lower_raw_loss_is_no_help_of_a_classifier():
    assert helped(comparison(raw=UP)).word == "not shown"
    assert helped(comparison(raw=DOWN, loss=UP)).word == "helped"


def test_no_help_names_a_teacher_that_had_nothing_to_give():
    end = "; nor is its teacher shown to be better than twins."
    assert answer(comparison(lead=found(DOWN))).endswith(end)
    assert answer(comparison(lead=found(NONE))).endswith(end)
    assert not answer(comparison(lead=found(UP))).endswith(end)


@pytest.mark.parametrize(
    ("options", "word", "says"),
    [
        ({"twins": 0}, "not known", "Whether teaching helped is not known: no twin was given"),
        ({"scores": {}}, "not known", "Whether teaching helped is not known: without labels of these rows no model can be scored."),
        ({"scores": {}, "kind": "regression"}, "not known", "Whether teaching helped is not known: without true values of these rows"),
        ({"twins": 1}, "too few", "one twin cannot tell how far the next one would lie off."),
        ({"twins": 2}, "too few", "2 twins cannot tell how far the next one would lie off."),
        ({"twins": 4, "seeds": 4}, "too few", "of 4 seeds that is a direction only, below 8 no word is given."),
    ],
)
def test_what_was_not_given_is_not_judged(options, word, says):
    kind = options.pop("kind", "classification")
    one = dataclasses.replace(comparison(UP, UP, UP, **options), kind=kind)
    assert helped(one).word == word
    assert says in answer(one)
    assert "Teaching helped" not in answer(one)


def test_gains_that_were_refused_are_not_judged():
    one = comparison(UP)
    refused = {name: {"panel": Refusal(reason="infinite")} if "panel" in each else each for name, each in one.results.items()}
    assert answer(dataclasses.replace(one, results=refused)).endswith("not known: what it gained could not be measured.")


@pytest.mark.parametrize(
    ("specific", "options", "word", "says"),
    [
        (UP, {}, "yes", "Yes, in part: by 1 of 1 measure it is nearer to its own teacher than to its 4 sibling teachers, by more than"),
        (NONE, {}, "not shown", "Not shown: by none of 1 measure is it nearer"),
        (ROWS_UP, {}, "not shown", "Not shown: by none of 1 measure is it nearer"),
        (DOWN, {}, "not shown", "; by 1 it is further from it."),
        (UP, {"siblings": 0}, "not known", "Not known: only sibling teachers, of the same recipe from other seeds, can tell."),
        (UP, {"siblings": 2}, "too few", "Not known: 2 siblings and 4 twins are too few to tell."),
        (UP, {"siblings": 1, "twins": 1}, "too few", "Not known: 1 sibling and 1 twin are too few to tell."),
        (UP, {"twins": 0}, "not known", "Not known: without twins a network that nobody taught may prefer this teacher as much."),
        (UP, {"unfit": ("sibling 1",)}, "not known", "Not known: sibling 1 is no fit sibling."),
        (UP, {"unfit": ("sibling 1", "sibling 2")}, "not known", "Not known: sibling 1 and sibling 2 are no fit sibling."),
        (UP, {"seeds": 8, "twins": 8, "siblings": 0}, "yes", "nearer to its own teacher than to the 7 other teachers of the recipe"),
        (UP, {"seeds": 4, "siblings": 0}, "too few", "Not known: 4 seeds are too few to tell."),
    ],
)
def test_whether_it_is_this_teachers_own(specific, options, word, says):
    found = own(comparison(UP, UP, specific, **options))
    assert found.word == word
    assert says in found.says


def test_own_where_nothing_was_measured_or_twins_show_it_too():
    one = comparison(UP)
    likeness = {key: value for key, value in one.results["agreement_top1"].items() if key != "specific"}
    assert "was not measured" in own(dataclasses.replace(one, results={**one.results, "agreement_top1": likeness})).says
    several = comparison(UP, UP, UP, seeds=8, twins=8)
    likeness = {**several.results["agreement_top1"], "placebo": found(UP, seeds=8)}
    unsound = own(dataclasses.replace(several, results={**several.results, "agreement_top1": likeness}))
    assert unsound.word == "not shown"
    assert unsound.says.endswith("; on 1 no word stands, as twins show it too.")


def test_no_answer_contradicts_the_full_text():
    """Over all combinations: harm is called harm in both places, and what is transferred in one is in the other."""
    kinds = (UP, DOWN, NONE, ROWS_DOWN, ROWS_UP)
    counts = [{}, {"twins": 0}, {"twins": 1}, {"siblings": 0}, {"siblings": 2}, {"seeds": 4}, {"seeds": 8}, {"unfit": ("sibling 1",)}]
    seen = set()
    for loss, accuracy, specific, options in itertools.product(kinds, kinds, (UP, DOWN, ROWS_UP), counts):
        one = comparison(loss, accuracy, specific, **options)
        seen.add((helped(one).word, own(one).word))
        assert ("Warning: the student is worse" in one.sentence) == (helped(one).word in ("hurt", "both")), one
        assert ("Transferred from this very teacher" in one.sentence) == (own(one).word == "yes"), one
        if helped(one).word == "not shown":
            assert "None of that is more than" in one.sentence or "That is no more than" in one.sentence
        assert answer(one).count(". ") == 0
        assert answer(one).endswith(".")
    assert len(seen) > 15


def test_a_warning_comes_first_and_leaves_the_answer_its_condition():
    one = comparison(UP, UP, UP, warnings=("student gives something odd.",))
    assert answer(one).startswith(
        "Warning: student gives something odd. With the models as they are given, teaching helped this student: against"
    )
    two = dataclasses.replace(one, warnings=("first.", "second.", "third."))
    assert answer(two).startswith("Warning: first. (2 more below.) With the models")


@pytest.mark.parametrize(
    ("one", "why", "command", "cost"),
    [
        (comparison(warnings=("w",)), "put right what the warning names", "twins=twins, siblings=siblings)", "no training"),
        (comparison(warnings=("w",), unfit=("sibling 1",)), "put right what", "siblings=siblings)", "1 network of the teacher's kind"),
        (comparison(twins=0, siblings=0), "3 twins, trained without", "twins=kdprobe.train_twins(build, fit, train, seeds=3))", "3 net"),
        (comparison(twins=0, seeds=8), "8 twins, trained without the teacher, one for each student", "seeds=8)", "8 networks"),
        (comparison(scores={}), "labels of these rows", "(teacher, student, (x, y), task=", "targets of 500 rows, no training"),
        (comparison(seeds=5), "8 seeds of teacher, student and twin are enough for a word", "teachers=teachers", "9 networks"),
        (comparison(twins=2), "3 twins show", "twins=[*twins, *more_twins]", "1 network of the student's kind"),
        (comparison(siblings=0), "3 siblings", "siblings=kdprobe.train_twins(build, fit, train, seeds=3)", "3 networks"),
        (comparison(siblings=1), "3 siblings", "siblings=[*siblings, *more_siblings]", "2 networks of the teacher's kind"),
        # the doubt that is left: rows, one more twin, one more sibling
        (comparison(), "twice the rows (1,000)", "(teacher, student, more_data, task=", "500 more rows that no model was trained on"),
        (comparison(ROWS_UP), "8 twins show more surely", "twins=[*twins, *more_twins]", "4 networks of the student's kind"),
        (comparison(ROWS_UP, twins=9), "8 seeds of teacher, student and twin tell apart what one more twin", "students=students", "7 more"),
        (comparison(UP, UP, NONE), "twice the rows", "more_data", "500 more rows"),
        (comparison(UP, UP, ROWS_UP, siblings=3), "6 siblings show more surely", "siblings=[*siblings, *more_siblings]", "3 networks"),
        (comparison(NONE, NONE, seeds=8), "16 seeds", "students=students", "8 more of each, 24 networks"),
        # all is answered of these weights
        (comparison(UP, UP, UP), "8 seeds of teacher, student and twin tell whether the recipe does so", "teachers=", "7 more of each, 21"),
        (comparison(DOWN, DOWN, UP), "8 seeds", "teachers=teachers, students=students, twins=twins, data=data", "21 networks"),
    ],
)  # fmt: skip
def test_what_would_change_the_answer(one, why, command, cost):
    then = following(one)
    assert then.why.startswith(why)
    assert command in then.command
    assert cost in then.cost
    ast.parse(then.command)  # it can be run where the names are known


def test_nothing_is_left_to_ask_of_a_recipe_that_is_answered():
    one = comparison(UP, UP, UP, seeds=8)
    assert following(one) is None
    assert "Next:" not in str(one)
    assert "Next:" not in one._repr_html_()


def test_the_call_is_of_the_kind_that_was_given():
    given = dataclasses.replace(comparison(twins=0), task="multilabel")
    assert 'task="multilabel"' in following(given).command
    assert 'task="classification"' in following(dataclasses.replace(given, task='a "task" of one\'s own')).command


def test_text_and_notebook_say_it_first_then_the_scores_then_the_measures():
    one = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS, siblings=SIBLINGS)
    text = " ".join(str(one).split())
    order = [one.answer, "This teacher's own knowledge?", "Next: ", "loss at its own temperature", "Against its twins' mean, the student's"]
    order += ["The student names the teacher's class", "KL(teacher"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    html = re.sub(r"\s+", " ", one._repr_html_())
    bold = html[html.index("<strong>") + 8 : html.index("</strong>")]
    assert bold.replace("&#x27;", "'") == one.answer.partition(": ")[0]
    assert html.index("</strong>") < html.index("<code>kdprobe.compare(") < html.index("Scores of each model") < html.index("Similarity to")

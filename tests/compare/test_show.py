"""How a comparison reads: text, HTML, table, sentence."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from torch import nn

import kdprobe
from kdprobe.compare import compare
from kdprobe.compare.comparison import Comparison
from kdprobe.core.errors import DataError, PlanError
from kdprobe.core.probe import KnownAnswer, Probe
from kdprobe.core.registry import available
from kdprobe.core.result import Measurement, Refusal

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 300)
TEACHER = np.eye(3)[Y] + RNG.normal(size=(300, 3))
STUDENT = TEACHER + 0.5 * RNG.normal(size=(300, 3))
TWINS = [np.eye(3)[Y] + RNG.normal(size=(300, 3)) for _ in range(3)]


class Checker(HTMLParser):
    """Fails on markup that is not closed in order; keeps the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(html):
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    return checker


def test_the_sentence_without_twins_says_what_cannot_be_concluded():
    sentence = compare(TEACHER, STUDENT, (None, Y), task="classification").sentence
    assert re.match(r"The student names the teacher's class on \d\d % \[\d\d, \d\d\] of 300 rows\.", sentence)
    assert "That is similarity, not transfer: networks that never saw the teacher can be as similar" in sentence
    assert "Pass twins=, the student's network trained on the same rows without the teacher (three or more)" in sentence
    assert "Intervals are over rows, for these weights: they do not cover another training run." in sentence
    assert "twins, which" not in sentence


def test_the_sentence_with_twins_names_baseline_difference_gain_and_limits():
    sentence = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS).sentence
    assert "The 3 twins, which never saw the teacher, reach" in sentence
    assert re.search(r"a difference of −?\d+ points \[", sentence)
    assert "Against its twins' mean, the student's loss is" in sentence
    assert (
        "Only sibling teachers, the same recipe from other seeds, can tell: pass 3 or more as siblings=, or see `kdprobe sweep`."
        in sentence
    )
    one = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS[:1]).sentence
    assert "The twin, which never saw the teacher, reaches" in one
    assert "one twin cannot tell how much one untaught network differs from the next: pass three or more." in one


def comparison(difference, **options):
    """A comparison of one probe with the difference given."""
    results = {
        "own": difference,
        "twin 1": difference,
        "twin 2": difference,
        "twin 3": difference,
        "baseline": difference,
        "difference": difference,
    }
    options = {"task": "classification", "twins": ("twin 1", "twin 2", "twin 3")} | options
    probes = available("probes")
    return Comparison(kind="classification", n=100, results={"agreement_top1": results}, probes=probes, **options)


@pytest.mark.parametrize(
    ("value", "low", "high", "sd", "text"),
    [
        (0.1, 0.05, 0.15, 0.001, "That is more than new rows or one more twin (±0.5 points at 95 %) would give."),
        (-0.1, -0.15, -0.05, 0.001, "That is less than new rows or one more twin (±0.5 points at 95 %) would give."),
        (
            0.1,
            0.05,
            0.15,
            0.05,
            "That is within the reach of one more twin (±25 points at 95 %): the student may be more like the teacher by chance",
        ),
        (
            0.1,
            -0.05,
            0.25,
            0.001,
            "On new rows the difference may as well be zero: by this measure nothing shows that teaching made the student",
        ),
    ],
)
def test_the_sentence_is_no_stronger_than_rows_and_twins_allow(value, low, high, sd, text):
    found = Measurement(value=value, low=low, high=high, n=20, details={"twins": 3.0, "twin_sd": sd})
    assert text in comparison(found).sentence


def test_the_sentence_falls_back_to_what_could_be_measured():
    constant = compare(np.tile([1.0, 0.0], (50, 1)), TEACHER[:50, :2], (None, Y[:50] % 2), task="classification")
    assert constant.sentence.startswith("The student names the teacher's class on")
    regression = compare(TEACHER, STUDENT, None, task="regression").sentence
    assert regression.startswith("The student's predictions reach an R² of 0.7")
    refused = comparison(Refusal(reason="too few rows"), twins=()).sentence
    assert refused.startswith("On 100 rows no similarity of student and teacher could be measured: too few rows.")
    assert (
        "What twins have of it could not be measured"
        in dataclasses.replace(
            comparison(Measurement(value=0.1, low=0.0, high=0.2, n=3)),
            results={
                "agreement_top1": {
                    "own": Measurement(value=0.1, low=0.0, high=0.2, n=3),
                    "baseline": Refusal(reason="constant"),
                    "difference": Refusal(reason="constant"),
                }
            },
        ).sentence
    )


def test_the_frame_is_tidy():
    frame = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS).to_frame()
    assert list(frame.columns) == [
        "probe", "comparison", "model", "against", "value", "low", "high", "n", "unit", "status", "reason", "estimand", "title",
    ]  # fmt: skip
    assert not frame.duplicated(["probe", "comparison"]).any()
    agreement = frame[frame["probe"] == "agreement_top1"].set_index("comparison")
    assert list(agreement.index) == ["own", "twin 1", "twin 2", "twin 3", "baseline", "difference"]
    assert agreement.loc["twin 2", ["model", "against"]].tolist() == ["twin 2", "teacher"]
    assert agreement.loc["difference", ["model", "against"]].tolist() == ["student", "twins"]
    refused = frame[frame["status"] == "refused"]
    assert refused["value"].isna().all()
    assert refused["reason"].notna().all()
    measured = frame[frame["status"] != "refused"]
    assert np.isfinite(measured[["value", "low", "high"]]).all(axis=None)
    assert set(measured["estimand"]) == {"this checkpoint"}


def test_text_and_html_show_every_probe_and_every_refusal():
    found = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS)
    text, page = str(found), parsed(found._repr_html_())
    for name, probe in found.probes.items():
        assert probe.title in text, name
        assert probe.title in page.text, name
    for shown in (text, " ".join(page.text)):
        assert "student has no hidden layer" in shown
        assert "Outputs are read by their numbers" in shown
    assert max(map(len, text.splitlines())) <= 125
    assert {"script", "img", "link"}.isdisjoint(page.tags)
    without = compare(TEACHER, STUDENT, (None, Y), task="classification")
    assert "Gain" not in str(without)
    assert "Gain" not in without._repr_html_()


def test_html_is_escaped():
    attack = '<img src=x onerror="alert(1)">'

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict({attack.replace(".", ""): nn.Linear(3, 4)})
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.parts[attack](x))

    found = compare(Odd(), Odd(), (TEACHER, Y), task="classification", layers="parts.*")
    attacked = dataclasses.replace(
        found,
        task=attack,
        notes=(attack,),
        results={"a": {"own": Refusal(reason=attack, advice=attack)}},
        probes={
            "a": Probe(
                name="a",
                title=attack,
                asks=attack,
                measure=lambda *a: None,
                cites="",
                truths=(KnownAnswer(name="", make=lambda rng: (), value=0.0),),
            )
        },
    )
    page = parsed(attacked._repr_html_())
    assert "img" not in page.tags
    assert any("onerror" in text for text in page.text)


def test_layers_and_what_was_done_with_space_are_named():
    class Convolutional(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(1, 4, 2), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.conv(x).relu().mean(dim=(2, 3)))

    x = RNG.normal(size=(50, 1, 4, 4))
    found = compare(Convolutional(), Convolutional(), (x, Y[:50]), task="classification", layers={"teacher": "conv"})
    assert found.layers == {"teacher": {"conv": "gap over axes 2, 3"}, "student": {"head:input": "none"}}
    assert "Hidden layers of teacher: conv (gap over axes 2, 3)." in str(found)
    flat = compare(Convolutional(), Convolutional(), (x, Y[:50]), task="classification", layers="conv", spatial="flatten")
    assert flat.layers["student"] == {"conv": "flatten"}


def test_it_is_frozen_and_public():
    found = kdprobe.compare(TEACHER, STUDENT, None, task="classification")
    assert type(found).__name__ == "Comparison"
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.n = 3


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"task": "clasification"}, "task='clasification' is unknown: did you mean 'classification'"),
        ({"task": 3}, "task=3 is unknown: give one of classification, multilabel, regression, or a Task"),
        ({"spatial": "positions"}, "spatial='positions': give one of flatten, gap"),
        ({"forward": "encode"}, r"forward is a str: give a function forward\(model, batch\) -> outputs"),
        ({"layers": 3}, "layers=3: give a name, a glob, 'auto', several of them, or None"),
        ({"layers": []}, r"layers=\[\]: give a name"),
        ({"layers": {"techer": "a"}}, "layers has the key 'techer': did you mean 'teacher'"),
        ({"twins": "all"}, "twins is a str: give a list of models"),
        ({"twins": 3}, "twins is a int: give a list of models"),
    ],
)
def test_wrong_arguments_are_named(options, text):
    with pytest.raises(PlanError, match=text):
        compare(TEACHER, STUDENT, None, **({"task": "classification"} | options))


def test_a_task_object_is_taken_by_its_kind():
    task = available("tasks")["letters"]
    assert compare(TEACHER, STUDENT, None, task=task).task == "letters"


def test_one_twin_may_come_without_a_list():
    torch_net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3))
    for twins, names in (
        (TWINS[0], ("twin",)),
        (np.stack(TWINS), ("twin 1", "twin 2", "twin 3")),
        (torch_net, ("twin",)),
        (nn.ModuleList([torch_net, nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3))]), ("twin 1", "twin 2")),
        (None, ()),
    ):
        assert compare(TEACHER, STUDENT, (TEACHER, Y), task="classification", twins=twins).twins == names


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_outputs_alone_are_data_enough_however_nothing_is_given(kind):
    alone = compare(TEACHER, STUDENT, None, task=kind)
    for nothing in ((None, None), (None,)):
        found = compare(TEACHER, STUDENT, nothing, task=kind)
        assert found.sentence == alone.sentence
        assert found.n == 300
    for empty in ([], {}, (None, np.empty(0))):
        with pytest.raises(DataError, match="data gave no rows"):
            compare(TEACHER, STUDENT, empty, task=kind)

"""The page of a comparison: one file, everything told, nothing run."""

import dataclasses
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from torch import nn

from kdprobe.compare import compare
from kdprobe.compare.show_map import told
from kdprobe.core.errors import PlanError
from kdprobe.report import report

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 200)
TEACHER = np.eye(3)[Y] + RNG.normal(size=(200, 3))
STUDENT = TEACHER + 0.5 * RNG.normal(size=(200, 3))
TWINS = [np.eye(3)[Y] + RNG.normal(size=(200, 3)) for _ in range(3)]


def test_the_page_tells_everything_and_asks_for_nothing(tmp_path):
    comparison = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS)
    path = report(comparison, tmp_path / "pair.html")
    page = path.read_text(encoding="utf-8")
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert len(page) < 300_000
    # words that lead to their definitions are words all the same
    text = re.sub(r"<[^>]+>", " ", re.sub(r"</?a\b[^>]*>", "", page)).replace("&#39;", "'")
    assert comparison.sentence in " ".join(text.split())
    for probe in comparison.probes.values():
        assert probe.title in text
    assert "student has no hidden layer" in text
    assert report(comparison, str(path)) == path
    assert path.read_text(encoding="utf-8") == page


def test_without_twins_the_page_says_so(tmp_path):
    page = report(compare(TEACHER, STUDENT, TEACHER, task="regression"), tmp_path / "pair.html").read_text(encoding="utf-8")
    assert "one teacher and no untaught twin on 200 rows" in re.sub(r"<[^>]+>", "", page)
    assert "What did teaching buy?" not in page


def test_free_text_is_escaped(tmp_path):
    comparison = compare(TEACHER, STUDENT, (None, Y), task="classification")
    attack = "<script>alert(1)</script>"
    attacked = dataclasses.replace(comparison, task=attack, notes=(attack,), layers={"teacher": {attack: "none"}})
    page = report(attacked, tmp_path / "pair.html").read_text(encoding="utf-8")
    assert attack not in page
    assert page.count("&lt;script&gt;") == 3


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    comparison = compare(TEACHER, STUDENT, None, task="classification")
    with pytest.raises(PlanError, match="is a folder: name the file to write"):
        report(comparison, tmp_path)
    with pytest.raises(PlanError, match="its folder does not exist: make it first"):
        report(comparison, tmp_path / "missing" / "pair.html")
    assert list(tmp_path.iterdir()) == []


def test_a_map_of_layers_is_drawn(tmp_path):
    torch.manual_seed(0)
    attack = "<i>&"
    models = [
        nn.Sequential(nn.ModuleDict({attack: nn.Linear(3, 5)})[attack], nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
        for _ in range(5)
    ]
    comparison = compare(models[0], models[1], (TEACHER, Y), task="classification", twins=models[2:], layers="auto")
    named = dataclasses.replace(comparison.layer_map, teacher=(attack, "a name much longer than there is room for"))
    page = report(dataclasses.replace(comparison, layer_map=named), tmp_path / "pair.html").read_text(encoding="utf-8")
    # three maps, and the student among its twins
    assert page.count('role="img"') == 4
    maps = page[page.index("Which layers are alike?</h") :]
    assert attack not in page
    svg = ET.fromstring(maps[maps.index("<svg") : maps.index("</svg>") + 6])
    texts = [element.text for element in svg.iter("text")]
    assert texts[:2] == list(comparison.layer_map.student)
    assert attack in texts
    assert told(named.own[1][1]) in texts
    # every cell has its box, and boxes lie inside the picture
    boxes = [{key: float(element.attrib[key]) for key in ("x", "y", "width", "height")} for element in svg.iter("rect")]
    assert len(boxes) == 4
    assert max(box["x"] + box["width"] for box in boxes) <= float(svg.attrib["width"])
    assert max(box["y"] + box["height"] for box in boxes) <= float(svg.attrib["height"])


def test_nothing_stands_twice_or_is_empty(tmp_path):
    comparison = compare(TEACHER, STUDENT, (None, Y), task="classification", twins=TWINS)
    page = report(comparison, tmp_path / "pair.html").read_text(encoding="utf-8")
    assert page.count("Did teaching help?") == 1
    assert "All verdicts in one table" not in page, "a comparison has no findings, and their table would be empty"

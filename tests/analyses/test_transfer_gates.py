"""Gates of all measures: what the page says of outcomes that are written down."""

import importlib.util
from pathlib import Path

import pytest

from kdprobe.verdicts.gates import ASKS, gate

FILE = Path(__file__).parent.parent.parent / "analyses" / "transfer_gates.py"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("transfer_gates", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def through(*failing, refused=()):
    said = {name: "fail" if name in failing else "refused" if name in refused else "pass" for name in ASKS}
    return [gate(name, None if outcome == "refused" else -0.25, 0.0, outcome, f"ρ = -0.25 in {name}") for name, outcome in said.items()]


def test_the_answer_names_what_passes_everywhere(table):
    found = {"classification": {"a": through(), "b": through("G3")}, "regression": {"a": through(), "c": through(refused=("G1",))}}
    told = table.answer(found)
    assert told.startswith("**All six gates were passed by these alone: on letters (classification): a; on bikeshare (regression): a.**")
    assert "Of 4 pairs of measure and task passed: G1 3 (1 without an answer), G2 4, G3 3, G4 4" in told
    found["regression"]["a"] = through("G4")
    assert "on letters (classification): a; on bikeshare (regression): no measure.**" in table.answer(found)


def test_the_page(table, monkeypatch):
    found = {"classification": {"a": through("G4")}, "regression": {"own-part": through()}}
    monkeypatch.setattr(table, "outcomes", lambda quick: found)
    page = table.markdown(quick=True)
    assert "| a | passes (−0.25) | passes (−0.25) | passes (−0.25) | **fails** (−0.25) |" in page
    assert "* **a** G4: ρ = −0.25 in G4." in page
    # a hyphen is none
    assert "| own-part | passes" in page
    # of what passes all there is nothing more to say
    assert "* **own-part**" not in page
    # what was looked at first is said on the page that is committed, and of no quick run
    assert table.FIRST_LOOK not in page
    assert table.FIRST_LOOK in table.markdown(quick=False)
    assert table.FIRST_LOOK in (FILE.parent.parent / "reports" / "transfer_gates.md").read_text(encoding="utf-8")

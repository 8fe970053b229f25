"""One family of claims for all verdicts: who is in it, what its p values become, what the others are told."""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kdprobe.stats.multiplicity import holm
from kdprobe.verdicts import family


@dataclass(frozen=True)
class Said:
    seeds: int | None
    p: float
    qualifier: str = ""
    claims: int = 0


def read(*claims):
    return family.judged(
        [Said(*claim) for claim in claims],
        missing=lambda said: None if said.seeds is None else family.too_few(said.seeds),
        judge=lambda said, p, members: replace(said, p=p, claims=members),
    )


def test_only_those_with_enough_seeds_are_in_the_family():
    found = read((8, 0.01), (5, 0.001), (None, 1.0), (20, 0.02), (8, 0.5))
    assert [said.claims for said in found] == [3, 0, 0, 3, 3]
    assert [found[i].p for i in (0, 3, 4)] == pytest.approx(holm([0.01, 0.02, 0.5]))
    assert (found[1].p, found[1].qualifier) == (0.001, "direction only: below 8 seeds")
    assert found[2] == Said(None, 1.0)


def test_a_family_of_none():
    assert read() == []
    assert read((2, 0.1))[0].qualifier == "direction only: below 8 seeds"


def test_what_was_not_tested_counts_for_nothing():
    assert family.adjusted([0.01, None, 0.03]) == [0.02, None, 0.03]
    assert family.adjusted([]) == []
    assert family.adjusted([None]) == [None]


@pytest.mark.parametrize(
    ("room", "reads"), [("gap", "decide"), ("help", "read_helps"), ("knowledge", "read_kinds"), ("transfer", "read_transfers")]
)
def test_every_verdict_goes_through_it(room, reads, monkeypatch):
    module = importlib.import_module(f"kdprobe.verdicts.{room}")
    monkeypatch.setattr(module, "judged", lambda readings, **_: ["judged", *readings])
    assert getattr(module, reads)(["one"]) == ["judged", "one"]


def test_nothing_else_adjusts_p_values_of_claims():
    """Maps of many cells are screened by other means; a family of claims is Holm's, and stands in one file."""
    package = Path(family.__file__).parents[1]
    users = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if "import holm" in path.read_text(encoding="utf-8")}
    assert users == {"verdicts/family.py"}

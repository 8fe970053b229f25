"""One family of claims for all verdicts: who is in it, what its p values become, what the others are told."""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from kdprobe.stats.multiplicity import holm
from kdprobe.stats.sign_flip import max_t
from kdprobe.verdicts import family


@dataclass(frozen=True)
class Said:
    seeds: int | None
    p: float
    against: float = 1.0
    qualifier: str = ""
    claims: int = 0


def read(*claims):
    return family.judged(
        [Said(*claim) for claim in claims],
        missing=lambda said: None if said.seeds is None else family.too_few(said.seeds),
        judge=lambda said, members: replace(said, claims=members),
    )


def test_only_those_with_enough_seeds_are_in_the_family():
    found = read((8, 0.01), (5, 0.001), (None, 1.0), (20, 0.02), (8, 0.5))
    assert [said.claims for said in found] == [3, 0, 0, 3, 3]
    assert [found[i].p for i in (0, 3, 4)] == pytest.approx(holm([0.01, 0.02, 0.5]))
    assert (found[1].p, found[1].qualifier) == (0.001, "direction only: below 8 seeds")
    assert found[2] == Said(None, 1.0)
    assert [said.against for said in found] == [1.0] * 5


def test_each_word_is_a_family_of_its_own():
    """SUPPORTED and CONTRADICTED are each adjusted over the members, and neither counts the other's tests."""
    found = read((8, 0.01, 0.9), (5, 0.001, 0.001), (8, 0.9, 0.02), (8, 0.5, 0.03))
    assert [found[i].p for i in (0, 2, 3)] == pytest.approx(holm([0.01, 0.9, 0.5]))
    assert [found[i].against for i in (0, 2, 3)] == pytest.approx(holm([0.9, 0.02, 0.03]))
    assert found[1].against == 0.001


def test_what_is_there_and_too_small_says_so():
    assert family.too_small(0.0002, 0.196, 0.049) == "too small to matter"
    assert family.too_small(0.0002, 0.196, 0.051) == "perhaps too small to matter"
    assert family.too_small(0.196, 0.196, 0.001) == ""


@pytest.mark.parametrize("claims", [1, 2, 6, 12, 13, 48, 800, 820])
def test_the_fewest_units_that_can_support_a_claim(claims):
    """Counted out: so many claims, all as clear as sign flips can make them."""
    rng = np.random.default_rng(0)

    def supported(units):
        p = max_t(1 + 0.01 * rng.normal(size=(units, 1))).p[0]
        return min(family.adjusted([p] * claims)) < 0.05

    least = family.fewest_units(claims)
    if least is None:
        assert not supported(14)
    else:
        assert (supported(least), least < 3 or supported(least - 1)) == (True, least < 3)


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

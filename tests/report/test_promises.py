"""What a plan can conclude is said before it trains, and is what its page then does."""

import json

import numpy as np
import pytest

from kdprobe import GapPlan, KnowledgePlan
from kdprobe.cli import run
from kdprobe.report import promises as said
from kdprobe.report.evidence.frames import Evidence
from kdprobe.report.evidence.gaps import beside, gaps
from kdprobe.report.promises import found_among, hopeless, promises
from kdprobe.report.sections.gap import draw
from kdprobe.testing.worlds.zoo import TrueArm, ZooWorld
from kdprobe.verdicts.family import adjusted

LETTERS = (("letters", "classification"),)


@pytest.mark.parametrize(("claims", "seeds"), [(12, 8), (13, 8), (25, 9), (26, 9), (1, 5), (1, 4), (820, 14), (600, 20)])
def test_hopeless_is_what_holm_makes_of_the_smallest_p(claims, seeds):
    """Where it is not said, a page whose claims are all as clear as can be supports all of them."""
    best = adjusted([0.5**seeds] * claims)
    text = hopeless(claims, seeds)
    assert bool(text) == (min(best) >= 0.05)
    if text:
        assert f"1/2^{seeds}" in text
        assert f"{min(best[0], 1):.2g}, and below 0.05 is needed" in text


def test_it_names_what_would_do():
    assert hopeless(13, 8).endswith("Give 9 seeds or at most 12 settings and students.")
    assert hopeless(3, 5, "draw").endswith("Give 6 draws or at most 1 setting and students.")


@pytest.mark.parametrize(
    ("plan", "claims", "units"),
    [
        (GapPlan(), 6, (10, "seed")),
        (GapPlan(student_widths=(8, 32), beside={}), 12, (10, "seed")),
        (GapPlan(tasks=("letters",), student_widths=(8, 32), alpha=(0.3, 0.7), draws=3), 10, (3, "draw")),
        (GapPlan(tasks=("letters",), schemes=("same_rows", "step_matched_twin"), student_widths=(8,)), 1, (10, "seed")),
        (GapPlan(tasks=("letters",), student_widths=(8,), temperature=(1, 2), tune=("temperature",), beside={}), 9, (10, "seed")),
        (KnowledgePlan(tasks=("letters",), distillers=("kd", "dkd", "hint", "label_smoothing")), 4, (10, "seed")),
    ],
)
def test_a_plan_knows_how_many_claims_its_page_has(plan, claims, units):
    assert (plan.claims(), plan.units) == (claims, units)


def test_the_page_reads_as_many_claims_as_the_plan_says():
    """What stands beside the plan's own setting is a family of its own: it takes nothing from the claims."""
    arms = tuple(TrueArm(temperature=t) for t in (1.0, 2.0, 4.0))
    own = {"tasks": LETTERS, "student_widths": (8,)}
    evidence = Evidence(ZooWorld(arms=arms, beside={"temperature": (1.0, 2.0, 4.0)}, **own).zoo())
    with_star = [*gaps(evidence), *beside(evidence)]
    assert [gap.beside for gap in with_star] == ["", "at T 2", "at T 4"]
    alone = gaps(Evidence(ZooWorld(arms=arms[:1], **own).zoo()))
    assert with_star[0].reading.p == alone[0].reading.p < 0.05
    # the other two are adjusted for each other
    assert min(gap.reading.p for gap in with_star[1:]) >= 2 / 2**10


def test_a_page_says_that_nothing_can_be_supported(monkeypatch):
    """Eight seeds and fourteen students: the clearest gap there is stays unsettled."""
    hump = TrueArm(gain={8: 0.0, 16: 3.0, 32: 0.0})
    arms = tuple(TrueArm(scheme=name, gain=hump.gain) for name in ("same_rows", "transfer_rows"))
    zoo = ZooWorld(seeds=8, tasks=LETTERS, arms=arms, student_widths=(2, 3, 4, 5, 6, 7, 8)).zoo()
    content = draw(Evidence(zoo))
    assert content.words[0].startswith("No capacity gap can be SUPPORTED: the smallest p that 8 seeds can give is 1/2^8")
    verdicts = [finding.verdict for card in content.cards for finding in card.findings if finding.claim == "capacity gap"]
    assert (len(verdicts), "SUPPORTED" in verdicts) == (14, False)
    fewer = draw(Evidence(ZooWorld(seeds=8, tasks=LETTERS, arms=arms, student_widths=(8,)).zoo()))
    assert not fewer.words[0].startswith("No capacity gap")


def test_promises_are_of_a_page_with_so_many_claims(monkeypatch):
    found = {"1": {"10": 0.45, "20": 0.98}, "12": {"10": 0.31, "20": 0.8}}
    rows = [{"verdict": "capacity gap: SUPPORTED", "found": found}]
    monkeypatch.setattr(said, "rates", lambda: {"sweeps": 1000, "rows": rows})
    (text,) = promises(GapPlan(student_widths=(8, 32)))
    assert text == (
        "12 verdicts are read together. A capacity gap of 1 sd between seeds is found with 10 seeds in 31 % and 20 seeds in 80 % of pages "
        "(measured among 12 claims)."
    )
    assert [*promises(GapPlan(seeds=4))] == ["4 seeds: too few for any verdict, directions only. Give 8 or more."]
    first, second = promises(GapPlan(seeds=8, student_widths=(8, 16, 32)))
    assert (first, second.startswith("18 verdicts are read together.")) == (hopeless(18, 8), True)
    assert found_among(found, 40) == (12, found["12"])


def test_the_dry_run_says_it(capsys):
    command = (
        "sweep --gap --dry-run --jobs 0 --task bikeshare --seeds 8 --steps 5 --teacher-widths 2,3 --beside none "
        "--scheme same_rows,transfer_rows --student-widths 2,3,4"
    )
    widths = ",".join(map(str, np.arange(2, 9)))
    assert run([*command.split()[:-1], widths]) == 0
    assert "\nNo capacity gap can be SUPPORTED: the smallest p that 8 seeds can give is 1/2^8, which" in capsys.readouterr().out
    assert run([*command.split(), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["claims"] == 6
    assert not any("No capacity gap" in text for text in told["promises"])

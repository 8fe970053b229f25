"""What a teacher has in common with everybody, where each student has other reference twins."""

import numpy as np
import pandas as pd
import pytest

from kdprobe.report.evidence.transfers import centre
from kdprobe.sweep.circle import Circle
from kdprobe.verdicts.transfer import read_transfer

SEEDS = 30


class Simulated:
    """Twins that are good or bad alike toward every teacher (by far the most), teachers that all twins are alike to, and little else."""

    def __init__(self, seeds, most, counted=None, missing=()):
        rng = np.random.default_rng(0)
        self.teachers = 0.02 * rng.normal(size=seeds)
        toward = 0.1 * rng.normal(size=(seeds, 1)) + self.teachers + 0.005 * rng.normal(size=(seeds, seeds))
        circle = Circle(tuple(range(seeds)), most=most)
        siblings = [toward[seed, sorted(circle.siblings(seed))].mean() for seed in range(seeds)]
        baseline = [toward[sorted(circle.references(seed)), seed].mean() for seed in range(seeds)]
        cell = {"task": "letters", "student": "s", "arm": "a", "teacher": "t", "draw": 0}
        self.students = pd.DataFrame([cell | {"seed": seed, "model_id": f"m{seed}"} for seed in range(seeds)])
        names = self.students["model_id"]
        self.found = {("kl", "baseline"): baseline, ("kl", "twin_siblings"): siblings, ("kl", "twin"): np.diagonal(toward)}
        self.found = {key: pd.Series(values, index=names).drop(list(missing)) for key, values in self.found.items()}
        count = min(most, seeds - 1) if counted is None else counted
        counts = {"task": "letters", "probe": "kl", "comparison": "twin_siblings", "n": count}
        self.table = pd.DataFrame([counts] * seeds)

    def derived(self, _, compute):
        return compute(self)

    def measurements(self):
        return self.table

    def value(self, probe, comparison):
        return self.found[probe, comparison]


def test_around_a_circle_what_a_twin_has_toward_everybody_is_taken_off():
    zoo = Simulated(SEEDS, 9)
    truth, found, raw = zoo.teachers, centre(zoo, "letters", "kl").to_numpy(), zoo.value("kl", "baseline").to_numpy()
    apart = [np.std((values - values.mean()) - (truth - truth.mean())) for values in (found, raw)]
    assert apart[0] < 0.01 < 0.02 < apart[1]
    # by hand, of one seed: its references less what each of them is to the siblings of its own
    siblings = zoo.value("kl", "twin_siblings")
    assert found[4] == pytest.approx(raw[4] - siblings[[f"m{seed}" for seed in (25, 26, 27, 28, 29, 0, 1, 2, 3)]].mean())


@pytest.mark.parametrize(("seeds", "most", "counted"), [(10, 9, None), (SEEDS, SEEDS - 1, None), (4, 9, 3), (SEEDS, 40, np.nan)])
def test_where_all_twins_are_references_it_is_the_baseline(seeds, most, counted):
    zoo = Simulated(seeds, most, counted)
    pd.testing.assert_series_equal(centre(zoo, "letters", "kl"), zoo.value("kl", "baseline"), check_exact=True)


def test_a_seed_without_a_value_costs_no_other_its_centre():
    found = centre(Simulated(SEEDS, 9, missing=["m3"]), "letters", "kl")
    assert len(found) == SEEDS - 1
    assert found.notna().all()


def test_the_placebo_is_known_as_well_as_with_all_siblings():
    """Its mean is that of own minus siblings; its interval would be twice as wide if the twins' own part stayed in it."""
    zoo, whole = Simulated(SEEDS, 9), Simulated(SEEDS, SEEDS - 1)

    def interval(of, **more):
        value = {name: of.value("kl", name).to_numpy() for name in ("twin", "twin_siblings", "baseline")}
        placebo = read_transfer(*np.zeros((2, SEEDS)), value["baseline"], placebo=value["twin"] - value["twin_siblings"], **more).placebo
        assert placebo.value == pytest.approx((value["twin"] - value["twin_siblings"]).mean())
        return placebo.high - placebo.low

    mended = interval(zoo, centre=centre(zoo, "letters", "kl").to_numpy())
    assert mended < 1.7 * interval(whole)
    assert interval(zoo) > 2 * mended

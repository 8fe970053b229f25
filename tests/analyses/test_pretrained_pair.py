"""The published pair: the network by its numbers and a tone that is known, and the measures on pitches written down."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from kdprobe import DataError

FOLDER = Path(__file__).parent.parent.parent / "analyses"


@pytest.fixture(scope="module")
def pair():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("pretrained_pair")
    for name in ("pretrained_pair", "_pretrained_crepe"):
        sys.modules.pop(name, None)


def test_the_networks_have_as_many_numbers_as_those_published(pair):
    sizes = {size: sum(values.numel() for values in pair.Crepe(size).parameters()) for size in ("full", "tiny")}
    assert {size: round(number / 1e6, 2) for size, number in sizes.items()} == {"full": 22.24, "tiny": 0.49}


def test_pitch_is_the_weighted_mean_round_the_strongest_bin(pair):
    activations = np.zeros((3, 360))
    activations[0, 100] = 1.0
    activations[1, [100, 101]] = 0.5
    activations[2, 100], activations[2, 300] = 1.0, 0.9  # another tone counts nothing
    assert pair.cents(activations) == pytest.approx(1997.3794084376191 + 20 * np.array([100, 100.5, 100]))


def test_measures_of_two_that_are_the_same_and_of_an_octave(pair):
    rng = np.random.default_rng(0)
    activations = rng.uniform(0.001, 0.01, size=(60, 360))
    peaks = rng.integers(20, 280, size=60)
    activations[np.arange(60), peaks] = 0.9
    layers = {name: rng.normal(size=(60, 8)) for name in pair.LAYERS}
    one, recording = pair.Heard(activations, layers), np.arange(60) % 6
    same = pair.alike(one, one, recording)
    assert same["pitches within 50 cents"].value == same["the same bin of 360"].value == 1
    assert same["KL of the bins, large from small, nats"].value == pytest.approx(0, abs=1e-12)
    higher = pair.Heard(np.roll(activations, 60, axis=1), layers)
    apart = pair.alike(one, higher, recording)
    assert apart["pitches within 50 cents"].value == 0
    off = 1 - np.mean((one.pitch - higher.pitch) ** 2) / one.pitch.var()
    assert apart["R² of the pitch in cents"].value == pytest.approx(off)
    assert [name.split()[0] for name, _ in pair.by_confidence(one, one, recording)] == ["below", "0.90", "above"]


@pytest.mark.slow
def test_the_real_weights_hear_a_tone(pair):
    try:
        network = pair.trained("tiny")
    except DataError as error:
        pytest.skip(f"needs the weights: {error}")
    sound = np.sin(2 * np.pi * 440 * np.arange(1024) / 16_000)
    frame = ((sound - sound.mean()) / sound.std()).astype(np.float32)
    found = pair.heard(network, frame[None])
    assert found.activations.max() > 0.5
    assert abs(found.pitch[0] - 1200 * np.log2(440 / 10)) < 50

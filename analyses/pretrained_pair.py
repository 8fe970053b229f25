"""What do two published networks have in common that never taught each other? CREPE full and tiny, on recorded speech.

    python analyses/pretrained_pair.py                                       # the table: about four minutes on one thread
    python analyses/pretrained_pair.py --quick                               # one recording, few frames: seconds
    python analyses/pretrained_pair.py --out reports/pretrained_pair.md      # write it

CREPE hears a pitch in 64 ms of sound: one of 360 bins (classification), or their weighted mean in cents (regression). Its authors trained
both sizes, 22.2 and 0.49 million numbers, on the labels of the same music. Frames are of recordings of one speaker, which neither has seen;
those where the large network is sure of a pitch (an activation of .5 or more) are read, and there is no true pitch to compare with.
Intervals leave out whole recordings. Beside the small network stand five of its shape that nobody trained: a floor, and no twins, since a
twin would have to be trained as the small one was, which took its authors' data.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from _pretrained_crepe import Crepe, cents, frames, trained, untrained

import kdprobe
from kdprobe.core.result import Measurement, Refusal
from kdprobe.stats.intervals import BELOW_ONE, Interval, jackknife, proportion

NEAR = 50.0
"""Cents: half a semitone, within which two pitches count as the same, as in CREPE's own paper."""
SURE = 0.5
LAYERS = tuple(f"conv{place}" for place in range(1, 7))
FLOORS = 5
"""Untrained networks."""


class Heard(NamedTuple):
    """What one network makes of all frames."""

    activations: np.ndarray
    """(n, 360) in [0, 1]."""
    layers: dict[str, np.ndarray]

    @property
    def pitch(self) -> np.ndarray:
        """(n,) cents."""
        return cents(self.activations)

    def of(self, rows: np.ndarray) -> "Heard":
        """The same of some frames."""
        return Heard(self.activations[rows], {name: values[rows] for name, values in self.layers.items()})


def heard(network: Crepe, sounds: np.ndarray) -> Heard:
    """Run a network over frames, 64 at a time."""
    activations, layers = [], []
    with torch.inference_mode():
        for start in range(0, len(sounds), 64):
            found, features = network(torch.from_numpy(sounds[start : start + 64]))
            activations.append(found.sigmoid().numpy())
            layers.append({name: values.numpy() for name, values in features.items()})
    return Heard(np.concatenate(activations), {name: np.concatenate([part[name] for part in layers]) for name in LAYERS})


def alike(large: Heard, small: Heard, recording: np.ndarray) -> dict[str, Interval | Measurement | Refusal]:
    """Measures of one pair, each with its interval over recordings."""
    one, other = large.pitch, small.pitch
    near = np.abs(one - other) <= NEAR
    shares = [heard.activations / heard.activations.sum(axis=1, keepdims=True) for heard in (large, small)]
    divergence = (shares[0] * (np.log(shares[0] + 1e-12) - np.log(shares[1] + 1e-12))).sum(axis=1)
    centred = one - one.mean()
    parts = np.stack([(one - other) ** 2, centred**2, centred], axis=1)
    last = [heard.layers[LAYERS[-1]] for heard in (large, small)]
    return {
        "pitches within 50 cents": proportion(near, blocks=recording),
        "the same bin of 360": proportion(large.activations.argmax(axis=1) == small.activations.argmax(axis=1), blocks=recording),
        "R² of the pitch in cents": jackknife(parts, _r2, blocks=recording, transform=BELOW_ONE),
        "KL of the bins, large from small, nats": jackknife(divergence, blocks=recording),
        "CKA of the last hidden layers": kdprobe.cka(*last, blocks=recording),
        "CKA of the activations": kdprobe.cka(large.activations, small.activations, blocks=recording),
    }


def _r2(means: np.ndarray) -> np.ndarray:
    return 1 - means[..., 0] / (means[..., 1] - means[..., 2] ** 2)


def shown(found: Any) -> str:
    """Value and interval as text."""
    if isinstance(found, Refusal):
        return f"no answer: {found.reason}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]".replace("-", "−")


def floor(large: Heard, sounds: np.ndarray, recording: np.ndarray) -> dict[str, str]:
    """The range of each measure over networks that nobody trained."""
    every = [alike(large, heard(untrained("tiny", seed), sounds), recording) for seed in range(FLOORS)]
    found = {}
    for name in every[0]:
        values = [one.value for pair in every if not isinstance(one := pair[name], Refusal)]
        found[name] = f"{min(values):.3f} to {max(values):.3f}".replace("-", "−") if values else "no answer"
    return found


def by_confidence(large: Heard, small: Heard, recording: np.ndarray) -> list[tuple[str, Interval | Refusal]]:
    """Agreement where the large network is sure, less sure and hardly sure: thirds of the frames by its strongest activation."""
    strongest = large.activations.max(axis=1)
    ends = np.quantile(strongest, [1 / 3, 2 / 3])
    third = np.digitize(strongest, ends)
    near = np.abs(large.pitch - small.pitch) <= NEAR
    names = (f"below {ends[0]:.2f}", f"{ends[0]:.2f} to {ends[1]:.2f}", f"above {ends[1]:.2f}")
    return [(name, proportion(near[third == place], blocks=recording[third == place])) for place, name in enumerate(names)]


def markdown(*, quick: bool) -> str:
    """The whole answer."""
    sounds, recording = frames(recordings=3 if quick else None)
    step = 60 if quick else 5
    sounds, recording = sounds[::step], recording[::step]
    large = heard(trained("full"), sounds)
    sure = large.activations.max(axis=1) >= SURE
    sounds, recording, large = sounds[sure], recording[sure], large.of(sure)
    small = heard(trained("tiny"), sounds)
    found, below = alike(large, small, recording), floor(large, sounds, recording)
    # of two pitches as real numbers the information is all but infinite: semitones have one
    tones = [np.round(one.pitch / 100).astype(np.int64) for one in (large, small)]
    shares = np.unique(tones[0], return_counts=True)[1] / len(sounds)
    entropy = -float(shares @ np.log(shares))
    information = kdprobe.mutual_information(*tones)
    away = np.abs(large.pitch - small.pitch)
    octave = np.abs(away[away > NEAR] % 1200 - 600) >= 600 - NEAR
    first, last = found["pitches within 50 cents"], found["CKA of the last hidden layers"]
    text = [
        "# Two published networks that never taught each other",
        "",
        f"**Their pitches lie within 50 cents on {_percent(first)} of the frames, and the CKA of their last hidden layers is "
        f"{shown(last)}, though neither taught the other.** Both learned from the labels of the same music, and that is enough. Numbers as "
        "high as these, of a student and its teacher, are therefore no sign of distillation: ask for an untaught twin. Here nobody can "
        "train one, as the data are not published with the weights, so nothing on this page is called transferred.",
        "",
        f"CREPE full (22.2 million numbers) and tiny (0.49 million), {len(sounds):,} frames in which the large one is sure of a pitch "
        f"(activation ≥ {SURE}), of {len(np.unique(recording))} recordings of one speaker over a telephone. Intervals (95 %) leave out "
        "whole recordings. There is no true pitch beside them. Made by `python analyses/pretrained_pair.py`.",
        "",
        "| measure | full and tiny | full and five untrained networks of tiny's shape |",
        "|---|---|---|",
        *(f"| {name} | {shown(value)} | {below[name]} |" for name, value in found.items()),
        f"| information of the two semitones, of {entropy:.2f} nats that one has (interval over frames) | {shown(information)} | |",
        "",
        f"Of {len(octave)} frames on which they differ by more than 50 cents, {int(octave.sum())} are an octave or several apart: the same "
        "tone, heard higher or lower.",
        "",
        "| strongest activation of the large network | pitches within 50 cents |",
        "|---|---|",
        *(f"| {name} | {shown(value)} |" for name, value in by_confidence(large, small, recording)),
        "",
        "CKA of each layer of full (rows) with each of tiny (columns):",
        "",
        f"| | {' | '.join(LAYERS)} |",
        "|---" * (len(LAYERS) + 1) + "|",
        *(f"| {row} | {' | '.join(_map(large, small, row, column) for column in LAYERS)} |" for row in LAYERS),
        "",
    ]
    return "\n".join(text)


def _percent(found: Any) -> str:
    return shown(found) if isinstance(found, Refusal) else f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _map(large: Heard, small: Heard, row: str, column: str) -> str:
    found = kdprobe.cka(large.layers[row], small.layers[column])
    return "—" if isinstance(found, Refusal) else f"{found.value:.2f}".replace("-", "−")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="three recordings, few frames: seconds")
    parser.add_argument("--out", type=Path, help="a Markdown file to write, instead of printing")
    options = parser.parse_args(arguments)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of work, not after
    torch.set_num_threads(1)
    found = markdown(quick=options.quick)
    if options.out is None:
        print(found)
    else:
        options.out.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()

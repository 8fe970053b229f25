"""Similarity of representations: error, time and memory beside pytorch-cka, ckatorch and rsatoolbox; how often the null cries wolf.

    python benchmarks/similarity.py                  # all parts but the last: about three minutes with peers
    python benchmarks/similarity.py --quick          # small cases, no peers
    python benchmarks/similarity.py --part million   # one million rows of 20 × 12 layers in one stream: about ten minutes

Times are CPU seconds of one thread, the calls compared taking turns in one process; memory is what the process grew by at its peak.
The peers are no dependencies: install them outside of the project (``pip install --no-deps --target DIR pytorch-cka ckatorch rsatoolbox``,
the latter with h5py, scikit-image, lazy-loader and tqdm) and run with PYTHONPATH=DIR.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import ctypes
import gc
import importlib
import importlib.metadata
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

import kdprobe
from kdprobe.compare.capture import capture
from kdprobe.measures.cka import feature_space, single_precision
from kdprobe.measures.cka.all_pairs import cka_of_all_pairs
from kdprobe.measures.cka.hsic import deal
from kdprobe.measures.cka.null import null_of, upper_tail
from kdprobe.measures.cka.stream import CKAStream

Row = dict[str, Any]
PARTS = ("accuracy", "pair", "pairs", "hooks", "rsa", "null", "million")
PEERS = {"pytorch-cka": "cka", "ckatorch": "ckatorch", "rsatoolbox": "rsatoolbox"}


def found(peer: str) -> Any:
    """A peer's module, or None where it is not installed or not asked for."""
    return importlib.import_module(PEERS[peer]) if peer in PEERS and importlib.util.find_spec(PEERS[peer]) else None


def cpu(*calls: Callable[[], Any], repeats: int = 5) -> list[float]:
    """Least CPU seconds of each call, the calls taking turns."""
    best = [np.inf] * len(calls)
    for _ in range(repeats):
        for i, call in enumerate(calls):
            start = time.process_time()
            call()
            best[i] = min(best[i], time.process_time() - start)
    return best


def added_mb(call: Callable[[], Any]) -> float:
    """Megabytes by which the process grew at its peak (Linux only; elsewhere NaN)."""
    gc.collect()
    try:
        # what earlier calls gave back to the heap, and not to the system, would hide what this one takes
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = _status("VmRSS")
        call()
        return (_status("VmHWM") - before) / 1024
    except (OSError, AttributeError):
        return np.nan


def _status(key: str) -> float:
    with open("/proc/self/status") as file:
        return next(float(line.split()[1]) for line in file if line.startswith(key))


def features(n: int, widths: list[int], *, mean: float = 2.0, seed: int = 0) -> dict[str, np.ndarray]:
    """Layers with something in common, float32."""
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99).normal(size=(n, 40))
    return {
        f"layer{i}": (shared @ rng.normal(size=(40, d)) + 6 * rng.normal(size=(n, d)) + 9 * mean).astype(np.float32)
        for i, d in enumerate(widths)
    }


def accuracy() -> Iterator[Row]:
    """Error from float32 input against the same input in float64, and self-similarity at all scales."""
    for n, d in ((3000, 300), (200, 3000)):
        for mean in (0.0, 10.0, 1000.0):
            x, y = features(n, [d, d], mean=mean).values()
            truth = kdprobe.cka(x.astype(np.float64), y.astype(np.float64)).value
            error = abs(kdprobe.cka(x, y).value - truth)
            theirs, name = np.nan, "pytorch-cka"
            if (peer := found(name)) is not None:
                theirs = abs(float(peer.cka_from_features(torch.from_numpy(x), torch.from_numpy(y))) - truth)
            yield compared(f"float32, n = {n:,}, d = {d:,}, mean/σ = {mean:g}", error, name, theirs, "absolute error")
    x = np.random.default_rng(1).normal(size=(500, 50))
    worst = max(abs(kdprobe.cka(x, scale * x).value - 1) for scale in 10.0 ** np.arange(-6, 7))
    yield compared("self-CKA over scales 1e-6 to 1e6", worst, "-", np.nan, "largest distance from 1")


def pair(n: int, d: int, *, slow_peers: bool) -> Iterator[Row]:
    """One pair of layers: value, null, interval, memory, and the share of the rate of a plain matrix product."""
    x, y = features(n, [d, d]).values()
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    memory = added_mb(lambda: kdprobe.cka(x, y))
    product, bare, whole, value, null = cpu(
        lambda: x.T @ y, _products_alone(x, y), lambda: kdprobe.cka(x, y), lambda: _value_alone(x, y), _null_alone(x, y), repeats=9
    )
    case = f"pair, n = {n:,}, d = {d:,}"
    # the cross product in full, those of a side with itself by half: twice n·d² multiplications and additions each
    for what, seconds in (("its BLAS calls alone", bare), ("value alone", value), ("value, null and interval", whole)):
        yield compared(f"{case}: share of the sgemm rate, {what}", 2 * product / seconds, "-", np.nan, "share")
    yield compared(f"{case}: null, z and p", null / value, "-", np.nan, "share of the value's time")
    yield compared(f"{case}: interval, influence, checks", (whole - value - null) / value, "-", np.nan, "share of the value's time")
    yield compared(f"{case}: memory added", memory, "-", np.nan, "MB")
    truth = kdprobe.cka(x.astype(np.float64), y.astype(np.float64)).value
    for name, call in {
        "pytorch-cka": lambda peer: peer.cka_from_features(*tensors),
        "ckatorch": lambda peer: peer.cka_base(*tensors, unbiased=True),
    }.items():
        peer = found(name)
        if peer is None or (name == "ckatorch" and not slow_peers):
            continue
        answer: list[float] = []
        theirs_memory = added_mb(lambda call=call, peer=peer, answer=answer: answer.append(float(call(peer))))
        theirs = cpu(lambda call=call, peer=peer: call(peer), repeats=1 if name == "ckatorch" else 3)[0]
        for what, seconds in (("value alone", value), ("value, null and interval", whole)):
            yield compared(f"{case}: {what}", seconds, name, theirs, "CPU s")
        yield compared(f"{case}: memory added", memory, name, theirs_memory, "MB")
        yield compared(f"{case}: error", abs(kdprobe.cka(x, y).value - truth), name, abs(answer[0] - truth), "absolute error")


def _products_alone(x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """The calls of BLAS that the products of all groups are, on rows that lie ready: the most that a share can be."""
    groups = deal(len(x), None)
    sides = [[feature_space.augmented(np.ascontiguousarray(side[rows])) for rows in single_precision.members(groups)] for side in (x, y)]
    widths = [side[0].shape[1] for side in sides]
    own_x, own_y, cross = (np.zeros(shape, dtype=np.float32) for shape in ((widths[0],) * 2, (widths[1],) * 2, widths))

    def products() -> None:
        for left, right in zip(*sides, strict=True):
            single_precision.ssyrk(1.0, left.T, c=own_x.T, lower=1, overwrite_c=1)
            single_precision.ssyrk(1.0, right.T, c=own_y.T, lower=1, overwrite_c=1)
            np.matmul(left.T, right, out=cross)

    return products


def _value_alone(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The products of all groups and the HSIC of all rows that follow, without null, interval and influence."""
    groups, n = deal(len(x), None), len(x)
    most = int(np.bincount(groups).max())
    a, b = single_precision._Shifted(x, most), single_precision._Shifted(y, most)
    count = int(groups.max()) + 1
    sides = [single_precision._Products(*widths, count) for widths in ((a.width, None), (b.width, None), (a.width, b.width))]
    for g, rows in enumerate(single_precision.members(groups)):
        left, right = a.augmented(rows), b.augmented(rows)
        sides[0].add(g, left)
        sides[1].add(g, right)
        sides[2].add(g, left, right)
    found = []
    for side in sides:
        square = np.einsum("ab,ab->", side._whole, side._whole, dtype=np.float64)
        found.append(side._sums.hsic(square, side._sums.tx @ (side._whole @ side._sums.ty), n))
    return found


def _null_alone(x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    """What null, z and p need beside the value."""
    moments = [feature_space.augmented(side - side.mean(axis=0)) for side in (x, y)]
    products = [(side.T @ side).astype(np.float64) for side in moments]
    for side in products:
        side[-2, -2] = len(x)

    def null() -> Any:
        shapes = [feature_space.shape_of(side, 1.0) for side in products]
        return upper_tail(1.0, null_of(len(x), shapes[0], shapes[1]).skewness, len(x))

    return null


def pairs(n: int, left: list[int], right: list[int]) -> Iterator[Row]:
    """All pairs of the layers of two networks."""
    x, y = features(n, left), features(n, right, seed=1)
    case = f"all pairs of {len(left)}×{len(right)} layers, n = {n:,}, widths {min(left)}-{max(left)}"
    peer = found("pytorch-cka")
    memory = added_mb(lambda: cka_of_all_pairs(x, y))
    if peer is None:
        yield compared(case, cpu(lambda: cka_of_all_pairs(x, y), repeats=3)[0], "-", np.nan, "CPU s")
        yield compared(f"{case}: memory added", memory, "-", np.nan, "MB")
        return
    tensors = [[torch.from_numpy(layer) for layer in side.values()] for side in (x, y)]
    theirs_memory = added_mb(lambda: peer.cka_from_features(*tensors))
    ours, theirs = cpu(lambda: cka_of_all_pairs(x, y), lambda: peer.cka_from_features(*tensors), repeats=3)
    yield compared(case, ours, "pytorch-cka", theirs, "CPU s")
    yield compared(f"{case}: memory added", memory, "pytorch-cka", theirs_memory, "MB")
    some = [(a, b) for a in x for b in y][::37]
    truths = {(a, b): kdprobe.cka(x[a].astype(np.float64), y[b].astype(np.float64)).value for a, b in some}
    values, answer = cka_of_all_pairs(x, y), peer.cka_from_features(*tensors).numpy()
    places = {key: (list(x).index(key[0]), list(y).index(key[1])) for key in truths}
    errors = [max(abs(of(key) - truth) for key, truth in truths.items()) for of in (lambda k: values[k].value, lambda k: answer[places[k]])]
    yield compared(f"{case}: largest error", errors[0], "pytorch-cka", float(errors[1]), "absolute error")


def convolutional(depth: int, width: int, seed: int) -> nn.Sequential:
    """A plain network for 3×32×32 images, halved twice."""
    torch.manual_seed(seed)
    parts: list[nn.Module] = []
    channels = 3
    for i in range(depth):
        stride = 2 if i in (depth // 3, 2 * depth // 3) else 1
        parts += [nn.Conv2d(channels, width, 3, stride, 1), nn.ReLU(inplace=True)]
        channels = width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 10)).eval()


def hooks(n: int, depths: tuple[int, int], widths: tuple[int, int]) -> Iterator[Row]:
    """A run of two networks with all layers read and compared, against the two bare forward passes."""
    nets = [convolutional(depth, width, i) for i, (depth, width) in enumerate(zip(depths, widths, strict=True))]
    layers = [[str(2 * i) for i in range(depth)] for depth in depths]
    images = torch.randn(n, 3, 32, 32)
    batches = images.split(128)

    def bare() -> None:
        with torch.no_grad():
            for batch in batches:
                for net in nets:
                    net(batch)

    def hooked() -> None:
        stream = None
        with capture(nets[0], layers[0]) as one, capture(nets[1], layers[1]) as two:
            for batch in batches:
                taken = [side.take(net(batch), rows=len(batch)) for side, net in zip((one, two), nets, strict=True)]
                stream = stream or CKAStream(*({name: values.shape[1] for name, values in side.items()} for side in taken))
                stream.update(*taken)
        assert stream is not None
        stream.result()

    case = f"{depths[0]}×{depths[1]} convolutional layers, {n:,} images"
    bare()
    memory = added_mb(hooked) - added_mb(bare)
    plain, ours = cpu(bare, hooked, repeats=3)
    yield compared(f"{case}: hooked run over bare passes", ours / plain, "-", np.nan, "ratio")
    yield compared(f"{case}: memory added beside the passes", memory, "-", np.nan, "MB")
    if (peer := found("pytorch-cka")) is None:
        return
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=128)

    def theirs() -> None:
        # its own way to read features: flattened, HSIC summed over batches
        peer.compute_cka(*nets, loader, layers=layers[0], model2_layers=layers[1], progress=False, device="cpu")

    theirs_memory = added_mb(theirs) - added_mb(bare)
    seconds = cpu(theirs, repeats=1)[0]
    yield compared(f"{case}: hooked run", ours, "pytorch-cka", seconds, "CPU s")
    yield compared(f"{case}: memory added beside the passes", memory, "pytorch-cka", theirs_memory, "MB")


def representational(n: int, d: int) -> Iterator[Row]:
    """RSA beside rsatoolbox: its value, and time without permutations."""
    x, y = (side.astype(np.float64) for side in features(n, [d, d]).values())
    ours = cpu(lambda: kdprobe.rsa(x, y, permutations=0), repeats=3)[0]
    case = f"RSA, n = {n:,}, d = {d:,}"
    if (peer := found("rsatoolbox")) is None:
        yield compared(case, ours, "-", np.nan, "CPU s")
        return
    dataset = importlib.import_module("rsatoolbox.data").Dataset

    def theirs() -> float:
        distances = [peer.rdm.calc_rdm(dataset(side), method="correlation") for side in (x, y)]
        return float(peer.rdm.compare(*distances, method="corr")[0, 0])

    yield compared(case, ours, "rsatoolbox", cpu(theirs, repeats=3)[0], "CPU s")
    yield compared(f"{case}: difference of values", abs(kdprobe.rsa(x, y).value - theirs()), "rsatoolbox", np.nan, "absolute")


def null(draws: int, n: int = 100) -> Iterator[Row]:
    """Share of unrelated pairs whose p is 5 % or less, and 1 % or less."""
    low_rank = 1 / np.arange(1.0, 31)
    kinds: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], ...]] = {
        "1-d × 1-d": (lambda rng: rng.normal(size=n), lambda rng: rng.normal(size=n)),
        "1-d × 1-d, exponential": (lambda rng: rng.exponential(size=n), lambda rng: rng.exponential(size=n)),
        "low rank": (lambda rng: rng.normal(size=(n, 30)) * low_rank, lambda rng: rng.normal(size=(n, 30)) * low_rank),
        "full rank": (lambda rng: rng.normal(size=(n, 50)), lambda rng: rng.normal(size=(n, 60))),
        "more columns than rows": (lambda rng: rng.normal(size=(n, 8)), lambda rng: rng.normal(size=(n, 300))),
    }
    for kind, (left, right) in kinds.items():
        rng = np.random.default_rng(7)
        p = np.array([kdprobe.cka(left(rng), right(rng)).details["p"] for _ in range(draws)])
        for nominal in (0.05, 0.01):
            share = float(np.mean(p <= nominal))
            yield compared(f"false positives at {nominal:.0%}, {kind}, {draws:,} draws", share, "nominal", nominal, "share")


def million(rows: int) -> Iterator[Row]:
    """One stream over very many rows of 20 × 12 layers of total width 4,000."""
    widths = [50, 100, 150, 200, 125] * 4, [100, 125, 150, 83, 83, 84] * 2
    names = [{f"layer{i}": width for i, width in enumerate(side)} for side in widths]
    total = [sum(side) for side in widths]
    rng = np.random.default_rng(0)
    mixing = [rng.normal(size=(40, width)).astype(np.float32) for width in total]
    stream = CKAStream(*names)

    def run() -> None:
        for _ in range(0, rows, 1000):
            shared = rng.normal(size=(1000, 40)).astype(np.float32)
            batch = []
            for side, weights in zip(names, mixing, strict=True):
                values = shared @ weights + 6 * rng.standard_normal((1000, weights.shape[1]), dtype=np.float32)
                batch.append(dict(zip(side, np.split(values, np.cumsum(list(side.values()))[:-1], axis=1), strict=True)))
            stream.update(*batch)

    start = time.process_time()
    memory = added_mb(run)
    spent = time.process_time() - start
    start = time.process_time()
    stream.result()
    case = f"{stream.n:,} rows, 20×12 layers, total width {sum(total):,}"
    yield compared(f"{case}: memory added", memory, "-", np.nan, "MB")
    yield compared(f"{case}: stream, data included", spent, "-", np.nan, "CPU s")
    yield compared(f"{case}: result", time.process_time() - start, "-", np.nan, "CPU s")


def compared(case: str, ours: float, peer: str, theirs: float, unit: str) -> Row:
    """One row of the table; a peer that could not run has None. The ratio is ours over theirs."""
    known = bool(np.isfinite(theirs))
    return {
        "case": case,
        "ours": float(ours) if np.isfinite(ours) else None,
        "peer": peer,
        "theirs": float(theirs) if known else None,
        "peer_version": importlib.metadata.version(peer) if peer in PEERS and found(peer) is not None else "",
        "ratio": float(ours / theirs) if known and theirs else None,
        "unit": unit,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller cases, no peers, under a minute")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--part", choices=PARTS, action="append", help="may be given several times; default: all but million")
    parser.add_argument("--draws", type=int, default=2000, help="of the null")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the million")
    options = parser.parse_args()
    torch.set_num_threads(1)
    quick = options.quick
    known = list(PEERS)
    if quick:
        PEERS.clear()
    wide = [64, 128, 256, 512]
    parts = {
        "accuracy": accuracy,
        "pair": lambda: pair(4000, 256, slow_peers=False) if quick else pair(10_000, 512, slow_peers=True),
        "pairs": lambda: pairs(500 if quick else 2000, wide * 5, wide * 3),
        "hooks": lambda: hooks(256, (6, 4), (8, 8)) if quick else hooks(2000, (20, 12), (64, 32)),
        "rsa": lambda: representational(200 if quick else 1000, 64),
        "null": lambda: null(200 if quick else options.draws),
        "million": lambda: million(20_000 if quick else options.rows),
    }
    rows: list[Row] = []
    for part in options.part or PARTS[:-1]:
        for row in parts[part]():
            rows.append({"part": part} | row)
            if not options.json:
                theirs = f"{row['peer']} {row['peer_version']} {row['theirs']:.4g}" if row["theirs"] is not None else ""
                times = f"{1 / row['ratio']:.3g} times" if row["ratio"] and row["unit"] in ("CPU s", "MB") else ""
                ours = "not known" if row["ours"] is None else f"{row['ours']:.4g}"
                print(f"{row['case']:82} {ours:>10}  {theirs:30} {row['unit']:26} {times}", flush=True)
    missing = [name for name in known if found(name) is None]
    if options.json:
        print(json.dumps({"rows": rows, "missing_peers": missing}, ensure_ascii=False))
    elif missing:
        print(f"not run: {', '.join(missing)} ({'--quick' if quick else 'pip install --no-deps --target DIR NAME, then PYTHONPATH=DIR'})")


if __name__ == "__main__":
    main()

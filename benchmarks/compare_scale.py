"""What a comparison costs at scale: time beside the bare forward passes of its models, and memory beside theirs.

    python benchmarks/compare_scale.py            # 100,000 tokens of a vocabulary of 32,000; 50,000 rows of 1,000 classes with 3 twins
    python benchmarks/compare_scale.py --quick    # a twentieth of the rows

Each case runs in a process of its own, once bare and once compared, and its peak of memory is the process's. Ours is the CPU time of the
comparison, or the memory that it adds; the peer is the same models run over the same data and nothing else.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

VOCABULARY, LENGTH, CLASSES, TWINS = 32_000, 128, 1_000, 3
TOKENS, ROWS = 100_000, 50_000
GOALS = {"language models": (3.0, 1.0), "classes": (None, 1.0)}


def language_models(tokens: int) -> tuple[list[Any], Any]:
    """A causal pair of 4 and 2 layers, and token ids in batches of 4 sequences."""
    import torch
    from torch import nn

    class Causal(nn.Module):
        def __init__(self, wide: int, layers: int) -> None:
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, wide)
            block = nn.TransformerEncoderLayer(wide, 4, 4 * wide, batch_first=True, dropout=0.0, norm_first=True)
            self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
            self.head = nn.Linear(wide, VOCABULARY)
            self.register_buffer("ahead", torch.triu(torch.ones(LENGTH, LENGTH, dtype=torch.bool), 1))

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.blocks(self.embedding(input_ids), mask=self.ahead, is_causal=True))

    torch.manual_seed(0)
    models = [Causal(384, 4).eval(), Causal(256, 2).eval()]
    ids = torch.randint(0, VOCABULARY, (tokens // LENGTH, LENGTH))
    return models, [{"input_ids": part} for part in ids.split(4)]


def run_language_models(tokens: int, *, compared: bool) -> None:
    """The pair over its data, compared or bare."""
    import torch

    import kdprobe

    models, batches = language_models(tokens)
    started = time.process_time()
    if compared:
        found = kdprobe.compare(models[0], models[1], batches, task="classification", target="input_ids")
        value = found.results["kl"]["own"].value or 0.0
    else:
        with torch.inference_mode():
            value = float(sum(model(batch["input_ids"])[0, 0, 0] for batch in batches for model in models))
    say(started, value)


def run_classes(rows: int, *, compared: bool) -> None:
    """Arrays of logits of a pair and its twins; bare they are only there."""
    import numpy as np

    import kdprobe

    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, rows)
    logits = rng.standard_normal((2 + TWINS, rows, CLASSES), dtype=np.float32)
    logits[:, np.arange(rows), y] += 3
    logits[1] = (logits[0] + logits[1]) / 2
    started = time.process_time()
    value = float(logits[0, 0, 0])
    if compared:
        found = kdprobe.compare(logits[0], logits[1], (None, y), task="classification", twins=list(logits[2:]))
        value = found.results["kl"]["difference"].value or 0.0
    say(started, value)


def say(started: float, value: float) -> None:
    """Print what was spent; the process ends here."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"cpu": time.process_time() - started, "peak": peak, "value": value}))


RUNS = {"language models": run_language_models, "classes": run_classes}


def spent(case: str, size: int, *, compared: bool) -> dict[str, float]:
    """One run in a process of its own."""
    words = [sys.executable, __file__, "--case", case, "--size", str(size), *(["--compared"] if compared else [])]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def rows_of(case: str, size: int) -> Iterator[dict[str, Any]]:
    """Time and memory of one case."""
    bare, ours = (spent(case, size, compared=compared) for compared in (False, True))
    name = f"{case}, {size:,} {'tokens' if case == 'language models' else 'rows'}"
    rest = {"peer": "bare forward passes", "peer_version": ""}
    yield {"case": name, "ours": ours["cpu"], **rest, "ratio": ours["cpu"] / max(bare["cpu"], 1e-9), "unit": "CPU s"}
    yield {"case": name, "ours": ours["peak"] - bare["peak"], **rest, "ratio": ours["peak"] / bare["peak"], "unit": "GiB added"}


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", choices=list(RUNS))
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--compared", action="store_true")
    given = parser.parse_args()
    if given.size:
        RUNS[given.case](given.size, compared=given.compared)
        return
    sizes = {"language models": TOKENS, "classes": ROWS}
    found = [row for case in RUNS if given.case in (None, case) for row in rows_of(case, sizes[case] // (20 if given.quick else 1))]
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for row in found:
        print(f"{row['case']:40} {row['ours']:8.2f} {row['unit']:10} {row['ratio']:8.2f} x {row['peer']}")


if __name__ == "__main__":
    main()

"""Which measure may be called transfer? All of kdprobe's own likenesses through the six gates, for classification and regression.

    python analyses/transfer_gates.py                                      # the table: about twenty minutes on one thread
    python analyses/transfer_gates.py --quick                              # few and small networks: a minute, passes nothing
    python analyses/transfer_gates.py --out reports/transfer_gates.md      # write it

It is what `kdprobe gates NAME` does for one measure, on the same networks for all: 1,000 held-out twins for G1, and for the rest students
at five doses and six or seven controls, on forty paired seeds: with ten hardly any control can be shown to stay within a fifth. Read as
kdprobe reads them: own teacher less sibling teachers, less the same of the twin.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from kdprobe.core.registry import available
from kdprobe.testing.gates import Depth, Gate, gates
from kdprobe.testing.gates.networks import QUICK
from kdprobe.testing.gates.put import TASKS
from kdprobe.verdicts.gates import ASKS

FIRST_LOOK = (
    "Ten seeds, the depth that `kdprobe gates` has by itself, were looked at first: no measure passed G3 on either task. Forty were taken "
    "after that look. Outcomes of 22 pairs are not adjusted for their number. What passes here is therefore to be asked again, of networks "
    "and a task that nobody has looked at, before much is built on it."
)


def outcomes(*, quick: bool) -> dict[str, dict[str, list[Gate]]]:
    """Kind of task -> measure -> its gates."""
    return {
        kind: gates(
            [probe for probe in available("probes").values() if probe.likeness and probe.cost == "cheap" and probe.applies_to(kind)],
            task=task,
            depth=QUICK if quick else Depth(seeds=40),
        )
        for kind, task in TASKS.items()
    }


def answer(found: Mapping[str, Mapping[str, list[Gate]]]) -> str:
    """The first sentences: which pass all, and where the others stop."""
    told = []
    for kind, of in found.items():
        whole = [name for name, gates in of.items() if all(gate.outcome == "pass" for gate in gates)]
        told.append(f"{TASKS[kind]} ({kind}): {', '.join(whole) or 'no measure'}")
    first = f"**All six gates were passed by these alone: on {'; on '.join(told)}.**"
    pairs = [(kind, name) for kind, of in found.items() for name in of]
    counted = []
    for place, name in enumerate(ASKS):
        held = [found[kind][measure][place].outcome for kind, measure in pairs]
        counted.append(f"{name} {held.count('pass')}" + (f" ({held.count('refused')} without an answer)" if "refused" in held else ""))
    return (
        f"{first} Of {len(pairs)} pairs of measure and task passed: {', '.join(counted)}. Of a measure that fails G3 it is not shown "
        "that it stays at nothing where nothing of this teacher was taught: call what it reads likeness, and show siblings and controls "
        "beside it."
    )


def markdown(*, quick: bool) -> str:
    """The whole answer."""
    found = outcomes(quick=quick)
    text = ["# Which measure may be called transfer", "", answer(found), "", *([] if quick else [FIRST_LOOK, ""])]
    text += [f"* **{name}** {asks}" for name, asks in ASKS.items()]
    for kind, measures in found.items():
        text += ["", f"## {kind.capitalize()}: {TASKS[kind]}", "", f"| measure | {' | '.join(ASKS)} |", "|---" * (1 + len(ASKS)) + "|"]
        text += [f"| {name} | {' | '.join(map(_cell, through))} |" for name, through in measures.items()]
        text += ["", "What was found:", ""]
        for name, through in measures.items():
            if all(gate.outcome == "pass" for gate in through):
                continue
            text += [f"* **{name}** " + " ".join(f"{gate.name}: {gate.says}." for gate in through if gate.outcome != "pass")]
    # a minus sign, where a number follows
    return re.sub(r"(?<![\w-])-(?=[\d.])", "−", "\n".join(text)) + "\n"


def _cell(gate: Gate) -> str:
    if gate.outcome == "refused":
        return "no answer"
    number = "" if gate.number is None else f" ({gate.number:.2g})"
    return ("passes" if gate.outcome == "pass" else "**fails**") + number


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few and small networks: a minute")
    parser.add_argument("--out", type=Path, help="a Markdown file to write, instead of printing")
    options = parser.parse_args(arguments)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of training, not after
    torch.set_num_threads(1)
    found = markdown(quick=options.quick)
    if options.out is None:
        print(found)
    else:
        options.out.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Which measure of similarity tells apart what is known to differ? Grounding tests of ReSi on small networks that are trained here.

    python analyses/resi_grounding.py                                       # the table: about five minutes on one thread
    python analyses/resi_grounding.py --quick                               # one task, few networks: seconds
    python analyses/resi_grounding.py --out reports/resi_grounding.md       # write it

ReSi (Klabunde et al. 2024, arXiv:2408.00531) judges measures by what a similarity ought to know. Tests of it that fit perceptrons of a few
thousand weights:

* **groups by design**: networks that were trained alike should be more alike than networks that were not. Groups are clean labels, labels
  of which half or all were redrawn at random, and no training at all. Read at the last hidden layer. For each network the share of
  (mate, other) pairs in which the mate is more similar, averaged over the networks of one group and of the other: chance is 1/2. Beside
  it ReSi's own figure, average precision (AP) of finding pairs of one group among all pairs; chance is a little below 1/2.
* **monotone layers**: in one network, of three layers the two outer ones should be the least alike. Chance is 1/2.
* **predictions**: pairs of trained networks that disagree more in their predictions should be less similar. Spearman's correlation of
  similarity and agreement over pairs of clean networks; chance is 0.

Networks of one group share their labels and differ in initialisation and batch order. Intervals are over networks, whole: a jackknife that
leaves out each in turn, in Wilson's form for shares, so that a share of 1 out of 20 networks is no certainty.
"""

import argparse
import itertools
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import spearmanr, t
from sklearn.metrics import average_precision_score

import kdprobe
from kdprobe.core.identity import derived_seed
from kdprobe.core.result import Refusal
from kdprobe.stats.intervals import FISHER, Interval, from_left_out, over_seeds, wilson
from kdprobe.tasks.splits import Split, split
from kdprobe.training.engines import train_stack
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem
from kdprobe.training.streams import initial_module

DEPTH, WIDTH = 5, 32
CLEAN, UNTRAINED = "clean labels", "untrained"
OTHERS = ("half random labels", "random labels", UNTRAINED)
REDRAWN = {CLEAN: 0.0, "half random labels": 0.5, "random labels": 1.0, UNTRAINED: None}
"""Share of labels that are redrawn in each group; None is not trained at all."""
Similarity = Callable[[np.ndarray, np.ndarray], float]
Cell = Interval | Refusal | float


class Plan(NamedTuple):
    """How much is trained and read."""

    networks: int
    """In each group."""
    steps: int
    rows: int
    """Probe rows."""


class Network(NamedTuple):
    """What is read of one trained network on the probe rows."""

    layers: list[np.ndarray]
    """(n, width) each, first to last hidden layer."""
    classes: np.ndarray
    """(n,) predictions."""
    accuracy: float


def measures() -> dict[str, Callable[..., kdprobe.Measurement | Refusal]]:
    """Every similarity of the package, as it is by default; without permutations, whose p is not asked for here."""
    return {
        "CKA": kdprobe.cka,
        **{
            name: partial(measure, permutations=0)
            for name, measure in {
                "Procrustes": kdprobe.procrustes,
                "CCA": kdprobe.cca,
                "SVCCA": kdprobe.svcca,
                "PWCCA": kdprobe.pwcca,
                "RSA": kdprobe.rsa,
                "mutual k-NN": kdprobe.mutual_knn,
                "neighbourhood Jaccard": kdprobe.neighbourhood_jaccard,
            }.items()
        },
    }


def networks(task: str, plan: Plan) -> dict[str, list[Network]]:
    """Networks of each group, trained side by side."""
    parts = split(kdprobe.available("tasks")[task])
    return {group: _group(parts, share, plan) for group, share in REDRAWN.items()}


def _group(parts: Split, share: float | None, plan: Plan) -> list[Network]:
    family, untaught = kdprobe.available("families")["mlp"], kdprobe.available("distillers")["none"]
    jobs = [
        Job(
            task=parts.task,
            data=parts.sha256,
            draw=0,
            family="mlp",
            width=WIDTH,
            options=dict(family.options) | {"depth": DEPTH},
            role="twin",
            # networks of two groups are no pairs: none shares its initialisation with one of another
            seed=derived_seed("grounding", str(share), seed) % 2**31,
            steps=plan.steps,
            batch_size=64,
            learning_rate=0.003,
            weight_decay=1e-4,
        )
        for seed in range(plan.networks)
    ]
    modules = [initial_module(job, family, parts.input_shape, parts.outputs) for job in jobs]
    if share is not None:
        rng = np.random.default_rng(derived_seed("labels", parts.task, str(share)))
        labels = np.where(rng.random(parts.train.n) < share, rng.integers(0, parts.outputs, parts.train.n), parts.train.y)
        x, y = (
            [torch.from_numpy(np.array(part.x)) for part in (parts.train, parts.validation)],
            [torch.from_numpy(np.array(values, dtype=np.int64)) for values in (labels, parts.validation.y)],
        )
        problem = Problem(
            kind="classification",
            family=family,
            distiller=untaught,
            outputs=parts.outputs,
            x=x[0],
            y=y[0],
            teachers=None,
            teacher_of=[0] * plan.networks,
            validation_x=x[1],
            validation_y=y[1],
        )
        trained = train_stack(jobs, problem)
        for i, module in enumerate(modules):
            module.load_state_dict({name: values[i] for name, values in trained.state.items()})
    return [_read(module, parts, plan.rows) for module in modules]


def _read(module: torch.nn.Module, parts: Split, rows: int) -> Network:
    with torch.no_grad():
        outputs, features = module.eval()(torch.from_numpy(np.array(parts.probe_a.x[:rows])))
    classes = outputs.numpy().argmax(axis=1)
    layers = [values.numpy() for values in features.values()]
    return Network(layers, classes, float(np.mean(classes == parts.probe_a.y[:rows])))


def table_of(similarity: Similarity, nets: list[Network]) -> np.ndarray:
    """(g, g) similarity of the last hidden layers of all pairs, NaN on the diagonal."""
    found = np.full((len(nets), len(nets)), np.nan)
    for i, j in itertools.combinations(range(len(nets)), 2):
        found[i, j] = found[j, i] = similarity(nets[i].layers[-1], nets[j].layers[-1])
    return found


def told_apart(similar: np.ndarray, mates: np.ndarray) -> Interval | Refusal:
    """How well a table (g, g) of similarities tells networks of one group (g,) from others: the share seen from that group."""

    def share(keep: np.ndarray) -> float:
        return float(np.mean([share_of_mates(similar[i][keep], mates[keep]) for i in np.flatnonzero(keep & mates)]))

    everyone = np.ones(len(mates), dtype=bool)
    left_out = np.array([share(everyone & (np.arange(len(mates)) != i)) for i in range(len(mates))])
    return of_share(share(everyone), left_out, int(mates.sum()))


def precision(similar: np.ndarray, group: np.ndarray) -> float:
    """Average precision of finding pairs of one group (g,) by their similarity."""
    upper = np.triu_indices(len(group), 1)
    return float(average_precision_score(group[upper[0]] == group[upper[1]], similar[upper]))


def share_of_mates(similar: np.ndarray, mate: np.ndarray) -> float:
    """Of all (mate, other) pairs, the share in which the mate is more similar; ties count half. The network itself is NaN."""
    mates, others = similar[mate & np.isfinite(similar)], similar[~mate]
    return float(np.mean(np.sign(mates[:, None] - others) / 2 + 0.5))


def of_share(share: float, left_out: np.ndarray, units: int) -> Interval | Refusal:
    """Wilson's interval with as many units as the jackknife over networks is worth, and never more than there are networks."""
    jackknife = from_left_out(share, left_out, np.ones(len(left_out)))
    if isinstance(jackknife, Refusal):
        return jackknife
    worth = min(share * (1 - share) / jackknife.error**2, units) if jackknife.error > 0 else units
    return wilson(share, worth, quantile=float(t.ppf(0.975, units - 1)), units=units)


def monotone(similarity: Similarity, nets: list[Network]) -> Interval | Refusal:
    """Share of triples of layers whose outer two are the least alike, in each network; over networks."""
    shares = np.array([share_of_order(similarity, net.layers) for net in nets])
    return of_share(float(shares.mean()), (shares.sum() - shares) / (len(shares) - 1), len(shares))


def share_of_order(similarity: Similarity, layers: list[np.ndarray]) -> float:
    """Of s(i, j) ≥ s(i, k) and s(j, k) ≥ s(i, k) over all i < j < k, the share that holds."""
    count = len(layers)
    found = {(i, j): similarity(layers[i], layers[j]) for i, j in itertools.combinations(range(count), 2)}
    holds = [found[near] >= found[i, k] for i, j, k in itertools.combinations(range(count), 3) for near in ((i, j), (j, k))]
    return float(np.mean(holds))


def predicted(similar: np.ndarray, nets: list[Network]) -> Interval | Refusal:
    """Spearman's correlation of similarity with agreement of predictions, over pairs of networks."""
    if len(nets) < 4:
        return Refusal(reason=f"{len(nets)} networks have too few pairs", advice="train at least 4")
    agreement = np.array([[np.mean(a.classes == b.classes) for b in nets] for a in nets])

    def correlation(keep: np.ndarray) -> float:
        upper = np.triu_indices(len(keep), 1)
        return float(spearmanr(similar[np.ix_(keep, keep)][upper], agreement[np.ix_(keep, keep)][upper]).statistic)

    everyone = np.arange(len(nets))
    left_out = np.array([correlation(np.delete(everyone, i)) for i in everyone])
    return from_left_out(correlation(everyone), left_out, np.ones(len(nets)), transform=FISHER)


def answers(task: str, plan: Plan) -> tuple[dict[str, Interval | Refusal], dict[str, dict[str, dict[str, Cell]]]]:
    """Accuracy of each group, and measure -> question -> column -> answer."""
    groups = networks(task, plan)
    everyone = [net for nets in groups.values() for net in nets]
    names = np.repeat(list(groups), plan.networks)
    found: dict[str, dict[str, dict[str, Cell]]] = {}
    for name, measure in measures().items():
        similarity = checked(name, measure)
        similar = table_of(similarity, everyone)
        row: dict[str, dict[str, Cell]] = {}
        for other in OTHERS:
            both = np.flatnonzero(np.isin(names, [CLEAN, other]))
            part, group = similar[np.ix_(both, both)], names[both]
            shares: dict[str, Cell] = {f"seen from {side}": told_apart(part, group == side) for side in (CLEAN, other)}
            row[f"{CLEAN} or {other}"] = shares | {"AP": precision(part, group)}
        clean = np.flatnonzero(names == CLEAN)
        row["Layers in order, and predictions"] = {
            "layers of clean labels": monotone(similarity, groups[CLEAN]),
            "layers of untrained": monotone(similarity, groups[UNTRAINED]),
            "agreement of predictions": predicted(similar[np.ix_(clean, clean)], groups[CLEAN]),
        }
        found[name] = row
    return {group: over_seeds(np.array([net.accuracy for net in nets])) for group, nets in groups.items()}, found


def checked(name: str, measure: Callable[..., kdprobe.Measurement | Refusal]) -> Similarity:
    """The value of a measure, which must not refuse these networks."""

    def similarity(x: np.ndarray, y: np.ndarray) -> float:
        result = measure(x, y)
        if isinstance(result, Refusal):
            raise RuntimeError(f"{name} refused a pair of networks: {result.reason}")
        return float(result)

    return similarity


def shown(cell: Cell) -> str:
    """Value and interval as text."""
    if isinstance(cell, Refusal):
        return f"not known: {cell.reason}"
    return f"{cell:.2f}" if isinstance(cell, float) else f"{cell.value:.2f} [{cell.low:.2f}, {cell.high:.2f}]"


def markdown(tasks: Mapping[str, Plan]) -> str:
    """The tables of each task."""
    text: list[str] = []
    for task, plan in tasks.items():
        accuracy, found = answers(task, plan)
        groups = "; ".join(f"{group} {shown(interval)}" for group, interval in accuracy.items())
        trained = f"{plan.networks} networks in each group, {plan.steps} steps, {plan.rows} probe rows"
        text += [f"## {task}", "", f"{trained}. Accuracy on clean labels: {groups}.", ""]
        for question, columns in next(iter(found.values())).items():
            text += [f"### {question.capitalize()}", "", f"| measure | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
            text += [f"| {name} | {' | '.join(map(shown, row[question].values()))} |" for name, row in found.items()]
            text.append("")
    return "\n".join(text)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="digits only, 3 networks in each group, few steps: seconds")
    parser.add_argument("--out", type=Path, help="a Markdown file to write, instead of printing")
    options = parser.parse_args(arguments)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)  # before minutes of training, not after
    torch.set_num_threads(1)
    tables = markdown({"digits": Plan(3, 150, 120)} if options.quick else {"letters": Plan(10, 1200, 500), "digits": Plan(10, 600, 350)})
    if options.out is None:
        print(tables)
        return
    # what stands above the tables, readings of them included, is written by hand
    head = options.out.read_text(encoding="utf-8").split("\n## ")[0].rstrip() if options.out.exists() else "# Grounding tests"
    options.out.write_text(f"{head}\n\n{tables}", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Puts metrics through all gates: networks are trained once, and every metric reads the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kdprobe.core.arguments import whole
from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.core.probe import Probe
from kdprobe.core.registry import available, find
from kdprobe.core.task import Task
from kdprobe.core.trace import Trace
from kdprobe.testing.gates.invariances import invariances
from kdprobe.testing.gates.networks import DOSES, FULL, QUICK, Depth, Trainer
from kdprobe.testing.gates.readings import Reader, Reading
from kdprobe.verdicts import gates as through
from kdprobe.verdicts.gates import Gate

TASKS = {"classification": "letters", "regression": "bikeshare"}
HELD_OUT_SEEDS = 5_000
"""Seeds of held-out twins start here: no network shares one with them."""
AT_ONCE = 8
"""Groups in one stack."""
CONTROLS = {
    "classification": ("shuffled", "class_means", "label_smoothing"),
    "regression": ("shuffled_imitation", "mean_imitation"),
}
FULL_TEACHING = {"classification": "kd", "regression": "l2_imitation"}

Progress = Callable[[str], None]


class Arms(NamedTuple):
    """Students by arm, with all that they are read against."""

    teachers: list[Trace]
    twins: list[Trace]
    students: dict[str, list[Trace]]
    gains: np.ndarray
    """(seeds, arms) loss of the paired twin less the student's, on rows that no metric reads."""
    scores: np.ndarray
    """(seeds, arms) accuracy, or minus the squared error, on yet other rows."""


def gates(
    probe: Probe | Sequence[Probe],
    *,
    task: str | None = None,
    quick: bool = False,
    seeds: int | None = None,
    reading: Reading = "specific",
    depth: Depth | None = None,
    progress: Progress = lambda text: None,
) -> dict[str, list[Gate]]:
    """Put transfer metrics through the six gates before the word "transfer" is used of them.

    Parameters
    ----------
    probe
        One or several probes: they read the same networks.
    task
        A task that holds data here; by default letters for what is defined for classification, else bikeshare.
    quick
        Few and small networks, in a minute: enough to see that a metric runs and to fail it, never enough to pass G1.
    seeds
        Paired seeds of doses and controls, for G2 to G5. By default those of the depth: ten, with which hardly any control can be shown to
        stay within a fifth of full teaching (G3). Decide before the first look: more seeds until a metric passes are no pass.
    reading
        "specific": own teacher minus siblings minus the placebo, which is what kdprobe calls transferred. "moved": student minus untaught
        twins, as a metric is read where nobody trained siblings.
    depth
        Numbers of networks, in place of `quick`.
    progress
        Is told what is being trained.

    Returns
    -------
    dict
        Name of the probe -> its gates, G1 to G6. Networks of full depth are 3,000 for G1 and a hundred or so for the rest: minutes on one
        core, and the readings of costly probes come on top.

    Raises
    ------
    PlanError
        If a probe says of no model how alike it is to another, or is not defined for the task, or seeds are fewer than 2.

    Examples
    --------
    See ``kdprobe gates --help``.
    """
    probes = [probe] if isinstance(probe, Probe) else list(probe)
    if not probes:
        raise PlanError("probe is empty: give at least one")
    used: Task = find("tasks", task or _task_of(probes[0]))
    for one in probes:
        if not one.likeness:
            raise PlanError(f"probe {one.name!r} is no likeness of a student and a teacher (likeness=False): no gate is for it")
        if not one.applies_to(used.kind):
            raise PlanError(f"probe {one.name!r} is for {' and '.join(one.tasks)}, task {used.name!r} is a {used.kind}: choose a task")
    if reading not in ("specific", "moved"):
        raise PlanError(f"reading={reading!r} is unknown: {did_you_mean(str(reading), ('specific', 'moved'))}")
    depth = depth or (QUICK if quick else FULL)
    if seeds is not None:
        depth = replace(depth, seeds=whole("seeds", seeds, least=2, advice="give 2 or more, and 8 or more for a verdict"))
    trainer = Trainer(used, depth)
    target = trainer.read.y
    nulls: dict[str, list[np.ndarray]] = {one.name: [] for one in probes}
    for teachers, twins, held_out in _groups(trainer, progress):
        for one in probes:
            nulls[one.name].append(Reader(one, teachers, twins, target, reading)(held_out))
    arms = train_arms(trainer, progress)
    return {one.name: _through(one, np.array(nulls[one.name]), arms, target, reading) for one in probes}


def _task_of(probe: Probe) -> str:
    return TASKS["classification" if "classification" in probe.tasks else "regression"]


def _groups(trainer: Trainer, progress: Progress) -> Iterator[tuple[list[Trace], list[Trace], list[Trace]]]:
    """Teachers, twins and held-out twins of each group: no network is in two groups. Several groups are trained in one stack."""
    depth = trainer.depth
    for start in range(0, depth.groups, AT_ONCE):
        end = min(start + AT_ONCE, depth.groups)
        progress(f"untaught networks, groups {start + 1} to {end} of {depth.groups}")
        seeds = range(start * depth.group, end * depth.group)
        held_out = [HELD_OUT_SEEDS + seed for seed in seeds]
        trained = (
            trainer.traces(trainer.untaught(role, width, which, steps=depth.short), trainer.read, name)
            for name, role, width, which in (
                ("teacher", "teacher", depth.teacher, seeds),
                ("twin", "twin", depth.narrow, seeds),
                ("held-out twin", "twin", depth.narrow, held_out),
            )
        )
        teachers, twins, others = trained
        for first in range(0, len(seeds), depth.group):
            own = slice(first, first + depth.group)
            yield teachers[own], twins[own], others[own]


def train_arms(trainer: Trainer, progress: Progress = lambda text: None) -> Arms:
    """Students at every dose, and controls: on the same seeds and the same fresh rows."""
    depth, kind = trainer.depth, trainer.kind
    seeds, read = range(depth.seeds), trainer.read
    progress("teachers and twins")
    teachers = trainer.untaught("teacher", depth.teacher, seeds, steps=depth.steps)
    twins = trainer.untaught("twin", depth.student, seeds, steps=depth.steps)
    networks = {}
    for alpha in DOSES:
        progress(f"students, α = {alpha:g}")
        networks[f"α={alpha:g}"] = trainer.taught(FULL_TEACHING[kind], alpha, teachers, seeds, steps=depth.steps)
    for control in CONTROLS[kind]:
        progress(f"control {control}")
        networks[control] = trainer.taught(control, 1.0, teachers, seeds, steps=depth.steps)
    progress("controls: other task, sibling, wider")
    others = trainer.untaught("other-task teacher", depth.teacher, seeds, steps=depth.steps, other=True)
    networks["other-task teacher"] = trainer.taught(FULL_TEACHING[kind], 1.0, others, seeds, steps=depth.steps)
    networks["sibling teacher"] = trainer.taught(FULL_TEACHING[kind], 1.0, teachers.turned(), seeds, steps=depth.steps)
    networks["untaught, wider"] = trainer.untaught("twin", 2 * depth.student, seeds, rows=trainer.parts.transfer, steps=depth.steps)
    losses, scores = zip(*(trainer.performance(one) for one in networks.values()), strict=True)
    baseline, _ = trainer.performance(twins)
    return Arms(
        teachers=trainer.traces(teachers, read, "teacher"),
        twins=trainer.traces(twins, read, "twin"),
        students={name: trainer.traces(one, read, name) for name, one in networks.items()},
        gains=baseline[:, None] - np.array(losses).T,
        scores=np.array(scores).T,
    )


def _through(probe: Probe, null: np.ndarray, arms: Arms, target: np.ndarray, reading: Reading) -> list[Gate]:
    reader = Reader(probe, arms.teachers, arms.twins, target, reading)
    found = {name: reader(students) for name, students in arms.students.items()}
    readings, names = np.stack(list(found.values()), axis=1), tuple(found)
    doses = [f"α={alpha:g}" for alpha in DOSES]
    # without any teacher's weight, on as many true labels: the untaught student that is as good
    controls = {"untaught, fresh labels": found["α=0"]} | {name: values for name, values in found.items() if name not in doses}
    return [
        through.null(null),
        through.dose(readings[:, : len(DOSES)]),
        through.specificity(found["α=1"], controls),
        through.incremental(readings, arms.gains, arms.scores),
        through.sign(readings, arms.gains, arms.scores, names),
        invariances(probe),
    ]


def metric(name: str) -> Probe:
    """Return a probe by its name, or out of a module: "my_package.metric" or "my_package.metric:MINE".

    Raises
    ------
    PlanError
        If there is none.
    """
    known = available("probes")
    if name in known:
        return known[name]
    import importlib

    path, _, attribute = name.partition(":")
    if "." not in path and not attribute:
        raise PlanError(f"metric {name!r} is unknown: {did_you_mean(name, known)}; or give a module that holds a probe: my_package.metric")
    # "../metric.py" is a file and ".metric" a part of no package: Python answers either with an error of its own
    if not all(word.isidentifier() for word in path.split(".")):
        raise PlanError(f"metric {name!r} is no name of a module: write it as Python imports it, such as my_package.metric")
    try:
        module = importlib.import_module(path)
    except ImportError as error:
        parent, _, last = path.rpartition(".")
        try:
            module, attribute = importlib.import_module(parent), attribute or last
        except (ImportError, ValueError):
            raise PlanError(f"metric {name!r}: {error}: give a module on Python's path, such as my_package.metric") from None
    held = {key: value for key, value in vars(module).items() if isinstance(value, Probe)}
    if attribute:
        if attribute not in held:
            raise PlanError(f"metric {name!r}: {module.__name__} holds no probe {attribute!r}: {did_you_mean(attribute, held)}")
        return held[attribute]
    if len(held) != 1:
        listed = ", ".join(sorted(held)) or "none"
        raise PlanError(f"metric {name!r}: {module.__name__} holds {len(held)} probes ({listed}): name one as {path}:NAME")
    return next(iter(held.values()))

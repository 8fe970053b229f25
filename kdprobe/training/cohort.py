"""Networks that learn together: each is taught by what the others say at this very step (deep mutual learning, Zhang et al. 2018)."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kdprobe.training.engines import choose, cuts_of, joined, stacked
from kdprobe.training.job import Job
from kdprobe.training.loop import Learner, gathered
from kdprobe.training.loss_check import check_losses
from kdprobe.training.problem import Problem, Trained
from kdprobe.training.teachers import Live
from kdprobe.training.turns import in_turns


def train_together(groups: Sequence[Sequence[Job]], problems: Sequence[Problem], engine: str = "auto") -> list[Trained]:
    """Train cohorts of networks that teach each other.

    At every step the networks of a cohort learn one after the other, each from the labels of its batch and from what the others, as they
    then are, say of it: algorithm 1 of the paper, but for batches of their own. Of several peers the mean output is the target.

    Cost: the training of each network and, for each of its peers, one more forward pass a step.

    Parameters
    ----------
    groups
        Jobs by stack key; jobs in the same place are a cohort.
    problems
        What each group learns from.
    engine
        As in `kdprobe.training.engines.train`.

    Raises
    ------
    PlanError
        If there is no such engine.
    ContractError
        If a distiller's loss cannot teach.
    """
    problems = [_live(jobs, problem) for jobs, problem in zip(groups, problems, strict=True)]
    for jobs, problem in zip(groups, problems, strict=True):
        check_losses(jobs, problem)
    chosen = _choice(groups, problems, engine) if engine in ("auto", "stack") else engine
    if chosen == "loop":
        pairs = list(zip(*[_in_loops(cohort, problems) for cohort in zip(*groups, strict=True)], strict=True))
        return [gathered(trained, problem.checks(jobs[0].steps)) for trained, problem, jobs in zip(pairs, problems, groups, strict=True)]
    cuts = cuts_of(len(groups[0]), chosen)
    parts = [_in_stacks([jobs[start:end] for jobs in groups], problems) for start, end in cuts]
    return [joined(trained, chosen) for trained in zip(*parts, strict=True)]


def _live(jobs: Sequence[Job], problem: Problem) -> Problem:
    # closed forms prepare what they need of the teachers once, before training
    distiller = replace(problem.distiller, closed=None)
    return replace(problem, distiller=distiller, teachers=Live(problem.kind, problem.distiller.head), teacher_of=range(len(jobs)))


def _in_loops(cohort: Sequence[Job], problems: Sequence[Problem]) -> list[Any]:
    own = [replace(problem, teachers=Live(problem.kind, problem.distiller.head)) for problem in problems]
    learners = [Learner(job, problem, 0) for job, problem in zip(cohort, own, strict=True)]
    _introduce(learners, own)
    return in_turns([learner.training() for learner in learners])


def _in_stacks(groups: Sequence[Sequence[Job]], problems: Sequence[Problem]) -> list[Trained]:
    alone = len(groups[0]) == 1
    if alone:
        # never a stack of one, see `Stack`
        groups = [[jobs[0], jobs[0]] for jobs in groups]
    own = [_live(jobs, problem) for jobs, problem in zip(groups, problems, strict=True)]
    stacks = [stacked(jobs, problem) for jobs, problem in zip(groups, own, strict=True)]
    _introduce(stacks, own)
    trained = in_turns([stack.training() for stack in stacks])
    return [one.first() for one in trained] if alone else trained


def _introduce(learners: Sequence[Any], problems: Sequence[Problem]) -> None:
    for learner, problem in zip(learners, problems, strict=True):
        assert isinstance(problem.teachers, Live)
        problem.teachers.learners += [other for other in learners if other is not learner]


def _choice(groups: Sequence[Sequence[Job]], problems: Sequence[Problem], engine: str) -> str:
    """The choice for the network that wants the fewest models at once, timed without peers."""
    found = [
        choose(jobs, replace(problem, teachers=None, distiller=replace(problem.distiller, loss=None)), loop=engine == "auto")
        for jobs, problem in zip(groups, problems, strict=True)
    ]
    return min(found, key=lambda name: 0 if name == "loop" else int(re.findall(r"\d+", name)[0]))

"""The engines, and the choice between them: one model at a time, or as many at once as run fastest."""

import re
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch

from kdprobe.core.errors import PlanError, did_you_mean
from kdprobe.training.closed import fit_closed
from kdprobe.training.dropout import with_masks
from kdprobe.training.job import Job
from kdprobe.training.loop import Learner, train_loop
from kdprobe.training.loss_check import check_losses
from kdprobe.training.predictors import fit_predictors
from kdprobe.training.problem import Problem, Trained
from kdprobe.training.stack.chain import chain_of
from kdprobe.training.stack.chained import Chained
from kdprobe.training.stack.general import Stack
from kdprobe.training.streams import initial_module

ENGINES = ("auto", "stack", "loop")
LARGEST = 64
"""Models at once, at most: more saves nothing and costs memory."""
SIZES = (2, 4, 8, 16, LARGEST)
TRIED_STEPS = 2
AT_ONCE = 400_000
"""Parameters of a stack of perceptrons, at most where it has more than `FEWEST` models: what does not stay in the cache costs a third."""
FEWEST = 8
ENOUGH = 0.97
"""More models at once are tried as long as a step of a model takes less than this share of what it took with fewer."""
CLEARLY = 0.85
"""The loop is chosen where it takes less than this share of the best stack's time: it has other last bits, so noise shall not decide."""


def train(jobs: Sequence[Job], problem: Problem, engine: str = "auto") -> Trained:
    """Train jobs of one stack key, or fit them where their family has a closed form.

    Parameters
    ----------
    engine
        "loop" trains one model at a time, "stack" many at once, "auto" whichever is faster. What `Trained.engine` says, such as
        "chain of 4", repeats an earlier choice.

    Raises
    ------
    PlanError
        If there is no such engine.
    ContractError
        If the distiller's loss cannot teach.

    Notes
    -----
    How many models are trained at once changes no bit of them. The loop differs from the stack in last bits.
    """
    check_losses(jobs, problem)
    if problem.family.fit == "ridge":
        return fit_closed(jobs, problem)
    if problem.family.fit == "predictor":
        return fit_predictors(jobs, problem)
    chosen = choose(jobs, problem) if engine == "auto" else choose(jobs, problem, loop=False) if engine == "stack" else engine
    if chosen == "loop":
        return train_loop(jobs, problem)
    cuts = cuts_of(len(jobs), chosen)
    return joined([train_stack(jobs[start:end], problem.part(slice(start, end))) for start, end in cuts], chosen)


def cuts_of(jobs: int, choice: str) -> list[tuple[int, int]]:
    """Where the stacks of a choice such as "chain of 4" start and end. Raises PlanError if it is no choice."""
    found = re.fullmatch(r"(stack|chain) of (\d+)", choice)
    if not found:
        raise PlanError(f"engine={choice!r} is unknown: {did_you_mean(choice, ENGINES)}")
    size = max(2, int(found[2]))
    # at least two models in each: one alone would be trained twice
    parts = max(1, min(-(-jobs // size), jobs // 2))
    return list(pairwise(round(part * jobs / parts) for part in range(parts + 1)))


def joined(trained: Sequence[Trained], choice: str) -> Trained:
    """Several stacks of one stack key as one."""
    return Trained(
        state={name: torch.cat([one.state[name] for one in trained]) for name in trained[0].state},
        history={
            name: values if name == "step" else torch.cat([one.history[name] for one in trained])
            for name, values in trained[0].history.items()
        },
        engine=choice,
    )


def train_stack(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Train all jobs at once; agrees with `train_loop` to rounding. A model is the same bits whatever is in the stack."""
    if len(jobs) == 1:
        return train_stack([jobs[0], jobs[0]], problem.part([0, 0])).first()
    return stacked(jobs, problem).train()


def stacked(jobs: Sequence[Job], problem: Problem) -> Stack:
    """The stack of some jobs, ready to train: by hand where the network is a chain, else by `torch.func.vmap`."""
    modules = [with_masks(initial_module(job, problem.family, problem.input_shape, problem.network_outputs)) for job in jobs]
    chain = chain_of(modules[0]) if problem.distiller.head == "plain" or problem.taught else None
    return Stack(jobs, problem, modules) if chain is None else Chained(jobs, problem, modules, chain)


def choose(jobs: Sequence[Job], problem: Problem, *, loop: bool = True) -> str:
    """The engine that takes a step of a model in the least time, such as "chain of 4" or "loop".

    It depends on the networks and not on how many jobs there are. Multilayer perceptrons need no trial: they are fastest all at once, as
    long as the cache holds their parameters. Costs a few steps of `LARGEST` models.
    """
    probe = stacked([jobs[0], jobs[0]], problem.part([0, 0]))
    if isinstance(probe, Chained) and not probe.chain.of_maps:
        return f"{probe.name} of {min(LARGEST, max(FEWEST, AT_ONCE // probe.layout.size))}"
    best, size = float("inf"), LARGEST
    for tried in SIZES:
        places = [place % len(jobs) for place in range(tried)]
        stack = stacked([jobs[place] for place in places], problem.part(places))
        seconds = seconds_a_step(stack.step, problem.device) / tried
        if seconds > ENOUGH * best:
            break
        best, size = seconds, tried
    if loop and seconds_a_step(Learner(jobs[0], problem, problem.teacher_of[0]).step, problem.device) < CLEARLY * best:
        return "loop"
    return f"{probe.name} of {size}"


def seconds_of_step(jobs: Sequence[Job], problem: Problem, engine: str) -> float:
    """Seconds that one step of all jobs takes under a choice such as "chain of 4" or "loop"; on a CPU those of this thread alone.

    Costs the set-up of one stack and a few steps of it: nothing is trained.
    """
    if engine == "loop":
        return len(jobs) * seconds_a_step(Learner(jobs[0], problem, problem.teacher_of[0]).step, problem.device)
    places = range(*cuts_of(len(jobs), engine)[0]) if len(jobs) > 1 else [0, 0]
    stack = stacked([jobs[place] for place in places], problem.part([*places]))
    return max(1.0, len(jobs) / len(places)) * seconds_a_step(stack.step, problem.device)


def seconds_a_step(step: Callable[[int], object], device: torch.device) -> float:
    """Least time of a few steps after the first; the steps of a job of few steps are repeated."""
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    step(0)
    taken = []
    for _ in range(TRIED_STEPS):
        start = clock()
        step(0)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(clock() - start)
    return min(taken)

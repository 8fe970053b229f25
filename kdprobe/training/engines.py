"""The engines: one model at a time, or many at once."""

from collections.abc import Sequence
from dataclasses import replace

from kdprobe.training.chain import chain_of
from kdprobe.training.dense import Dense
from kdprobe.training.dropout import with_masks
from kdprobe.training.job import Job
from kdprobe.training.problem import Problem, Trained
from kdprobe.training.stack import Stack
from kdprobe.training.streams import initial_module


def train_stack(jobs: Sequence[Job], problem: Problem) -> Trained:
    """Train jobs of one stack key together; agrees with `train_loop` to rounding. A model is the same bits whatever is in the stack."""
    if len(jobs) == 1:
        trained = train_stack([jobs[0], jobs[0]], replace(problem, teacher_of=[problem.teacher_of[0]] * 2))
        first = {name: values if name == "step" else values[:1] for name, values in trained.history.items()}
        return Trained(state={name: values[:1] for name, values in trained.state.items()}, history=first, engine=trained.engine)
    return stacked(jobs, problem).train()


def stacked(jobs: Sequence[Job], problem: Problem) -> Stack:
    """The stack of some jobs, ready to train: by hand where the network is a chain, else by `torch.func.vmap`."""
    modules = [with_masks(initial_module(job, problem.family, problem.input_shape, problem.network_outputs)) for job in jobs]
    chain = chain_of(modules[0]) if problem.distiller.head == "plain" or problem.taught else None
    return Stack(jobs, problem, modules) if chain is None else Dense(jobs, problem, modules, chain)

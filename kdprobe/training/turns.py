"""Training runs step by step, so that several can go on side by side."""

from collections.abc import Generator, Sequence
from typing import TypeVar

Result = TypeVar("Result")
Run = Generator[None, None, Result]
"""A training run that stops after every step; what it returns is what it trained."""


def in_turns(runs: Sequence[Run[Result]]) -> list[Result]:
    """Take a step of each run in turn until all have ended; what they return.

    Examples
    --------
    >>> def run(name):
    ...     for step in range(2):
    ...         print(name, step)
    ...         yield
    ...     return name
    >>> in_turns([run("a"), run("b")])
    a 0
    b 0
    a 1
    b 1
    ['a', 'b']
    """
    found: dict[int, Result] = {}
    while len(found) < len(runs):
        for place, run in enumerate(runs):
            if place not in found:
                try:
                    next(run)
                except StopIteration as end:
                    found[place] = end.value
    return [found[place] for place in range(len(runs))]

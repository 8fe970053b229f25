"""One thread for many small matrix products.

Linear algebra libraries start a thread a core for products that take microseconds, and wait for each other: on two cores some probes
then take ten times as long. What is worth parallel work is many pairs of models at once, which sweeps do by processes.
"""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def single_threaded(function: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Run `function` with one thread a library, and give the caller its setting back."""

    @functools.wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        with threadpool_limits(1):
            # torch keeps a number of its own; a torch that is not loaded is not loaded for this
            torch = sys.modules.get("torch")
            threads: int = torch.get_num_threads() if torch is not None else 1
            if torch is not None and threads > 1:
                torch.set_num_threads(1)
            try:
                return function(*args, **kwargs)
            finally:
                if torch is not None and threads > 1:
                    torch.set_num_threads(threads)

    return run

"""Ctrl-C that cannot get lost."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any


@contextmanager
def heard() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if one was raised since, and caught by somebody whom it did not concern.

    Libraries that try something and go on when it fails, and what Python runs while it collects garbage, may swallow the exception; a sweep
    asks after each unit of work. Where the program has a handler of its own, or elsewhere than in its main thread, nothing is changed.
    """
    pressed = False

    def press(number: int, frame: Any) -> None:
        nonlocal pressed
        pressed = True
        signal.default_int_handler(number, frame)

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    ours = current_thread() is main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, press)
    try:
        yield check
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)

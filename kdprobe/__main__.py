"""``kdprobe`` and ``python -m kdprobe``."""

import contextlib
import io
import os
import signal
import sys
from typing import Any


class Terminated(KeyboardInterrupt):
    """Another process asked this one to end: it ends as after Ctrl-C, so that its workers end too."""


def main() -> None:
    """Run the command line and exit with its code."""
    code = 130
    try:
        signal.signal(signal.SIGTERM, _terminate)
        _prepare_streams()
        # importing takes a moment in which a person may already have changed their mind
        from kdprobe.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = 143 if isinstance(interrupt, Terminated) else 130
        _say("kdprobe: terminated" if code == 143 else "kdprobe: interrupted")
    # all is said and done: an interrupt while Python tidies up changes nothing
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if code in (130, 143):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        # what libraries would still tidy up may be half made: a cluster that was starting is closed in tracebacks; its workers end with us
        os._exit(code)
    sys.exit(code)


def _terminate(number: int, frame: Any) -> None:
    raise Terminated


def _prepare_streams() -> None:
    """Names hold letters that not every terminal can show; and what is closed must not become the next file that is opened."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr)


if __name__ == "__main__":
    main()

"""Whether a script may start processes: each new one runs the script again, down to where it asks what its name is."""

import ast
import os
import sys
from types import FrameType

from kdprobe.core.errors import PlanError

ADVICE = 'put the call under `if __name__ == "__main__":`, or give jobs=0 to run in this process'


def check_guard(jobs: int) -> None:
    """Refuse to start workers from the top of a script that they would run again, and from a script on standard input.

    Raises
    ------
    PlanError
        If the call that is being made would be made again by every worker.
    """
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    if main is None or path is None:
        return  # typed in, or a notebook: workers find nothing to run
    if not os.path.exists(path):
        raise PlanError(f"jobs={jobs}: worker processes cannot read the script again from {path}: save it to a file, or give jobs=0")
    frame: FrameType | None = sys._getframe()
    while frame is not None and not (frame.f_globals is vars(main) and frame.f_code.co_name == "<module>"):
        frame = frame.f_back
    if frame is not None and not _guarded(path, frame.f_lineno):
        raise PlanError(f"jobs={jobs}: worker processes would run {os.path.basename(path)} again, line {frame.f_lineno} too: {ADVICE}")


def _guarded(path: str, line: int) -> bool:
    """Whether a line of a file lies under a condition on the module's name."""
    try:
        with open(path, "rb") as file:
            statements = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError):
        return True  # no source, such as an archive: not for us to say
    for statement in statements:
        if statement.lineno <= line <= (statement.end_lineno or line):
            return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(statement))
    return True

"""``kdprobe --install-completion``."""

import sys
from typing import Literal


def install(*, shell: Literal["bash", "zsh", "fish", "powershell"] | None = None) -> int:
    """Let the shell complete commands, flags and files: writes its script and one line in the shell's start-up file.

    Parameters
    ----------
    shell
        By default the one that this runs in.
    """
    from cyclopts.completion.detect import ShellDetectionError, detect_shell

    from kdprobe.cli import build
    from kdprobe.core.errors import PlanError

    if shell is None:
        try:
            shell = detect_shell()
        except ShellDetectionError as error:
            raise PlanError("--install-completion: the shell is not known: give --shell bash, zsh, fish or powershell") from error
    print(build().install_completion(shell=shell))
    print(f"kdprobe: open a new {shell}, and Tab completes commands, flags and files", file=sys.stderr)
    return 0

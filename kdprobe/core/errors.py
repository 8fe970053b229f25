"""What a person is told when something cannot be done: the argument, its value, the next step."""

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """Data, a checkpoint or a zoo cannot be used as it is. The command line exits with 3."""


class PlanError(ValueError):
    """A request is wrong: an unknown name, an impossible value, a missing choice. The command line exits with 2."""


class ContractError(TypeError):
    """A probe, distiller, task, family, scheme or section breaks the contract of its kind."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return the tail of an error text that names the nearest options.

    Examples
    --------
    >>> did_you_mean("leters", ["letters", "digits"])
    "did you mean 'letters'? Known: digits, letters"
    """
    options = sorted(options)
    near = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
    known = ", ".join(options)
    if near:
        return f"did you mean {' or '.join(repr(option) for option in near)}? Known: {known}"
    return f"give one of {known}" if options else "there are none"

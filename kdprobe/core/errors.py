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
    >>> did_you_mean("leters", ["letters", "nested_ols"])
    "did you mean 'letters'? Known: letters, nested_ols"
    """
    options = sorted(options)
    likeness = {option: difflib.SequenceMatcher(None, option, name).ratio() for option in options}
    # beside a slip of one letter, what shares half of the letters is no suggestion
    least = max(0.5, max(likeness.values(), default=0.0) - 0.2)
    near = sorted((option for option in options if likeness[option] >= least), key=lambda option: -likeness[option])[:3]
    known = ", ".join(options)
    if near:
        return f"did you mean {' or '.join(repr(option) for option in near)}? Known: {known}"
    return f"give one of {known}" if options else "there are none"

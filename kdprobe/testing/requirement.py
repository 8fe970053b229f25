"""How a suite says what is broken."""

from typing import Any

from kdprobe.core.errors import ContractError


def require(thing: Any, condition: bool, text: str) -> None:
    """Raise ContractError that names the thing and its kind, unless a condition holds.

    Examples
    --------
    >>> from kdprobe import available
    >>> require(available("probes")["cka"], False, "its title is empty")
    Traceback (most recent call last):
    kdprobe.core.errors.ContractError: probe 'cka': its title is empty
    """
    if not condition:
        raise ContractError(f"{type(thing).__name__.lower()} {thing.name!r}: {text}")

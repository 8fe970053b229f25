"""The kinds of plan there are, by what they ask: one file each, found by looking."""

import importlib
import pkgutil

from kdprobe.core.errors import ContractError
from kdprobe.sweep.plan import Plan


def asked() -> tuple[str, ...]:
    """Names of the questions, which are those of the files here; imports none of them."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(__path__)))


def kind(asks: str) -> type[Plan]:
    """The kind of plan that asks a question."""
    module = importlib.import_module(f"{__name__}.{asks}")
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    found = next((value for value in own if issubclass(value, Plan)), None)
    if found is None or found.asks != asks:
        raise ContractError(f"{module.__name__} has no plan with asks={asks!r}: the file's name, asks and the flag are one word")
    return found


def kinds() -> dict[str, type[Plan]]:
    """Every kind of plan by what it asks."""
    return {name: kind(name) for name in asked()}

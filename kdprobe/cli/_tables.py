"""What commands share: switches, and tables on standard output."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from kdprobe.core.words import visible

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
"""A switch that is off unless it is given."""


LONGEST_NAME, WORD = 40, 14
"""Letters of a name, in the first column, and of what stands in another one, that are kept whole."""


def show(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: ruled and fitted to the width of a terminal, or tab-separated where the output is piped.

    The first column holds names, which stay whole; the others are broken between words.
    """
    import sys

    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print(*(visible(str(cell)) for cell in row), sep="\t")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for place, column in enumerate(columns):
        # a name that is cut or broken cannot be typed, and a single word is not broken for the sake of a sentence beside it
        longest = max(len(visible(str(text))) for text in (column, *(row[place] for row in rows)))
        table.add_column(column, overflow="fold", no_wrap=longest <= (WORD if place else LONGEST_NAME))
    for row in rows:
        # markup off: a name may hold brackets
        table.add_row(*(_escaped(cell) for cell in row))
    Console().print(table)


def flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a mapping holds as rows of names and short texts: one level a dot, four digits a number.

    Examples
    --------
    >>> dict(flat({"plan": {"seeds": 3, "alpha": [0.5, 1 / 3]}, "failed": [], "loss": 0.123456, "unit": None}))
    {'plan.seeds': '3', 'plan.alpha': '0.5, 0.3333', 'failed': 'none', 'loss': '0.1235', 'unit': 'none'}
    """
    for key, value in found.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", _plain(value)


def _plain(value: Any) -> str:
    if value is None or value in ((), [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_plain(inside)}" for key, inside in value.items())
    return str(value)


def _escaped(cell: Any) -> str:
    from rich.markup import escape

    return escape(visible(str(cell)))

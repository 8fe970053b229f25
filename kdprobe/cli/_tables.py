"""What commands share: switches, and tables on standard output."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from kdprobe.core.words import visible

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
"""A switch that is off unless it is given."""


def show(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: ruled and folded to the width of a terminal, or tab-separated where the output is piped."""
    import sys

    if not sys.stdout.isatty():
        for row in (columns, *rows):
            print(*(visible(str(cell)) for cell in row), sep="\t")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        # a name cut short cannot be typed
        table.add_column(column, overflow="fold")
    for row in rows:
        # markup off: a name may hold brackets
        table.add_row(*(_escaped(cell) for cell in row))
    Console().print(table)


def _escaped(cell: Any) -> str:
    from rich.markup import escape

    return escape(visible(str(cell)))

"""Opening a page that was written."""

import sys
import webbrowser
from pathlib import Path


def open_page(page: Path) -> None:
    """Open a page in the reader's browser, and say so on standard error where there is none: the page is there all the same."""
    if not webbrowser.open(page.resolve().as_uri()):
        print(f"no browser could be opened: open {page} yourself, or name one in the variable BROWSER", file=sys.stderr)

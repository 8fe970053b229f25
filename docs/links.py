"""Does every link inside the built site lead somewhere, and is nothing asked of the net when a page is opened? `make docs` runs it.

Usage: python docs/links.py FOLDER
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""What a browser fetches by itself, by tag."""


class Page(HTMLParser):
    """Links, places that links lead to, and what is loaded, of one page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names."""
        given = {name: value for name, value in attrs if value}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        # canonical addresses and the like are told, not fetched
        if tag in LOADED and LOADED[tag] in given and given.get("rel", "stylesheet") in ("stylesheet", "icon", "preload", "shortcut icon"):
            self.loaded.append(given[LOADED[tag]])


@cache
def page(path: Path) -> Page:
    """Read a page once."""
    return Page(path.read_text(encoding="utf-8"))


def problems(folder: Path) -> list[str]:
    """Return what is wrong, one line a link, and nothing where all is well."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        here = path.relative_to(folder)
        if here.parts[0] == "_static":
            continue  # parts of the theme, no pages
        for link in [*page(path).links, *page(path).loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page(path).loaded and parts.scheme != "data":
                    found.append(f"{here}: loads {link} from the net")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                found.append(f"{here}: {link} leads nowhere")
            elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target).places:
                found.append(f"{here}: {link} names a place that is not there")
    return found


if __name__ == "__main__":
    told = problems(Path(sys.argv[1]).resolve())
    print(*told, sep="\n", end="\n" if told else "")
    sys.exit(1 if told else 0)

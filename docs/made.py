"""What the site shows and nobody writes by hand: the API's lists, the notebooks, the built reports and the benchmarks' page.

All of it goes below ``docs/_build/made`` and ``docs/made``, which are no part of the repository.
"""

import ast
import hashlib
import posixpath
import re
import shutil
from pathlib import Path

import jupytext

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "made"
"""Pages that Sphinx reads beside those that people write."""
REPOSITORY = {
    "benchmarks/README.md": "benchmarks",
    "analyses/README.md": "analyses",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
    **{f"reports/{path.name}": f"tables/{path.stem}" for path in sorted((ROOT / "reports").glob("*.md")) if path.name != "README.md"},
}
"""Pages of the repository that the site has, and what it calls them."""
MADE = ROOT / "docs" / "_build" / "made"
PUBLIC = ("kdprobe", "kdprobe.theory", "kdprobe.testing", "kdprobe.testing.gates")
"""Packages whose public names are the API."""
ROOMS = {
    "compare": "Compare models of your own",
    "sweep": "Train and measure a zoo",
    "training": "Train twins of your own recipe",
    "zoo": "Read a zoo",
    "report": "Write a page",
    "verdicts": "Verdicts on tables of runs",
    "measures": "Measures: arrays in, a number with its interval out",
    "core": "Results, errors, and what plug-ins are written with",
    "theory": "Theory in closed form",
    "testing": "Tests for plug-ins",
}
"""Headings of the API's page, in its order."""


def everything() -> None:
    """Make all of it anew."""
    for folder in (PAGES, MADE):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    (PAGES / "api.md").write_text(api(), encoding="utf-8")
    for source, page in REPOSITORY.items():
        target = PAGES / f"{page}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text(linked((ROOT / source).read_text(encoding="utf-8"), Path(source), page), encoding="utf-8")
    (PAGES / "gallery.html").write_text(gallery(), encoding="utf-8")
    (PAGES / "notebooks").mkdir()
    for path in sorted((ROOT / "notebooks").glob("*.py")):
        jupytext.write(jupytext.read(path), PAGES / "notebooks" / f"{path.stem}.ipynb")
    shutil.copytree(ROOT / "reports", MADE / "copied" / "reports", ignore=shutil.ignore_patterns("README.md"))


def public(package: str) -> dict[str, str]:
    """Return each public name of a package and the room that it is from: what its `__init__` defines, or exports by `import x as x`."""
    folder = ROOT / package.replace(".", "/")
    found: dict[str, str] = {}
    for path in (folder / "__init__.py", folder / "__init__.pyi"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body if path.exists() else []:
            if isinstance(node, ast.ImportFrom):
                module = f"{package}.{node.module}" if node.level and node.module else node.module or package
                found |= {alias.name: f"{module}.{alias.name}" for alias in node.names if alias.asname == alias.name}
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = f"{package}.{node.name}"
    return {name: full.split(".")[1] for name, full in sorted(found.items(), key=lambda item: item[0].lower()) if not name.startswith("_")}


def api() -> str:
    """Return the API's page: every public name under the heading of its room."""
    found: dict[str, list[str]] = {room: [] for room in ROOMS}
    for package in PUBLIC:
        for name, room in public(package).items():
            if f"{package}.{name}" not in PUBLIC:
                found[room].append(f"{package}.{name}")
    lines = [
        "# API",
        "",
        "Every public name, by what it is for. `import kdprobe` takes no time: torch and pandas are loaded on first use.",
        "",
    ]
    for room, names in found.items():
        listed = [f"   {name}" for name in names]
        lines += [
            f"## {ROOMS[room]}",
            "",
            "```{eval-rst}",
            ".. autosummary::",
            "   :toctree: api",
            "   :nosignatures:",
            "",
            *listed,
            "```",
            "",
        ]
    return "\n".join(lines)


def files() -> dict[str, str]:
    """Return the files of those names that differ from another one's by case alone: not every disk tells these apart."""
    names = [f"{package}.{name}" for package in PUBLIC for name in public(package)]
    lower = {name for name in names if name.islower()}
    return {name: f"{name}-class" for name in names if name not in lower and name.lower() in lower}


def linked(text: str, source: Path, page: str) -> str:
    """Return a page of the repository with each link to a file turned to where the site has it; what it has not is named, not linked."""

    def turned(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if ":" in target or target.startswith("#"):
            return found[0]
        file = posixpath.normpath((source.parent / target).as_posix())
        here = posixpath.dirname(f"made/{page}")
        if file in REPOSITORY:
            return f"[{words}]({posixpath.relpath(f'made/{REPOSITORY[file]}.md', here)})"
        if file.startswith("reports/"):
            return f'<a href="{posixpath.relpath(file, here)}">{words}</a>'
        return words if words == file else f"{words} (`{file}`)"

    return re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", turned, text)


def gallery() -> str:
    """Return the gallery: each built page under its own question, as a small picture of itself."""
    cards = []
    for path in sorted((ROOT / "reports").glob("*.html")):
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", path.read_text(encoding="utf-8"), flags=re.S)
        assert heading, f"{path} has no heading"
        question, address = re.sub(r"<[^>]+>|\s+", " ", heading[1]).strip(), f"reports/{path.name}"
        cards.append(
            f'<a class="report" href="{address}"><span class="picture"><iframe src="{address}" loading="lazy" tabindex="-1" '
            f'title="{path.stem}, in small"></iframe></span><b>{question}</b> <code>{path.name}</code></a>'
        )
    return '<div class="reports">' + "".join(cards) + "</div>\n"


def fingerprint() -> str:
    """Return a hash of the package: what a notebook shows depends on it, not on the notebook alone."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "kdprobe").rglob("*")):
        if path.is_file() and path.suffix in {".py", ".json", ".csv", ".npz", ".jinja", ".css"}:
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]

"""Pages and tables of runs as files: known to be ours before they are replaced, and proving what they hold."""

import hashlib
import re
from pathlib import Path

from kdprobe.core.files import head, read_regular

_GENERATOR = re.compile(rb'<meta name="generator" content="kdprobe [^"]{0,40}">\n')
_SEAL = re.compile(rb'<meta name="kdprobe-seal" content="page ([0-9a-f]{64})(?:; runs ([0-9a-f]{64}) ([^"]*))?">\n')
# pages of before the generator was named, which have no seal
_UNSEALED = (
    b'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    b"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-"
)
_RUNS = b"model_id,kind,task,role,family,width,"
MARK = "made by kdprobe report"
"""In the first line of a table in Markdown or LaTeX, and in the metadata of a figure."""
_TABLES = (f"<!-- {MARK} -->\n".encode(), f"% {MARK};".encode(), b"student,model,")
_FIGURES = (b"<?xml", b"%PDF-")


def is_page(path: Path) -> bool:
    """Whether a file is a page that kdprobe wrote: pages name their generator."""
    start = head(path, 1024)
    return start.startswith(_UNSEALED) or (start.startswith(b"<!doctype html>") and _GENERATOR.search(start) is not None)


def is_runs(path: Path) -> bool:
    """Whether a file is a table of runs that kdprobe wrote: by the columns it begins with."""
    return head(path, len(_RUNS)) == _RUNS


def is_table(path: Path) -> bool:
    """Whether a file is a table of scores that kdprobe wrote: by its first line."""
    return head(path, 64).startswith(_TABLES)


def is_figure(path: Path) -> bool:
    """Whether a file is an SVG or PDF that kdprobe wrote: both name their creator."""
    if not head(path, 8).startswith(_FIGURES):
        return False
    try:
        return MARK.encode() in read_regular(path)
    except OSError:
        return False


def sealed(page: str, *, runs: bytes | None = None, name: str = "") -> bytes:
    """Return a page as bytes that hold the SHA-256 of all others of them, and that of the table of runs beside it."""
    content = page.encode()
    place = _GENERATOR.search(content)
    if place is None:
        raise ValueError("the page does not name its generator")
    beside = "" if runs is None else f"; runs {hashlib.sha256(runs).hexdigest()} {name}"
    seal = f'<meta name="kdprobe-seal" content="page {hashlib.sha256(content).hexdigest()}{beside}">\n'
    return content[: place.end()] + seal.encode() + content[place.end() :]


def page_problems(path: Path) -> list[str]:
    """What of a page and the table of runs beside it is not what was written, in words; nothing is known of pages without a seal."""
    again = "write the report again"
    if not is_page(path):
        return [f"{path.name} is no page that kdprobe wrote: {again}"]
    content = read_regular(path)
    if content.startswith(_UNSEALED):
        return []
    seal = _SEAL.search(content, 0, 1024)
    if seal is None or hashlib.sha256(content[: seal.start()] + content[seal.end() :]).hexdigest().encode() != seal[1]:
        return [f"{path.name} is not what was written: {again}"]
    if seal[2] is None:
        return []
    # a table whose name leads elsewhere was never beside the page
    runs = path.with_name(Path(seal[3].decode(errors="replace")).name)
    try:
        same = is_runs(runs) and hashlib.sha256(read_regular(runs)).hexdigest().encode() == seal[2]
    except OSError:
        same = False
    return [] if same else [f"{runs.name} is not what was written with {path.name}: {again}"]

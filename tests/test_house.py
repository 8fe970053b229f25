"""The house as a reader finds it: no two files that import each other, no file too long to read, no folder too full to know."""

import ast
import graphlib
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "kdprobe"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST, FULLEST = 300, 25
ONE_FILE_A_THING = {"probes", "tasks", "families", "distillers", "schemes", "sections"}


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path) for path in FILES}


def imported(path):
    """Every module of the package that a file imports, wherever the import stands: at its top, in a function, or for type checkers."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            # a name of a package is the package's own, or a file in it
            found |= (inside & MODULES) or {node.module}
    return (found & MODULES) - {name_of(path)}


def test_no_two_files_import_each_other():
    # the package's face names everything and is imported by nobody inside but for its version and its public functions
    arrows = {name_of(path): imported(path) - {"kdprobe"} for path in FILES if path != PACKAGE / "__init__.py"}
    assert sum(map(len, arrows.values())) > 500
    graphlib.TopologicalSorter(arrows).prepare()  # raises CycleError, which names the circle


def test_files_can_be_read_at_a_sitting():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_folders_can_be_known():
    full = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in FILES)
    assert {name: count for name, count in full.items() if count > FULLEST and Path(name).name not in ONE_FILE_A_THING} == {}

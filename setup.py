"""What pyproject.toml cannot say: a wheel carries the tables that the package cites, and the pages of `kdprobe answers`, from beside it."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PAGE = re.compile(r'<a href="([\w-]+\.(?:html|md))"')
"""A page or table that the index leads to."""


def cited() -> list[Path]:
    """Return the files of ``reports/`` that the package names, on its pages and in its docstrings."""
    found = {name for path in (ROOT / "kdprobe").rglob("*.py") for name in re.findall(r"reports/\w+\.md", path.read_text(encoding="utf-8"))}
    pages = {f"reports/{name}" for name in PAGE.findall((ROOT / "reports" / "index.html").read_text(encoding="utf-8"))}
    return [ROOT / name for name in sorted(found | pages | {"reports/index.html"})]


class WithTables(build_py):
    """Puts them into the wheel's ``kdprobe/reports``; an editable install reads the clone's own."""

    def run(self) -> None:
        """Build as ever, then copy."""
        super().run()
        if not self.editable_mode:
            folder = Path(self.build_lib, "kdprobe", "reports")
            folder.mkdir(parents=True, exist_ok=True)
            for path in cited():
                shutil.copy(path, folder)


setup(cmdclass={"build_py": WithTables})

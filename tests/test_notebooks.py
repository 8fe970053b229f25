"""Notebooks are run as a reader runs them: a kernel of their own, every cell, no error and no warning shown."""

import resource
from pathlib import Path

import jupytext
import nbclient
import pytest

LONGEST = 60
"""Seconds of CPU that a notebook may take."""
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.py"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own start
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, small_zoo_folder, monkeypatch):
    monkeypatch.setenv("KDPROBE_ZOO", str(small_zoo_folder))
    notebook, before = jupytext.read(path), cpu()
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs), "a notebook teaches with pictures"
    assert cpu() - before < LONGEST
    for output in outputs:
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.get("text")


def cpu():
    """Seconds that ended processes of this one took: those of a kernel, once it has been shut down."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_header_of_a_notebook_is_whole(path):
    """A header that does not end is read as a cell of text, and no kernel is named."""
    notebook = jupytext.read(path)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert notebook.metadata["jupytext"]["text_representation"]["format_name"] == "percent"
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")


def test_there_is_a_first_look():
    assert "first_look" in {path.stem for path in NOTEBOOKS}

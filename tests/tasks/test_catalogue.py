import pytest

from kdprobe.core.errors import PlanError
from kdprobe.core.registry import available
from kdprobe.tasks import catalogue


def test_every_task_is_listed_with_what_is_known_of_it():
    entries = {entry.name: entry for entry in catalogue.catalogue()}
    assert list(entries) == list(available("tasks"))
    for name, rows in (("letters", 20_000), ("bikeshare", 8645)):
        entry = entries[name]
        assert (entry.rows, entry.licence, entry.here) == (rows, "CC BY 4.0", True)
        assert (entry.folder / "LICENCES.md").is_file()


def test_here_follows_the_files(monkeypatch, tmp_path):
    monkeypatch.setenv("KDPROBE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    missing = next(entry for entry in catalogue.catalogue() if entry.name == "diamonds")
    assert (missing.here, missing.folder, missing.rows) == (False, None, 53_917)
    (tmp_path / "diamonds.csv").write_text("looked for, not read")
    found = next(entry for entry in catalogue.catalogue() if entry.name == "diamonds")
    assert (found.here, found.folder) == (True, tmp_path)


def test_fetch_of_embedded_data_is_its_folder():
    assert (catalogue.fetch("letters") / "letter_recognition.csv.gz").is_file()


def test_fetch_refuses_an_unknown_task():
    with pytest.raises(PlanError, match=r"task 'diamond' is unknown: did you mean 'diamonds'\? Known: austen, bikeshare, "):
        catalogue.fetch("diamond")


def test_a_task_without_files(monkeypatch):
    from dataclasses import replace

    made = replace(available("tasks")["letters"], name="made", files=None)
    monkeypatch.setattr(catalogue, "available", lambda kind: {"made": made})
    monkeypatch.setattr(catalogue, "find", lambda kind, name: made)
    assert [(entry.here, entry.folder) for entry in catalogue.catalogue()] == [(True, None)]
    with pytest.raises(PlanError, match="task 'made' reads no files: there is nothing to fetch"):
        catalogue.fetch("made")

"""A sweep writes only into what it wrote itself: each test repeats an attack, and looks whether anything was touched."""

import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import pytest

import kdprobe
from kdprobe.core.errors import DataError, PlanError
from kdprobe.zoo.folder import check_folder
from kdprobe.zoo.writer import Writer
from tests.conftest import SMALL


def tree(folder: Path) -> dict[str, object]:
    """Every name below a folder with what is there, links not followed."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


STRANGERS = {
    "notes.txt": r"holds notes.txt, which kdprobe did not write: choose a new or empty folder with --out, or move it elsewhere",
    "shards/model-00001-of-00002.safetensors": r"holds shards/model-00001-of-00002.safetensors, which kdprobe did not write",
    ".editor.tmp": r"holds .editor.tmp, which kdprobe did not write",
    "shards/.a.tmp": r"holds shards/.a.tmp, which kdprobe did not write",
    "runs.csv": r"holds runs.csv, which kdprobe did not write",
    "report.html": r"holds report.html, which kdprobe did not write",
    "lock": r"holds lock, which kdprobe did not write",
    "pilot/notes.txt": r"holds pilot/notes.txt, which kdprobe did not write",
    "a\nkdprobe: done": r"holds a\\nkdprobe: done, which kdprobe did not write",
    "targets/deep/a": r"holds targets/deep, which kdprobe did not write",
}


@pytest.mark.parametrize("zoo", [False, True], ids=["an empty folder", "a zoo"])
@pytest.mark.parametrize("name", STRANGERS)
def test_what_kdprobe_did_not_write_is_named_and_left_alone(own_zoo_folder, tmp_path, name, zoo):
    folder = own_zoo_folder if zoo else tmp_path / "theirs"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("theirs")
    before = tree(folder)
    with pytest.raises(PlanError, match=STRANGERS[name]):
        kdprobe.sweep(SMALL, folder)
    assert tree(folder) == before


@pytest.mark.parametrize("name", ["shards", "targets", "lock", "index.sqlite", "plan.json", "report.html", "runs.csv", "pilot"])
def test_a_link_is_not_followed(tmp_path, name):
    folder, other = tmp_path / "zoo", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "a.tmp").write_text("theirs")
    (folder / name).symlink_to(other if name in ("shards", "targets", "pilot") else other / "a.tmp")
    with pytest.raises(PlanError, match=rf"holds {name} \(a link\), which kdprobe did not write"):
        kdprobe.sweep(SMALL, folder)
    assert (other / "a.tmp").read_text() == "theirs"
    assert list(folder.iterdir()) == [folder / name]


def test_a_pipe_and_a_socket_are_not_opened(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "runs.csv")
    with pytest.raises(PlanError, match=r"holds runs.csv \(a pipe\)"):
        check_folder(tmp_path)
    (tmp_path / "runs.csv").unlink()
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("lock")
        with pytest.raises(PlanError, match=r"holds lock \(a socket\)"):
            check_folder(tmp_path)


def test_a_path_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("theirs")
    with pytest.raises(PlanError, match=r"file is a file: give the path of a folder with --out"):
        kdprobe.sweep(SMALL, tmp_path / "file")
    with pytest.raises(PlanError, match=r"null is a device: give the path of a folder"):
        kdprobe.sweep(SMALL, os.devnull)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PlanError, match=r"link is a link: give the path of a folder"):
        kdprobe.sweep(SMALL, tmp_path / "link")


def test_the_folder_one_is_in_must_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlanError, match="out='' would be the folder you are in: give the path of a new folder"):
        kdprobe.sweep(SMALL, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["page.html", "report.html"])
def test_other_reports_in_its_folder_do_not_stop_a_sweep(own_zoo_folder, name):
    kdprobe.report(own_zoo_folder, own_zoo_folder / name)
    kdprobe.sweep(SMALL, own_zoo_folder).close()


def test_what_an_interrupted_write_left_is_ours(own_zoo_folder):
    left = [own_zoo_folder / ".report.html.ab12cd34.kdprobe-tmp", own_zoo_folder / "shards" / ".x.ab12cd34.kdprobe-tmp"]
    older = own_zoo_folder / ".runs.csv.ab12cd34.tmp"  # of format 2: known, and left alone
    for path in (*left, older):
        path.write_text("half")
    kdprobe.sweep(SMALL, own_zoo_folder).close()
    assert [path.exists() for path in (*left, older)] == [False, False, True]


@pytest.mark.parametrize("content", [b"half", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_file_named_like_ours_that_is_not(own_zoo_folder, content):
    for folder in ("shards", "targets"):
        path = own_zoo_folder / folder / f"{'a' * 64}.safetensors"
        path.write_bytes(content)
        with pytest.raises(PlanError, match=rf"holds {folder}/a{{64}}.safetensors, which is in no row and whose content does not show"):
            kdprobe.sweep(SMALL, own_zoo_folder)
        assert path.read_bytes() == content
        path.unlink()


@pytest.mark.parametrize("how", ["missing", "empty"])
def test_a_lost_index_costs_no_weights(own_zoo_folder, how):
    (own_zoo_folder / "index.sqlite").unlink()
    if how == "empty":
        (own_zoo_folder / "index.sqlite").touch()
    before = tree(own_zoo_folder)
    said = rf"holds models, and its index.sqlite is {how}: put it back from a copy, or run `kdprobe zoo rebuild "
    with pytest.raises(DataError, match=said):
        kdprobe.sweep(SMALL, own_zoo_folder)
    assert tree(own_zoo_folder) == before


def test_a_folder_that_was_killed_before_its_first_row_is_used(tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "lock").write_text("process 12")
    (tmp_path / "index.sqlite").touch()
    with Writer(tmp_path) as writer:
        assert writer.reconcile() == 0


def test_a_refused_sweep_leaves_no_folder_behind(tmp_path):
    with pytest.raises(PlanError, match="scheduler"):
        kdprobe.sweep(SMALL, tmp_path / "deep" / "er" / "zoo", scheduler="tcp://127.0.0.1:9")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "theirs").mkdir()
    with pytest.raises(PlanError, match="refused"), Writer(tmp_path / "theirs"):
        raise PlanError("refused")
    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_refused_sweep_changes_nothing_that_is_there(own_zoo_folder):
    before = tree(own_zoo_folder) | {"lock": b""}
    with pytest.raises(PlanError, match="holds results of another plan"):
        kdprobe.sweep(replace(SMALL, steps=61), own_zoo_folder)
    assert tree(own_zoo_folder) | {"lock": b""} == before


# ---- pages


@pytest.mark.parametrize("name", ["page.html", "page.runs.csv"])
def test_a_report_replaces_only_what_kdprobe_wrote(own_zoo_folder, tmp_path, name):
    (tmp_path / name).write_text("theirs")
    with pytest.raises(PlanError, match=rf"{name}' is no (page|table of runs) that kdprobe wrote, and would be lost: name another file"):
        kdprobe.report(own_zoo_folder, tmp_path / "page.html")
    assert (tmp_path / name).read_text() == "theirs"
    (tmp_path / name).unlink()
    kdprobe.report(own_zoo_folder, tmp_path / "page.html")
    kdprobe.report(own_zoo_folder, tmp_path / "page.html")


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_report_is_no_folder_without_a_name(own_zoo_folder, path):
    with pytest.raises(PlanError, match=r"is a folder: name the file to write, such as /?report.html"):
        kdprobe.report(own_zoo_folder, path)


@pytest.mark.parametrize("name", ["page.html", "page.runs.csv"])
def test_a_report_replaces_no_link_pipe_or_device(own_zoo_folder, tmp_path, name):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / name).symlink_to(tmp_path / "theirs")
    with pytest.raises(PlanError, match=rf"{name}' is a link: name a regular file, or one that is not there"):
        kdprobe.report(own_zoo_folder, tmp_path / "page.html")
    assert (tmp_path / name).is_symlink()
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(PlanError, match=rf"{name}' is a pipe"):
        kdprobe.report(own_zoo_folder, tmp_path / "page.html")
    with pytest.raises(PlanError, match=r"null' is a device"):
        kdprobe.report(own_zoo_folder, os.devnull)


@pytest.mark.parametrize("name", ["report.html", "runs.csv"])
def test_a_changed_page_or_table_is_told(own_zoo_folder, name):
    kdprobe.report(own_zoo_folder, own_zoo_folder / "report.html")
    path = own_zoo_folder / name
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with kdprobe.Zoo(own_zoo_folder) as zoo:
        (problem,) = zoo.verify()
    assert problem.startswith(f"{name} is not what was written")
    assert problem.endswith("write the report again")


def test_a_zoo_may_be_moved(own_zoo_folder, tmp_path):
    moved = shutil.move(own_zoo_folder, tmp_path / "elsewhere")
    kdprobe.sweep(SMALL, moved).close()

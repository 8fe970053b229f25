"""Scripts that workers would run again are refused before anything is started."""

import subprocess
import sys

import pytest

PLAN = "kdprobe.GapPlan(tasks=('letters',), schemes=('same_rows',), teacher_widths=(4,), student_widths=(2,), seeds=2, steps=5, beside={})"
CALL = f"kdprobe.sweep({PLAN}, 'zoo', jobs=1, similarity=False)"
UNGUARDED = f"import kdprobe\n\n{CALL}\n"
GUARDED = f'import kdprobe\n\nif __name__ == "__main__":\n    {CALL}\n'


def run(folder, *words, **options):
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, timeout=120, **options)


def test_an_unguarded_script_is_told_so(tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = run(tmp_path, "script.py")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert 'jobs=1: worker processes would run script.py again, line 3 too: put the call under `if __name__ == "__main__":`' in last
    assert not (tmp_path / "zoo").exists()


def test_a_script_on_standard_input_is_told_so(tmp_path):
    done = run(tmp_path, input=UNGUARDED)
    assert "jobs=1: worker processes cannot read the script again from" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "zoo").exists()


@pytest.mark.slow
def test_a_guarded_script_and_a_typed_command_have_workers(tmp_path):
    (tmp_path / "script.py").write_text(GUARDED)
    assert run(tmp_path, "script.py").stderr == ""
    assert run(tmp_path, "-c", UNGUARDED).stderr == ""

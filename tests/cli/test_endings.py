"""Streams that cannot be written to, and signals at any moment: told in words, with the exit codes that are promised."""

import os
import signal
import subprocess
import sys
import time

import pytest

SWEEP = "sweep --gap --task letters --scheme same_rows --teacher-widths 4 --student-widths 2 --seeds 2 --steps 5000 --beside none --out zoo"


def shell(line, **environment):
    command = line.replace("kdprobe", f"{sys.executable} -m kdprobe")
    return subprocess.run(command, shell=True, capture_output=True, text=True, env=os.environ | environment)


def test_a_terminal_that_knows_no_greek():
    done = shell("kdprobe ls probes", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "cka" in done.stdout


def test_a_closed_output_is_no_error():
    done = shell("kdprobe ls tasks >&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
@pytest.mark.parametrize("command", ["ls tasks", "ls probes --json", "data ls"])
def test_a_full_output_is_told(command):
    done = shell(f"kdprobe {command} > /dev/full")
    assert done.returncode == 3
    assert done.stderr == "kdprobe: No space left on device: standard output, or a file that was being written\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_refusal_that_cannot_be_told_keeps_its_code():
    assert shell("kdprobe ls nope 2> /dev/full").returncode == 2


def heard():
    """Interrupts are ignored by what a shell starts in the background, and by all that this starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [0.0, 0.3, 1.0, 2.0, 4.0])
def test_a_signal_while_a_sweep_starts_is_told(tmp_path, number, after):
    """From the moment that the command line is being read."""
    script = "import sys, kdprobe.__main__ as command; print('begun', flush=True); sys.argv[1:] = sys.argv[1].split(); command.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, f"{SWEEP} --jobs 1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=heard,
    )
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.02 + after)
    process.send_signal(number)
    _, err = process.communicate(timeout=90)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], err
    assert "Traceback" not in err
    assert {signal.SIGINT: "kdprobe: interrupted", signal.SIGTERM: "kdprobe: terminated"}[number] in err

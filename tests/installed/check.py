"""Run by `make wheel` where only the wheels are installed: what was built can be used, and a plug-in joins in with no other edit."""

import subprocess
import sys
import tempfile
from pathlib import Path

import kdprobe
from kdprobe.testing import check

SITE = Path(sys.prefix)
assert SITE in Path(kdprobe.__file__).parents, f"kdprobe was imported from {kdprobe.__file__}, not from the wheel"

OWN = {
    "probes": "worst_row",
    "distillers": "log_cosh",
    "families": "bottleneck",
    "tasks": "sine",
    "schemes": "patient",
    "sections": "head_count",
}
"""What the plug-in holds."""


def command(*words: str) -> str:
    done = subprocess.run([SITE / "bin" / "kdprobe", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"kdprobe {' '.join(words)}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout


assert command("--version").strip() == kdprobe.__version__
assert "letters" in command("data", "ls")
# pages cite reports/calibration.md: a wheel has it, and a command prints it
assert "# How often the verdicts are wrong" in command("tables", "reports/calibration.md")
assert SITE in Path(command("tables", "draws", "--path").strip()).parents
for kind, name in OWN.items():
    assert name in command("ls", kind), f"kdprobe ls {kind} does not list {name}"
    check(kind, kdprobe.available(kind)[name])

with tempfile.TemporaryDirectory() as folder:
    out = Path(folder) / "zoo"
    flags = [
        "--task",
        "sine",
        "--scheme",
        "patient",
        "--distillers",
        "log_cosh",
        "--teacher-widths",
        "2",
        "4",
        "--student-widths",
        "2",
        "--seeds",
        "2",
        "--steps",
        "30",
        "--beside",
        "none",
        "--jobs",
        "2",
    ]
    printed = command("sweep", "--gap", *flags, "--out", str(out))
    assert str(out / "report.html") in printed, printed
    page = (out / "report.html").read_text()
    assert "worst row" in page, "the plug-in's probe is not in the report's table"
    assert "The head count is " in page, "the plug-in's section is not on the page"
    assert "worst_row.own" in (out / "runs.csv").read_text().partition("\n")[0], "the plug-in's probe is not in runs.csv"
    with kdprobe.Zoo(out) as zoo:
        measured = zoo.measurements().query("probe == 'worst_row'")
        assert set(measured["comparison"]) == {"own", "siblings", "twin", "twin_siblings", "baseline"}, measured
        assert (measured["status"] == "ok").sum() >= 4, measured
    assert "every file is what it was" in command("zoo", "verify", str(out))
print("the wheel works, and a plug-in joins in")

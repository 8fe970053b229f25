"""One file adds a thing; mistakes are named."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from kdprobe.core import registry
from kdprobe.core.errors import ContractError, PlanError, did_you_mean
from kdprobe.core.scheme import Scheme, Stage


def test_unknown_names_come_with_near_ones():
    with pytest.raises(PlanError, match=r"task 'leters' is unknown: did you mean 'letters'\? Known: austen, bikeshare, "):
        registry.find("tasks", "leters")
    with pytest.raises(PlanError, match=r"family 'mpl' is unknown: did you mean 'mlp'\? Known: .*mlp"):
        registry.find("families", "mpl")
    with pytest.raises(PlanError, match=r"kind='probs' is unknown: did you mean 'probes'\?"):
        registry.available("probs")


def test_did_you_mean_without_a_near_name():
    assert did_you_mean("zzz", ["a", "b"]) == "give one of a, b"
    assert did_you_mean("zzz", []) == "there are none"


def _scheme(name):
    return Scheme(
        name=name, title="t", objective="compression", regime="r", expects="e",
        stages=(Stage("teacher"), Stage("twin"), Stage("student", taught_by=("teacher",))),
    )  # fmt: skip


@pytest.fixture
def entry_points(monkeypatch):
    """Stand in for what an installed package declares; tests/installed does it with a real one."""

    def give(thing):
        class Point(EntryPoint):
            def load(self):
                return thing

        monkeypatch.setattr(registry, "entry_points", lambda group: [Point("mine", "plugin:MINE", group)])
        registry._available.cache_clear()

    yield give
    registry._available.cache_clear()


def test_a_plugin_joins_in(entry_points):
    entry_points(_scheme("mine"))
    assert "mine" in registry.available("schemes")


def test_two_things_of_one_name(entry_points):
    entry_points(_scheme("same_rows"))
    with pytest.raises(
        ContractError, match=r"two schemes are named 'same_rows': kdprobe.schemes.same_rows and entry point plugin:MINE: rename one"
    ):
        registry.available("schemes")


def test_a_plugin_of_the_wrong_kind(entry_points):
    entry_points(42)
    with pytest.raises(ContractError, match=r"entry point 'mine' = plugin:MINE gives a int, not a Scheme"):
        registry.available("schemes")


def test_a_plugin_that_cannot_be_loaded(monkeypatch):
    point = EntryPoint("mine", "no_such_package_at_all:MINE", "kdprobe.schemes")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    registry._available.cache_clear()
    text = r"entry point 'mine' = no_such_package_at_all:MINE cannot be loaded \(ModuleNotFoundError: .*\): mend or uninstall the package"
    with pytest.raises(ContractError, match=text):
        registry.available("schemes")
    registry._available.cache_clear()


def test_available_cannot_be_changed_by_its_caller():
    registry.available("schemes").clear()
    assert registry.available("schemes")


HEAVY = ("torch", "pandas", "sklearn", "seaborn", "matplotlib", "distributed", "scipy.stats")


@pytest.mark.parametrize(
    "code", ["import kdprobe", "from kdprobe.cli import run; run(['--help'])", "from kdprobe.cli import run; run(['sweep', '--help'])"]
)
def test_what_needs_no_torch_does_not_import_it(code):
    check = f"import sys; {code}; print('HEAVY', *[name for name in {HEAVY!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1].strip() == "HEAVY"

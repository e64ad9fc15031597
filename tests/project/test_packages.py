"""The packages: ours and not somebody else's, named the same everywhere, and complete in the wheel."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from core import logs

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [name for name in PROJECT["tool"]["setuptools"]["packages"] if "." not in name]  # not feeds.sample, data


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_is_ours(name):
    found = Path(importlib.import_module(name).__file__)
    assert found.is_relative_to(ROOT), f"{name} is hidden by {found}: uninstall what brought it, or use a clean venv"


def test_each_package_says_what_lives_there():
    assert [name for name in PACKAGES if not importlib.import_module(name).__doc__] == []


def test_every_list_of_packages_is_the_same():
    folders = sorted(each.parent.name for each in ROOT.glob("*/__init__.py"))
    assert folders == PACKAGES
    assert list(logs.OURS) == PACKAGES
    assert PROJECT["tool"]["importlinter"]["root_packages"] == PACKAGES
    assert PROJECT["tool"]["ruff"]["lint"]["isort"]["known-first-party"] == PACKAGES
    assert PROJECT["tool"]["mypy"]["packages"] == [name for name in PACKAGES if name != "strategies"]
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert sorted(re.split(r" \| ", " | ".join(layers))) == PACKAGES


def test_every_dependency_is_pinned():
    pinned = {re.split("==", line)[0].lower().replace("_", "-")
              for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"].values()
    needed = [each for group in (PROJECT["project"]["dependencies"], *extras) for each in group]
    assert {re.split(r"[\[><=]", each)[0].lower() for each in needed} - pinned == {"cerebrolab"}


def test_constraints_are_names_and_versions_only():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!]*", line)] == []


@pytest.mark.slow
def test_the_wheel_runs_where_the_checkout_is_gone(tmp_path):
    source = tmp_path / "source"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    _call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source)
    wheel = next(tmp_path.glob("*.whl"))
    shutil.rmtree(source)
    python = _environment(tmp_path / "venv")
    _call(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    folder = tmp_path / "folder"
    folder.mkdir()
    where = _call(python, "-c", "import core; print(core.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")
    command = python.with_name("cerebrolab")
    summary = json.loads(_call(command, "backtest", "GoldenCross", "--symbols", "AAPL", "--json", cwd=folder))
    assert summary["fills"] > 0
    assert Path(summary["report"]).stat().st_size > 10_000


def _call(*command, cwd=None):
    """Standard output of a command that must succeed, run without this checkout on its path."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"NUMBA_DISABLE_JIT": "1"}  # nothing is compiled there yet
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _environment(folder: Path) -> Path:
    """A fresh environment that sees the third-party packages of this one, but not this checkout."""
    venv.create(folder, symlinks=True)
    site = next((folder / "lib").glob("python*")) / "site-packages"
    (site / "third_party.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return folder / "bin" / "python"

"""What is written beside the code: every command and option documented, examples that run, nothing of one machine."""

import dataclasses
import re
import runpy
import subprocess
from pathlib import Path

import pytest
from alpaca_minutes_live import Live, walks
from typer.main import get_command

from brokers.local_alpaca import LocalAlpaca
from core.options import Limits
from core.spec import RunSpec
from engine import resolve
from scripts.cli import app
from strategies.base import ENGINE_PARAMS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LIVE_CODE = re.compile(r"^```py\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {"params", "sizer_params", "limits", "exits", "guard", "carry", "strategy"}  # -p and the argument of backtest


def commands(command=None, path="cerebrolab"):
    command = command or get_command(app)
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, f"{path} {name}")


def options(command):
    found = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    return {option for option in found if option.startswith("-")} - {"--help"}


LEAVES = [(path, command) for path, command in commands() if not hasattr(command, "commands") or path == "cerebrolab"]


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_command_and_option_is_in_the_readme(path, command):
    rows = [row for row in README.splitlines() if re.match(rf"\| `{path}(?: [\[A-Z].*?)?` \|", row)]
    assert len(rows) == 1, f"README has {len(rows)} rows for {path}"
    if path == "cerebrolab backtest":
        text = README.split("| option of `backtest`")[1].split("Exit codes")[0]
    else:
        text = rows[0]
    stated = {each for each in re.findall(r"`(--?[a-z-]+)`", text.replace(" | `--whole` |", " |"))}
    if "those of `backtest`" in text:
        stated |= options(dict(commands())["cerebrolab backtest"])
    assert options(command) == stated


def test_every_command_and_option_says_what_it_does():
    assert [path for path, command in commands() if not command.help] == []
    assert [(path, each.name) for path, command in commands() for each in command.params
            if not getattr(each, "help", None)] == []


def test_every_field_of_a_spec_is_an_option_of_backtest():
    command = dict(commands())["cerebrolab backtest"]
    fields = {each.name for each in dataclasses.fields(RunSpec)} - ELSEWHERE
    assert {f"--{name.replace('_', '-')}" for name in fields} <= options(command)


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys, make_csv):
    make_csv(tmp_path / "SPY.csv")
    monkeypatch.chdir(tmp_path)
    code = CODE.findall(README)
    assert len(code) == 1
    (tmp_path / "example.py").write_text(code[0])
    runpy.run_path("example.py")
    assert float(capsys.readouterr().out) != 10_000


def test_the_live_example_of_the_readme_runs_on_the_local_venue(tmp_path, monkeypatch):
    [code] = LIVE_CODE.findall(README)
    (tmp_path / "live.py").write_text(code.replace("bt.Cerebro(quicknotify=True)", "watched"))
    with LocalAlpaca(walks("2024-03-01 09:30", rows=60, symbols=("SPY", "QQQ")), now="2024-03-01T10:00:20-05:00") as alpaca:
        live = Live(alpaca, "2024-03-01T10:15:10-05:00")
        monkeypatch.setattr("brokers.alpaca.AlpacaStore", lambda **keys: live.store)
        runpy.run_path(str(tmp_path / "live.py"), {"watched": live.cerebro})
    [strategy] = live.cerebro.runningstrats
    assert [len(data) for data in strategy.datas] == [9, 9] and all(data._laststatus == data.LIVE for data in strategy.datas)


def test_the_examples_of_contributing_run(tmp_path, monkeypatch, make_csv):
    import engine

    make_csv(tmp_path / "SPY.csv")
    monkeypatch.chdir(tmp_path)
    strategy, sizer = CODE.findall((ROOT / "CONTRIBUTING.md").read_text())
    (tmp_path / "above_average.py").write_text(strategy)
    (tmp_path / "inverse.py").write_text(sizer)
    result = engine.run(RunSpec(strategy="above_average.py:AboveAverage", symbols=("SPY.csv",), source="csv",
                                sizer="inverse.py:InverseVolatility", params={"period": 20}))
    assert len(result.fills) > 2
    assert result.exposure.max() > 0.9


def test_the_folders_of_the_readme_exist():
    table = README.split("## Where things live")[1].split("\n\n")[1]
    named = {each for row in table.splitlines() for each in re.findall(r"`(\w+)/`", row)}
    packages = {each.parent.name for each in ROOT.glob("*/__init__.py")}
    assert packages <= named
    assert {each for each in named if not (ROOT / each).is_dir()} == set()


def test_links_and_pictures_of_the_documents_exist():
    missing = [(name, target) for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
               for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text())
               if not target.startswith("http") and not (ROOT / target).exists()]
    assert missing == []


def test_no_file_names_a_registry_or_a_machine():
    forbidden = re.compile("|".join((
        "pypi" + r"\.org", "python" + r"hosted\.org", "--(extra-)?" + "index-url", "/(simple|wheels)" + r"/\S+\.whl",
        r"(?<![\w.])/(work|root|home|Users)" + r"/[\w.]",
    )))
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.split("\0")
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content[:4096] and forbidden.search(content.decode("utf-8", "replace")):
            found.append((name, forbidden.search(content.decode("utf-8", "replace"))[0]))
    assert found == []


def rows_of(name):
    return [row for row in README.splitlines() if row.startswith("| ") and f"`{name}`" in row.split("|")[1]]


@pytest.mark.parametrize("name", resolve.strategy_names())
def test_every_strategy_is_described_with_its_parameters(name):
    defaults = dict(resolve.strategy_class(name).params._getitems())
    (row,) = rows_of(name)
    shown = dict(each.split("=") for each in re.findall(r"`(\w+=[^`]*)`", row))
    assert shown == {name: str(value).lower() if isinstance(value, bool) else str(value)
                     for name, value in defaults.items() if name not in ENGINE_PARAMS}


@pytest.mark.parametrize("name", resolve.sizer_names())
def test_every_sizer_is_described_with_its_parameters(name):
    defaults = dict(resolve.sizer_class(name).params._getitems())
    (row,) = rows_of(name)
    shown = dict(each.split("=") for each in re.findall(r"`(\w+=[^`]*)`", row))
    if "those of `SinglePeriod`" in row:
        shown |= dict(each.split("=") for each in re.findall(r"`(\w+=[^`]*)`", rows_of("SinglePeriod")[0]))
    assert shown == {name: str(value) for name, value in defaults.items() if name not in
                     (*resolve.SIZER_ENGINE_PARAMS, "rounding")}


def test_every_limit_is_named():
    assert [name for name in Limits._fields if f"`{name}`" not in README] == []

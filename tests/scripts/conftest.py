"""The command line as a person meets it: an empty folder, arguments, exit code, what was printed."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core.settings import variable_names
from scripts import cli


class Answer(NamedTuple):
    """What a command left: exit code, stdout, stderr, and the files of the folder."""

    code: int
    out: str
    err: str
    files: set[str]

    @property
    def value(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(name="command")
def _command(folder, capsys):
    def command(*arguments: str) -> Answer:
        code = cli.run([str(each) for each in arguments])
        shown = capsys.readouterr()
        files = {str(each.relative_to(folder)) for each in Path(folder).rglob("*") if each.is_file()}
        return Answer(code, shown.out, shown.err, files)

    return command


@pytest.fixture(name="csv")
def _csv(folder):
    """Write a CSV file of daily bars; each row is text."""
    def csv(*rows: str, name: str = "AAA", head: str = "date,open,high,low,close,volume") -> Path:
        path = folder / f"{name}.csv"
        path.write_text("\n".join((head, *rows)) + "\n")
        return path

    return csv

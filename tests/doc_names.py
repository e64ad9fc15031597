"""The commands of the command line and the calls of the REST API, as they are."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from core.settings import Settings
from scripts.cli import app
from services.api.app import create_app


def commands(command: Any = None, path: str = "cerebrolab") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, groups included."""
    command = command or get_command(app)
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, name), f"{path} {name}")


def calls() -> Iterator[tuple[str, str]]:
    """(path, method) of every call."""
    for path, methods in create_app(Settings()).openapi()["paths"].items():
        for method in methods:
            yield path, method.upper()

"""`cerebrolab serve`: services that others call. Each is a module `scripts.serve_NAME` with a function `serve`, imported when it is named."""

import importlib
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup

from core.errors import UsageError
from scripts import output

ADDRESS = "http://127.0.0.1:8000"
SERVICES = ("all", "api", "dashboard", "grpc", "stream")


class Services(TyperGroup):
    """Its commands are modules; what none of them needs is not imported."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name in SERVICES if find_spec(f"scripts.serve_{name}")]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(importlib.import_module(f"scripts.serve_{cmd_name}").serve)
        return typer.main.get_command(alone)


def require(module: str, extra: str = "services") -> None:
    """Raise `UsageError` where what a service is built on is not installed; `extra` is the part of the project that brings it."""
    if find_spec(module) is None:
        raise UsageError(f"this service needs {module}, which is not installed: install it with pip install -e '.[{extra}]'")


def api_address(settings: Any) -> str:
    """Of the REST API: CEREBROLAB_JOURNAL where that is one, else this machine's own."""
    place = settings.journal
    return place if isinstance(place, str) and place.startswith(("http://", "https://")) else ADDRESS


serve = typer.Typer(cls=Services, help="Services that others call: the REST API, the dashboard, gRPC, the trade-update stream.")


@serve.callback(invoke_without_command=True)
def _group(context: typer.Context) -> None:
    """Services that others call: the REST API, the dashboard, gRPC, the trade-update stream."""
    if context.invoked_subcommand is None:
        output.line(context.get_help())

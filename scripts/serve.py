"""`cerebrolab serve`: services that others call. Each is a module `scripts.serve_NAME` with a function `serve`, imported when it is named."""

import importlib
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup

SERVICES = ("api", "grpc", "stream")


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


serve = typer.Typer(cls=Services, no_args_is_help=True, help="Services that others call, the REST API and gRPC, and the stream of trade updates.")


@serve.callback()
def _group() -> None:
    """Services that others call, the REST API and gRPC, and the stream of trade updates."""

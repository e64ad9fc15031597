"""A hook of mkdocs: the pages of commands, REST calls and settings are written from the commands, the application and the settings themselves.

Where a page has `<!-- commands -->`, `<!-- calls -->` or `<!-- settings -->` on a line, the tables go.
"""

from collections.abc import Iterator
from typing import Any

_BAR = "\\|"  # within a cell of a table


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The text of a page with its tables."""
    for mark, made in (("<!-- commands -->", commands), ("<!-- calls -->", calls), ("<!-- settings -->", settings)):
        if mark in markdown:
            markdown = markdown.replace(mark, "\n".join(made()))
    return markdown


def commands() -> Iterator[str]:
    """Every command with its help, its arguments and its options."""
    from typer.main import get_command

    from scripts.cli import app

    for path, command in _tree(get_command(app), "cerebrolab"):
        yield f"\n## `{path}`\n\n{_text(command.help)}\n"
        if command.params:
            yield "| option | meaning |\n|---|---|"
        yield from map(_row, command.params)


def _row(parameter: Any) -> str:
    flag, value = getattr(parameter, "is_flag", False), f" {parameter.metavar}" if parameter.metavar else ""
    names = (*parameter.opts, *parameter.secondary_opts) if parameter.param_type_name == "option" else ((value or parameter.name.upper()).strip(),)
    shown = ", ".join(f"`{name}`" for name in names[:-1] + (f"{names[-1]}{value}" if names[-1].startswith("-") else names[-1],))
    default = "" if flag or parameter.default is None or callable(parameter.default) else f" Default: {parameter.default}."
    return f"| {shown.replace('|', _BAR)} | {_cell((parameter.help or '') + default)} |"


def _tree(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _tree(command.get_command(None, name), f"{path} {name}")


def calls() -> Iterator[str]:
    """Every call of the REST API, by subject."""
    from core.settings import Settings
    from services.api.app import create_app

    by_tag: dict[str, list[str]] = {}
    for path, methods in create_app(Settings()).openapi()["paths"].items():
        for method, said in methods.items():
            tag = said.get("tags", ["others"])[0]
            by_tag.setdefault(tag, []).append(f"| `{method.upper()} {path}` | {_cell(said.get('description') or said.get('summary', ''))} |")
    for tag, rows in by_tag.items():
        yield f"\n## {tag}\n\n| call | what it does |\n|---|---|"
        yield from rows


def settings() -> Iterator[str]:
    """Every setting with its meaning and default."""
    from pydantic import SecretStr

    from core.settings import Settings

    yield "| variable | meaning | default |\n|---|---|---|"
    for field in Settings.model_fields.values():
        default = "" if field.default is None or isinstance(field.default, SecretStr) else field.default
        yield f"| `{field.validation_alias}` | {_cell(field.description or '')} | {_cell(default)} |"


def _text(text: str | None) -> str:
    return (text or "").replace("<", "&lt;")


def _cell(value: Any) -> str:
    """One line that a cell of a table can hold."""
    return " ".join(_text(str(value)).split()).replace("|", _BAR)

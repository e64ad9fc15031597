"""Errors as RFC 9457 problem details (application/problem+json), the same for every route and every layer before the routes.

Imports core, engine.resolve, FastAPI and Starlette.
"""

import dataclasses
import json
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.errors import (
    BadBars,
    BadSpec,
    CerebrolabError,
    CorruptFile,
    NoBars,
    SourceUnavailable,
    StoreFailed,
    UnknownName,
    UsageError,
)
from core.spec import RunSpec
from engine.resolve import raised_in_file

MEDIA_TYPE = "application/problem+json"
KIND = "urn:cerebrolab:problem:"
FIELDS = {each.name: each.name for each in dataclasses.fields(RunSpec)} | {
    "symbol": "symbols", "parameter": "parameters", "parameters": "parameters", "limit": "limits", "exit": "exits", "indicator": "name"}
KINDS: tuple[tuple[type[CerebrolabError], int, str], ...] = (
    (UnknownName, 404, "unknown-name"), (NoBars, 404, "no-bars"), (BadSpec, 422, "bad-request-value"), (UsageError, 422, "unusable-request"),
    (SourceUnavailable, 503, "source-unavailable"), (StoreFailed, 503, "store-failed"), (CorruptFile, 503, "corrupt-file"),
    (BadBars, 502, "bad-bars"), (CerebrolabError, 422, "unusable-request"))


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(description="Name of the field; parts are joined by dots.")
    message: str


class Problem(BaseModel):
    """A problem as RFC 9457 describes it."""

    type: str = Field(description="What kind of problem, a URN; about:blank where the status says it all.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="The rule, the value that broke it, and what to do next.")
    instance: str = Field(description="Path of the request.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields at fault, where they are known.")


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request cannot be carried out as it was written."},
    "5XX": {"model": Problem, "description": "What is needed did not answer."},
}


def problem(status: int, detail: str, instance: str, kind: str = "", errors: list[FieldProblem] | None = None) -> Problem:
    """The problem of an HTTP status; `kind` is the last word of its type."""
    title = kind.replace("-", " ").capitalize() if kind else HTTPStatus(status).phrase
    return Problem(type=KIND + kind if kind else "about:blank", title=title, status=status, detail=detail, instance=instance, errors=errors)


def of_error(error: CerebrolabError, instance: str) -> Problem:
    """The problem that an error of `core.errors` is."""
    status, kind = next((status, kind) for each, status, kind in KINDS if isinstance(error, each))
    field = _field(str(error))
    return problem(status, str(error), instance, kind, [FieldProblem(field=field, message=str(error))] if field else None)


def of_unexpected(error: Exception, instance: str) -> Problem:
    """The problem that any other exception is: one of a user's own strategy says what and where, of ours nothing is told."""
    told = raised_in_file(error)
    if told:
        return problem(422, told, instance, "strategy-failed")
    return problem(500, "something went wrong here: the log of the API says what", instance)


def answer(found: Problem, headers: dict[str, str] | None = None) -> Response:
    """The response that tells a problem, in ASCII: what it quotes may be no text that can be encoded."""
    return Response(json.dumps(found.model_dump(exclude_none=True)), found.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have every error of an application told as a problem, and its description say so."""
    app.add_exception_handler(CerebrolabError, _cerebrolab)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        for operation in (each for path in schema["paths"].values() for each in path.values() if "responses" in each):
            for status, response in operation["responses"].items():
                if status.endswith("XX") and response.get("content"):
                    response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


async def _cerebrolab(request: Request, error: Any) -> Response:
    return answer(of_error(error, request.url.path))


async def _invalid(request: Request, error: Any) -> Response:
    """Fields of a request that are missing or wrong."""
    found = [FieldProblem(field=".".join(map(str, each["loc"][1:] or each["loc"])), message=_told(each)) for each in error.errors()]
    detail = "; ".join(f"{each.field}: {each.message}" for each in found[:5])
    return answer(problem(422, detail, request.url.path, "bad-request-value", found))


async def _http(request: Request, error: Any) -> Response:
    detail = str(error.detail)
    if detail == HTTPStatus(error.status_code).phrase:
        detail = {404: f"there is no {request.url.path}: see /docs", 405: f"{request.method} is not possible here: see /docs"}.get(
            error.status_code, detail)
    return answer(problem(error.status_code, detail, request.url.path), dict(error.headers or {}))


def _told(each: Any) -> str:
    """What pydantic says of a field, with the value where it is short and plain."""
    value = each.get("input")
    shown = isinstance(value, str | int | float) and each["type"] != "json_invalid"
    return f"{each['msg']}, not {value!r:.60}" if shown else str(each["msg"])


def _field(message: str) -> str | None:
    """The field that a message of `core.errors` begins with: "start 2020-01-01 is after …", "unknown symbol 'X': …"."""
    head = re.match(r"(?:unknown )?([a-z_]+)\b", message)
    return FIELDS.get(head[1]) if head else None

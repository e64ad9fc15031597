"""How a call is answered: requests that cannot be read, errors and their statuses, deadlines. Imports core; grpc and protobuf."""

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from core.errors import (
    BadBars,
    CerebrolabError,
    CorruptFile,
    NoBars,
    SourceUnavailable,
    StoreFailed,
    UnknownName,
    UsageError,
)

log = logging.getLogger(__name__)
Code = grpc.StatusCode
CODES: tuple[tuple[type[CerebrolabError], grpc.StatusCode], ...] = (
    (NoBars, Code.NOT_FOUND), (UnknownName, Code.INVALID_ARGUMENT), (UsageError, Code.INVALID_ARGUMENT), (SourceUnavailable, Code.UNAVAILABLE),
    (StoreFailed, Code.UNAVAILABLE), (CorruptFile, Code.UNAVAILABLE), (BadBars, Code.FAILED_PRECONDITION), (CerebrolabError, Code.FAILED_PRECONDITION))
THINGS = ("symbol", "strategy", "account", "run")  # that may be there or not; other unknown names are wrong arguments
MOST_TEXT = 2_000  # characters of a status


class GivenUp(Exception):
    """The caller has gone, or its deadline has passed: nobody waits for the answer."""


class Call:
    """One call: whether its caller still waits.

    Args:
        context: gRPC's.
    """

    def __init__(self, context: grpc.ServicerContext) -> None:
        self._context = context

    def alive(self, *_: Any) -> None:
        """Raise `GivenUp` when nobody waits for the answer any more."""
        left = self._context.time_remaining()
        if not self._context.is_active() or (left is not None and left <= 0):
            raise GivenUp


Answer = Callable[[Any, Call], Message]


def service_handler(service: ServiceDescriptor, answers: Mapping[str, Answer]) -> grpc.GenericRpcHandler:
    """What answers the methods of a service; a name -> what makes the response of a request."""
    return grpc.method_handlers_generic_handler(
        service.full_name, {method.name: _method(method, answers[method.name]) for method in service.methods})


def _method(method: MethodDescriptor, answer: Answer) -> grpc.RpcMethodHandler:
    kind = GetMessageClass(method.input_type)

    def read(data: bytes) -> Message | DecodeError:
        try:
            return kind.FromString(data)
        except DecodeError as error:
            return error

    def answered(request: Message | DecodeError, context: grpc.ServicerContext) -> Message:
        if isinstance(request, DecodeError):
            _abort(context, Code.INVALID_ARGUMENT, f"the request is no {method.input_type.full_name}: its bytes cannot be read")
        call = Call(context)
        try:
            call.alive()
            return answer(request, call)
        except CerebrolabError as error:
            code, text = code_of(error), str(error)
        except GivenUp:
            code, text = Code.DEADLINE_EXCEEDED, "nobody waits for the answer any more"
        except Exception as error:
            log.error("%s failed", method.full_name, exc_info=error)
            code, text = Code.INTERNAL, "something went wrong here: the log says what"
        _abort(context, code, text)

    return grpc.unary_unary_rpc_method_handler(answered, read, lambda response: response.SerializeToString())


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, text: str) -> NoReturn:
    context.abort(code, " ".join(text.split())[:MOST_TEXT])
    raise AssertionError("abort raises")


def code_of(error: CerebrolabError) -> grpc.StatusCode:
    """The status of an error of `core.errors`."""
    if isinstance(error, UnknownName) and str(error).startswith(tuple(f"unknown {thing} " for thing in THINGS)):
        return Code.NOT_FOUND
    return next(code for kind, code in CODES if isinstance(error, kind))


def finite(value: float) -> float | None:
    """The number; None where it is none, so that the field stays empty."""
    return float(value) if math.isfinite(value) else None

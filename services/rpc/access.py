"""Who may call: the token in the metadata `authorization: Bearer TOKEN`. Imports grpc."""

import hmac
from collections.abc import Callable
from typing import Any

import grpc

OPEN = "/grpc.health.v1.Health/"  # needs no token


class NeedsToken(grpc.ServerInterceptor):
    """Refuses calls without the token, compared in constant time; those for the health are open."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """gRPC's own: what answers a call."""
        found = continuation(handler_call_details)
        if found is None or handler_call_details.method.startswith(OPEN) or self._named(handler_call_details.invocation_metadata):
            return found
        return grpc.stream_stream_rpc_method_handler(_refuse_stream) if found.response_streaming else grpc.unary_unary_rpc_method_handler(_refuse)

    def _named(self, metadata: Any) -> bool:
        given = [value for name, value in metadata or () if name == "authorization"]
        text = given[-1] if given else ""
        scheme, _, token = (text.encode() if isinstance(text, str) else text).partition(b" ")
        return hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer"


def _refuse(_: Any, context: grpc.ServicerContext) -> Any:
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "this needs the metadata authorization: Bearer TOKEN, with the token of this server")


def _refuse_stream(requests: Any, context: grpc.ServicerContext) -> Any:
    yield _refuse(requests, context)

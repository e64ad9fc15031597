"""An application served by uvicorn until somebody ends it. uvicorn is imported when it is served."""

import contextlib
import signal
import socket
from typing import Any

from core.errors import UsageError
from scripts import output


def bound(host: str, port: int) -> socket.socket:
    """A socket at an address, before anything that takes its time.

    Raises:
        UsageError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio switches delays off where it is named
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror or error}; name another with --host and --port") from None
    return listening


def run(app: Any, listening: socket.socket, shown: str, stop_s: int) -> None:
    """Answer until SIGINT or SIGTERM.

    Args:
        shown: printed once it answers. stop_s: seconds to end what is being answered.
    """
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            output.line(shown)

    server = Server(uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="on", timeout_graceful_shutdown=stop_s))
    ends = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: None) for each in ends]  # uvicorn ends by itself, and raises them once more
    with contextlib.suppress(SystemExit):
        server.run(sockets=[listening])
    for each, handler in zip(ends, before, strict=True):
        signal.signal(each, handler)


def address(host: str, port: int) -> str:
    """As a browser takes it."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"

"""What stands before a real S3 server in tests: counts what is asked for, and answers as it is told."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from s3_server import S3Server


class Front(BaseHTTPRequestHandler):
    """Stands before the server and answers with the statuses it is told first, to conditional writes or to all."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        conditional = bool({"if-match", "if-none-match"} & {name.lower() for name in self.headers}) and self.command == "PUT"
        server = self.server
        if server.refused and (conditional or not server.only_conditional):
            status, content, headers = server.refused.pop(0), b"", []
        else:
            behind = http.client.HTTPConnection("127.0.0.1", server.behind)
            behind.request(self.command, self.path, body, dict(self.headers))
            found = behind.getresponse()
            status, content, headers = found.status, found.read(), [(name, found.headers[name]) for name in ("ETag",) if name in found.headers]
            behind.close()
        server.seen.append((self.command, conditional, status))
        server.asked.append((self.command, unquote(self.path), status))
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = answer

    def log_message(self, *_):
        """Nothing."""


class S3Front(ThreadingHTTPServer):
    """A server before the server.

    Attributes:
        refused: statuses to answer with first; only_conditional: writes on condition alone.
        seen: (method, on condition, status) of what was asked; asked: (method, path, status).
    """

    def __init__(self, server: S3Server) -> None:
        super().__init__(("127.0.0.1", 0), Front)
        self.behind, self.refused, self.only_conditional = server.port, list[int](), False
        self.seen, self.asked = list[tuple[str, bool, int]](), list[tuple[str, str, int]]()
        self.address = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def before(server: S3Server) -> Iterator[S3Front]:
    """One before a server; it has to be named as the address of the server."""
    with S3Front(server) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield front
        finally:
            front.shutdown()
            thread.join()

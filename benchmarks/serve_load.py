"""The REST API under many clients, beside a bare FastAPI endpoint in the same run: prints one JSON object of figures.

    python benchmarks/serve_load.py [SECONDS] [CLIENTS]     10 seconds and 100 clients where nothing is said

Each server is a uvicorn process of its own; the clients keep their connections. Executions that are posted are counted at the
end: every one that was acknowledged is there, once.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BARE = """
import sys, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

class Answer(BaseModel):
    status: str

app = FastAPI()

@app.get("/bare", response_model=Answer)
def bare():
    return Answer(status="ok")

uvicorn.run(app, port=int(sys.argv[1]), log_level="critical")
"""
SERVED = "import sys; from scripts.serve import serve; serve(['api', '--rate-limit', '0', '--port', sys.argv[1]])"


class Client:
    """One connection that is kept; HTTP/1.1 by hand, so that the client costs next to nothing."""

    def __init__(self, port):
        self._port = port

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_):
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, method, path, body=b""):
        """Status and body of one answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return int(answer.split(b" ", 2)[1]), await self._reader.readexactly(length)


async def load(port, clients, seconds, request):
    """Requests a second, milliseconds of the median and of the 99th of a hundred, and errors; `request(client, count)` makes one."""
    times, errors, until = [], 0, time.perf_counter() + seconds

    async def one(number):
        nonlocal errors
        async with Client(port) as client:
            count = 0
            while (began := time.perf_counter()) < until:
                method, path, body = request(number, count)
                status, _ = await client.ask(method, path, body)
                times.append(time.perf_counter() - began)
                errors += status >= 400
                count += 1

    await asyncio.gather(*(one(number) for number in range(clients)))
    times.sort()
    return {"requests": len(times), "per_second": round(len(times) / seconds), "p50_ms": round(1e3 * times[len(times) // 2], 1),
            "p99_ms": round(1e3 * times[len(times) * 99 // 100], 1), "errors": errors}


def execution(number, count):
    """A request that records an execution nobody has told before."""
    told = {"client_order_id": f"c-{number}-{count}", "filled": "1", "account": "A", "run": f"r{number % 4}", "symbol": "AAPL", "side": "buy",
            "qty": "1", "price": "100.25", "time_ns": 10**18 + count}
    return "POST", "/v1/executions", json.dumps({"executions": [told]}).encode()


async def count(port):
    """How many executions the API tells, page by page."""
    total, after = 0, ""
    async with Client(port) as client:
        while True:
            _, body = await client.ask("GET", f"/v1/executions?limit=1000&after={after}")
            page = json.loads(body)
            total, after = total + len(page["executions"]), page["next"]
            if not after:
                return total


def started(code, port, folder):
    """A server that listens."""
    process = subprocess.Popen([sys.executable, "-c", code, str(port)], cwd=folder, stdout=subprocess.DEVNULL,
                               env={**os.environ, "PYTHONPATH": str(ROOT), "CEREBROLAB_HOME": folder})
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.05)
    raise SystemExit("the server did not begin")


def free_port():
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main(seconds=10.0, clients=100):
    """Load each route in turn and print the figures."""
    figures = {"seconds": seconds, "clients": clients}
    with tempfile.TemporaryDirectory() as folder:
        bare_port, port = free_port(), free_port()
        servers = [started(BARE, bare_port, folder), started(SERVED, port, folder)]
        try:
            figures["bare"] = asyncio.run(load(bare_port, clients, seconds, lambda *_: ("GET", "/bare", b"")))
            figures["write executions"] = written = asyncio.run(load(port, clients, seconds, execution))
            figures["recorded"] = asyncio.run(count(port))
            for name, path in (("read executions", "/v1/executions?limit=10"), ("one strategy", "/v1/strategies/GoldenCross"), ("health", "/health")):
                figures[name] = asyncio.run(load(port, clients, seconds, lambda *_, path=path: ("GET", path, b"")))
        finally:
            for server in servers:
                server.terminate()
                server.wait(30)
    figures["none lost or doubled"] = figures["recorded"] == written["requests"] - written["errors"]
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((float, int), sys.argv[1:], strict=False)))

"""The mails of a day: every subscriber follows every symbol, and each says something, to a local SMTP server in a process of its own.

    python benchmarks/mails.py 10000 50
"""

import asyncio
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import numpy as np

from core.clock import SystemClock
from journal import Journal
from journal.subscriptions import Advice
from services.notify.letters import CLOSES
from services.notify.mailbox import Server
from services.notify.post import post
from services.notify.sender import Sender

CLOSES_SHOWN = 120


class Counter:
    """Keeps nothing but the number of mails, and their addresses."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        self.addresses.add(envelope.rcpt_tos[0])
        self.count += 1
        return "250 OK"


def serve(told) -> None:
    """Until it is asked how many came."""
    from aiosmtpd.smtp import SMTP

    async def run() -> None:
        counter = Counter()
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(counter, hostname="localhost", enable_SMTPUTF8=False), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(told.recv)
        told.send((counter.count, len(counter.addresses)))

    asyncio.run(run())


def main(subscribers: int, symbols: int) -> None:
    """Fill a journal, send, and print the figures."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    port, random = ours.recv(), np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.db") as journal:
        follows = [("GoldenCross", f"SYM{number}") for number in range(symbols)]
        with journal.together(durable=False):
            for number in range(subscribers):
                journal.subscriptions.confirm(journal.subscriptions.ask(f"m{number}@example.org", follows).token)
        for due in journal.subscriptions.due(limit=subscribers):
            journal.subscriptions.sent(due)
        walks = 100 + np.cumsum(random.normal(size=(symbols, CLOSES_SHOWN)), axis=1)
        started = time.perf_counter()
        journal.subscriptions.advise([
            Advice(strategy, symbol, "2024-03-01", "BUY", Decimal("100.25"), {"average of 50": 101.5, "average of 200": 99.25, CLOSES: walk.round(4).tolist()})
            for (strategy, symbol), walk in zip(follows, walks, strict=True)])
        advised = time.perf_counter()
        peaks: dict[int, int] = {}

        def progress(sent: int) -> None:
            if sent in (subscribers // 10, subscribers // 2, subscribers):
                peaks[sent] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

        posted = post(journal, Sender(Server("127.0.0.1", port), "signals@example.org", "http://127.0.0.1:8000"), SystemClock(), progress)
        done = time.perf_counter()
    ours.send("done")
    count, addresses = ours.recv()
    server.join()
    print(json.dumps({"subscribers": subscribers, "symbols": symbols, "seconds to advise": round(advised - started, 1), "seconds to send": round(done - advised, 1),
                      "sent": posted.sent, "arrived": count, "addresses": addresses, "peak MB after": peaks}))


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:3]))

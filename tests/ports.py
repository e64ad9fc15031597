"""Ports for servers that are begun later, or again: of a range from which no connection is given its own, a part for each process of tests."""

import itertools
import os
import random
import socket

FIRST, EACH, PROCESSES = 20_000, 1_500, 8  # below 32,768, where Linux begins to give ports to connections
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
_next = itertools.count(random.SystemRandom().randrange(EACH))


def free_port() -> int:
    """One of 127.0.0.1 on which nobody listens, and that this process has not given before."""
    while True:
        port = FIRST + _process * EACH + next(_next) % EACH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

"""`Servers`: the four gRPC services, each on a port of its own, with reflection and health. Imports what `services.rpc` imports."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from core.errors import UnknownName, UsageError
from core.settings import Settings
from core.spec import RunSpec
from feeds.load import source_named
from journal import Journal
from services.access import check_host
from services.portfolio import DEFAULT
from services.rpc import data, portfolio, state, strategy
from services.rpc.access import NeedsToken
from services.rpc.calls import Answer, service_handler

log = logging.getLogger(__name__)
PORTS: Mapping[str, int] = {"data": 50051, "strategy": 50052, "state": 50053, "portfolio": 50054}
MOST_REQUEST, MOST_ANSWER = 4_000_000, 64_000_000  # bytes
THREADS, WAITING = 16, 64  # calls answered at a time, and calls taken in; more are told to come back


@dataclass(frozen=True)
class Serving:
    """How the services are offered.

    Attributes:
        spec: strategy, universe, source and cash of requests that name none; None = momentum on the packaged sample.
        source: of bars, in place of the spec's. only: names of `PORTS`; () = all. host: address. ports: name -> port; 0 = a free one.
        token: what every call has to name; None = none. threads: calls answered at a time.
    """

    spec: RunSpec | None = None
    source: str | None = None
    only: Sequence[str] = ()
    host: str = "127.0.0.1"
    ports: Mapping[str, int] = field(default_factory=lambda: PORTS)
    token: str | None = None
    threads: int = THREADS


class Servers:
    """The services of one process.

    Raises:
        UsageError: an address other than this machine's own without a token, or a port that is taken. UnknownName: no such service, or
            source.

    Attributes:
        ports: name -> port it listens on.
    """

    def __init__(self, settings: Settings, journal: Journal, serving: Serving) -> None:
        check_host(serving.host, serving.token)
        names = list(serving.only) or list(PORTS)
        for name in names:
            if name not in PORTS:
                raise UnknownName.of("service", name, PORTS)
        spec = serving.spec or DEFAULT
        if serving.source:
            spec = spec.replace(source=serving.source)
        source_named(spec.source, spec.calendar)
        made: dict[str, tuple[ServiceDescriptor, Mapping[str, Answer]]] = {
            "data": (data.SERVICE, data.DataService(settings, spec).answers()),
            "strategy": (strategy.SERVICE, strategy.StrategyService(settings, spec, journal).answers()),
            "state": (state.SERVICE, state.PortfolioStateService(spec, journal).answers()),
            "portfolio": (portfolio.SERVICE, portfolio.PortfolioService(settings, spec, journal, serving.spec is not None).answers())}
        self._pool = ThreadPoolExecutor(serving.threads, thread_name_prefix="grpc")
        self._servers: list[tuple[grpc.Server, health.HealthServicer]] = []
        self.ports: dict[str, int] = {}
        try:
            for name in dict.fromkeys(names):
                self.ports[name] = self._serve(*made[name], serving, serving.ports[name])
        except BaseException:
            self.stop(0)
            raise

    def _serve(self, service: ServiceDescriptor, answers: Mapping[str, Answer], serving: Serving, port: int) -> int:
        server = grpc.server(self._pool, interceptors=[NeedsToken(serving.token)] if serving.token else [], maximum_concurrent_rpcs=WAITING, options=[
            ("grpc.max_receive_message_length", MOST_REQUEST), ("grpc.max_send_message_length", MOST_ANSWER), ("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((service_handler(service, answers),))
        known = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(known, server)
        for name in ("", service.full_name):
            known.set(name, health_pb2.HealthCheckResponse.SERVING)
        reflection.enable_server_reflection((service.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        address = f"[{serving.host}]:{port}" if ":" in serving.host else f"{serving.host}:{port}"
        try:
            bound = server.add_insecure_port(address)
        except RuntimeError:
            raise UsageError(f"cannot listen on {address}: is another server there? name another with --host, or a port") from None
        server.start()
        self._servers.append((server, known))
        return bound

    def stop(self, within_s: float = 10.0) -> None:
        """Take no more calls, and end those being answered, within some seconds; the pool is left when they are done."""
        for _, known in self._servers:
            known.enter_graceful_shutdown()
        for ended in [server.stop(within_s) for server, _ in self._servers]:
            ended.wait()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(0)

"""A client of the gRPC services that knows nothing but reflection, and the real grpcurl."""

import json
import re
import subprocess
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from services.rpc.server import PORTS

STOCKS = re.split(" ", "AAPL GOOGL MSFT AMZN TSLA NVDA NFLX PYPL ADBE INTC CSCO CMCSA PEP AVGO TXN COST QCOM TMUS AMGN SBUX INTU AMD ISRG GILD MDLZ BKNG MU ADP "
                  "REGN ATVI")
FEW = tuple(STOCKS[:8])
FREE = dict.fromkeys(PORTS, 0)
WAIT_S = 20


class _Named(grpc.StreamStreamClientInterceptor):
    """Adds metadata to calls of the reflection."""

    def __init__(self, metadata):
        self._metadata = metadata

    def intercept_stream_stream(self, continuation, details, requests):
        return continuation(details._replace(metadata=self._metadata), requests)


class Client:
    """Calls services it has learnt of by reflection; a method is "package.Service/Method"."""

    def __init__(self, ports, metadata=()):
        self._ports, self._metadata = ports, metadata
        self._channels = {name: grpc.insecure_channel(f"127.0.0.1:{port}") for name, port in ports.items()}
        self._pools = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for channel in self._channels.values():
            channel.close()

    def channel(self, method):
        names = {"dataservice": "data", "strategyservice": "strategy", "portfolioservice": "portfolio", "portfoliostateservice": "state"}
        return self._channels[names[method.partition(".")[0]]]

    def descriptor(self, method):
        channel = self.channel(method)
        pool = self._pools.setdefault(channel, DescriptorPool(ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, _Named(self._metadata)))))
        service, _, name = method.partition("/")
        return pool.FindServiceByName(service).methods_by_name[name]

    def __call__(self, method, asked=None, timeout=WAIT_S):
        """The answer as plain values; raises grpc.RpcError."""
        found = self.descriptor(method)
        request = json_format.ParseDict(asked or {}, GetMessageClass(found.input_type)())
        answer = self.raw(method, request.SerializeToString(), timeout)
        made = GetMessageClass(found.output_type).FromString(answer)
        return json_format.MessageToDict(made, preserving_proto_field_name=True)

    def raw(self, method, data, timeout=WAIT_S):
        """The bytes that answer bytes."""
        return self.channel(method).unary_unary(f"/{method}")(data, timeout=timeout, metadata=self._metadata)

    def raw_of(self, name, method, data):
        """As `raw`, on the port of one of the services."""
        return self._channels[name].unary_unary(f"/{method}")(data, timeout=WAIT_S, metadata=self._metadata)

    def fails(self, method, asked=None, timeout=WAIT_S):
        """(status, text) of a call that is refused."""
        with pytest.raises(grpc.RpcError) as refused:
            self(method, asked, timeout)
        return refused.value.code().name, refused.value.details()


def grpcurl(program, line, ports):
    """What a line of a document prints, on the ports of these servers: (plain values, None), or (None, what it says)."""
    for name, port in PORTS.items():
        line = line.replace(f"localhost:{port}", f"localhost:{ports[name]}")
    done = subprocess.run(["bash", "-c", f"{program}{line.removeprefix('grpcurl')}"], capture_output=True, text=True, timeout=60, check=False)
    return (json.loads(done.stdout), None) if done.returncode == 0 else (None, done.stderr)


LINES = Path(__file__).parent / "services" / "rpc" / "documented_lines.txt"

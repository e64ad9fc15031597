"""`python -m services.rpc.generate`: make the modules in `generated` from the .proto files. Imports grpc_tools, which only developers have."""

from pathlib import Path

HERE = Path(__file__).parent
NAMES = ("dataservice", "strategyservice", "portfolioservice", "portfoliostateservice")


def generate(into: Path) -> None:
    """Write the modules of every .proto file below a folder, in services/rpc/generated.

    Raises:
        RuntimeError: a file is not understood; protoc has said why.
    """
    from grpc_tools import protoc

    place = "services/rpc/generated"
    for name in NAMES:
        code = protoc.main(["protoc", f"-I{place}={HERE / 'protos'}", f"--python_out={into}", f"--grpc_python_out={into}", f"{place}/{name}.proto"])
        if code:
            raise RuntimeError(f"{name}.proto is not understood")


if __name__ == "__main__":
    generate(HERE.parents[1])

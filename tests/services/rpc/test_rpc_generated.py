"""The generated modules are those of the .proto files, and the files are as the first document writes their packages and fields."""

from services.rpc import generate
from services.rpc.generated import dataservice_pb2, portfolioservice_pb2, portfoliostateservice_pb2, strategyservice_pb2


def test_the_modules_are_generated_from_the_files_as_they_are(tmp_path):
    generate.generate(tmp_path)
    made = tmp_path / "services" / "rpc" / "generated"
    kept = generate.HERE / "generated"
    names = {path.name for path in kept.glob("*_pb2*.py")}
    assert names == {path.name for path in made.glob("*.py")} and len(names) == 8
    for name in names:
        assert (made / name).read_text() == (kept / name).read_text(), f"{name}: run python -m services.rpc.generate"


def test_packages_and_services_are_named_as_they_are_called():
    services = {service.full_name for module in (dataservice_pb2, strategyservice_pb2, portfolioservice_pb2, portfoliostateservice_pb2)
                for service in module.DESCRIPTOR.services_by_name.values()}
    assert services == {"dataservice.DataService", "strategyservice.StrategyService", "portfolioservice.PortfolioService",
                        "portfoliostateservice.PortfolioStateService"}

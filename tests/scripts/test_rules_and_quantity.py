"""`--rules` and `--quantity` on the command line."""

import pytest

from core.spec import RunSpec
from reports.toml import to_toml

WALK = [f"2024-{month:02}-{day:02},{price},{price + 1},{price - 1},{price},1000"
        for at, (month, day, price) in enumerate((1 + at // 28, 1 + at % 28, 100 + (at * 7) % 13) for at in range(84)) if at % 7 < 5]
FAST = ("-p", "fast=2", "-p", "slow=5")


@pytest.fixture(name="source")
def _source(csv):
    return ("--symbols", f"{csv(*WALK)}")


def test_a_backtest_by_rules_and_quantity_from_options_and_from_a_file(command, source, folder):
    made = command("backtest", "GoldenCross", *source, *FAST, "--quantity", "5", "--rules", "alpaca", "--json").value
    assert made["fills"] > 4 and made["rejected"] == 0
    spec = RunSpec(symbols=(source[1],), source="csv", params={"fast": 2, "slow": 5}, quantity=0.005, fractional=True, rules="alpaca")
    (folder / "run.toml").write_text(to_toml(spec.to_dict()))
    refused = command("backtest", "--spec", "run.toml", "--json").value
    assert refused["fills"] == 0 and refused["rejected"] > 2
    assert any("an order is worth at least 1 USD" in warning for warning in refused["warnings"])


def test_a_sweep_and_a_walk_forward_by_rules_are_played_by_cerebro(command, source):
    swept = command("sweep", "GoldenCross", *source, "-p", "fast=2,3", "-p", "slow=5", "--rules", "alpaca", "--jobs", "1", "--json").value
    assert (swept["engine"], swept["obstacle"], swept["trials"]) == ("cerebro", "rules = alpaca", 2)
    walk = command("walkforward", "GoldenCross", *source, "-p", "fast=2,3", "-p", "slow=5", "--quantity", "5", "--windows", "2",
                   "--jobs", "1", "--json").value
    assert (walk["engine"], walk["obstacle"]) == ("cerebro", "FixedQuantity sizes from what is held")


def test_the_signals_are_of_that_quantity(command, source):
    made = command("signals", "BuyAndHold", *source, "--quantity", "7", "--json").value
    assert [row["shares"] for row in made["signals"]] == [7]

"""The trading commands against the local Alpaca: a spec as a TOML file, and the settings that point there."""

RUN = """
strategy = "steady_decisions:SteadyDecisions"
symbols = ["AAA", "BBB", "CCC"]
source = "alpaca"
start = "2024-01-02"
signal_start = "2024-02-20"
[params]
seed = 3
density = 0.9
"""


def point_at(monkeypatch, alpaca):
    """Set keys and addresses of a LocalAlpaca in the environment."""
    for name, value in (("API_KEY", alpaca.key_id), ("SECRET_KEY", alpaca.secret_key), ("BASE_URL", alpaca.url),
                        ("DATA_URL", alpaca.data_url),
                        ("STREAM_URL", alpaca.stream_url), ("TRADE_STREAM_URL", alpaca.trade_stream_url)):
        monkeypatch.setenv(f"ALPACA_{name}", value)

"""The names of the measures every trial of a sweep has; `engine.twin.measures` fills them in this order."""

MEASURES = (
    "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "exposure", "turnover", "costs",
    "win_rate", "average_trade", "profit_factor", "trades", "fills", "rejected", "final_value",
)

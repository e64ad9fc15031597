"""Performance measures: pure functions on arrays, each used by the engine, the Cerebro analyzers and the reports.

Conventions: returns are simple, one per session (last equity of the session over that of the one before, starting
cash before the first); sample standard deviation (ddof=1); a year has 252 sessions, 365 on the "24/7" calendar;
the risk-free rate is annual, brought to one session by compounding. What is not defined is NaN, never an
error: no trade, one bar, no volatility. Imports core only.
"""

from collections.abc import Sequence

import numpy as np

from core.bars import Bars
from core.carry import BORROW_FEE, CASH_INTEREST, MARGIN_INTEREST
from core.result import RunResult, Trade

DAYS_A_YEAR = 365.25
RUIN = 1e-9
NAN = float("nan")


def compute(result: RunResult) -> dict[str, float]:
    """Every measure of one run, by name; fractions are fractions (0.1 is 10%), money is in account currency."""
    bars, spec = result.bars, result.spec
    dates, equity = session_last(bars.session, result.equity)
    benchmark = session_last(bars.session, result.benchmark)[1]
    periods = sessions_a_year(bars)
    returns = session_returns(equity, spec.cash)
    market = session_returns(benchmark, spec.cash)
    growth, fall = cagr(equity, dates, spec.cash), max_drawdown(result.equity, spec.cash)
    fall_days, fall_bars = underwater(result.equity, bars.session, spec.cash)
    return {
        "total_return": total_return(equity, spec.cash),
        "cagr": growth,
        "volatility": volatility(returns, periods),
        "sharpe": sharpe(returns, periods, spec.risk_free),
        "sortino": sortino(returns, periods, spec.risk_free),
        "calmar": calmar(growth, fall),
        "max_drawdown": fall,
        "max_drawdown_days": float(fall_days),
        "max_drawdown_bars": float(fall_bars),
        "win_rate": win_rate(result.trades),
        "average_trade": average_trade(result.trades),
        "profit_factor": profit_factor(result.trades),
        "exposure": mean_exposure(result.exposure),
        "turnover": turnover([fill.size * fill.price for fill in result.fills], result.equity, dates),
        "costs": float(sum(fill.commission for fill in result.fills)),
        "dividends": booked(result, "dividend"),
        "borrow_fees": -booked(result, BORROW_FEE),
        "margin_interest": -booked(result, MARGIN_INTEREST),
        "cash_interest": booked(result, CASH_INTEREST),
        "alpha": benchmark_alpha(returns, market, periods, spec.risk_free),
        "beta": benchmark_beta(returns, market),
        "benchmark_return": total_return(benchmark, spec.cash),
    }


# -- sessions -----------------------------------------------------------------------------------------


def sessions_a_year(bars: Bars) -> float:
    """Returns in a year: 252 (365 on "24/7") for bars of a day or less; weeks and months by the calendar."""
    count, unit = int(bars.interval[:-1]), bars.interval[-1]
    if unit == "w":
        return 52 / count
    if unit == "M":
        return 12 / count
    year = 365 if bars.calendar == "24/7" else 252
    return year / count if unit == "d" else float(year)


def session_last(session: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The S distinct sessions and the last of `values` (T,) in each."""
    last = np.flatnonzero(np.r_[session[1:] != session[:-1], True]) if len(session) else np.empty(0, dtype=int)
    return session[last], np.asarray(values, dtype=np.float64)[last]


def session_returns(equity: np.ndarray, cash: float) -> np.ndarray:
    """(S,) simple returns of (S,) equity that began as `cash`; 0 once all but a billionth of it is lost."""
    values = np.r_[cash, equity]
    before, change = values[:-1], np.diff(values)
    return np.divide(change, before, out=np.zeros(len(change)), where=before > RUIN * cash)


def years(dates: np.ndarray) -> float:
    """Calendar time from the first to the last date, in years of 365.25 days."""
    return float((dates[-1] - dates[0]).astype(np.int64) / DAYS_A_YEAR) if len(dates) else 0.0


# -- growth and risk ----------------------------------------------------------------------------------


def total_return(equity: np.ndarray, cash: float) -> float:
    """Final value over starting cash, minus 1."""
    return float(equity[-1] / cash - 1) if len(equity) else NAN


def cagr(equity: np.ndarray, dates: np.ndarray, cash: float) -> float:
    """Compound annual growth rate by calendar days: (final / cash) ** (1 / years) - 1; -1 when all is lost.

    NaN within a single session. Source: CFA Institute, GIPS (annualised time-weighted return).
    """
    span = years(dates)
    if span <= 0:
        return NAN
    growth = float(equity[-1]) / cash
    if growth <= 0:
        return -1.0
    with np.errstate(over="ignore"):
        return _finite(np.expm1(np.log(growth) / span))


def volatility(returns: np.ndarray, periods: float) -> float:
    """Annual standard deviation (ddof=1) of (S,) returns, scaled by the square root of time."""
    return float(np.std(returns, ddof=1) * np.sqrt(periods)) if len(returns) > 1 else NAN


def sharpe(returns: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Annual Sharpe ratio: mean excess return over its standard deviation (ddof=1), times sqrt(periods).

    Source: W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21 (1994).
    """
    excess = returns - _per_session(risk_free, periods)
    return _ratio(excess.mean(), _deviation(excess), np.sqrt(periods)) if len(excess) > 1 else NAN


def sortino(returns: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Annual Sortino ratio: mean excess return over the root mean square of the negative ones (over all S).

    Source: F. Sortino and L. Price, "Performance Measurement in a Downside Risk Framework" (1994), with the
    risk-free rate as target.
    """
    excess = returns - _per_session(risk_free, periods)
    if len(excess) < 2:
        return NAN
    return _ratio(excess.mean(), np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)), np.sqrt(periods))


def calmar(growth: float, fall: float) -> float:
    """CAGR over maximum drawdown, of the whole run (T. Young, "Calmar Ratio", Futures, 1991, used 36 months)."""
    return growth / fall if fall > 0 else NAN


def drawdown(equity: np.ndarray, cash: float) -> np.ndarray:
    """(T,) fraction below the highest value so far (starting cash included), 0 or positive."""
    peak = np.maximum.accumulate(np.maximum(equity, cash))
    return 1.0 - equity / peak


def max_drawdown(equity: np.ndarray, cash: float) -> float:
    """The largest of `drawdown`: 0.2 is a fall of 20% (M. Magdon-Ismail and A. Atiya, 2004)."""
    return float(drawdown(equity, cash).max()) if len(equity) else NAN


def underwater(equity: np.ndarray, dates: np.ndarray, cash: float) -> tuple[int, int]:
    """The longest time below a former peak: (calendar days, bars) from the peak to the recovery or the end.

    The two maxima are taken separately. Starting cash counts as a peak on the first date.
    """
    if not len(equity):
        return 0, 0
    below, rows = drawdown(equity, cash) > 0, np.arange(len(equity))
    peak = np.r_[0, np.maximum.accumulate(np.where(below, 0, rows))[:-1]]  # as known before each bar
    down = below | np.r_[False, below[:-1]]  # the bar of the recovery ends the fall
    days = (dates - dates[peak]).astype(np.int64)
    return int(days[down].max(initial=0)), int((rows - peak)[down].max(initial=0))


def mean_exposure(exposure: np.ndarray) -> float:
    """Mean of (T,) gross exposure over the bars on which it is defined."""
    known = exposure[np.isfinite(exposure)]
    return float(known.mean()) if len(known) else NAN


# -- trades -------------------------------------------------------------------------------------------


def booked(result: RunResult, kind: str) -> float:
    """Sum of the cash events of a kind, account currency."""
    return float(sum(event.amount for event in result.cash_events if event.kind == kind))


def outcomes(trades: Sequence[Trade]) -> np.ndarray:
    """Profit of each closed trade after commission and fees, with its dividends; account currency."""
    return np.array([trade.pnl + trade.dividends - trade.borrow for trade in trades if not trade.open], dtype=np.float64)


def win_rate(trades: Sequence[Trade]) -> float:
    """Part of the closed trades that made money; NaN without one."""
    profits = outcomes(trades)
    return float((profits > 0).mean()) if len(profits) else NAN


def average_trade(trades: Sequence[Trade]) -> float:
    """Mean profit of the closed trades, account currency; NaN without one."""
    profits = outcomes(trades)
    return float(profits.mean()) if len(profits) else NAN


def profit_factor(trades: Sequence[Trade]) -> float:
    """Sum of profits over sum of losses, of closed trades; infinite without a loss, NaN without either."""
    profits = outcomes(trades)
    won, lost = float(profits[profits > 0].sum()), float(-profits[profits < 0].sum())
    if lost:
        return won / lost
    return float("inf") if won else NAN


def turnover(values: Sequence[float], equity: np.ndarray, dates: np.ndarray) -> float:
    """Annual turnover: half the traded value over the mean equity, over the years; NaN within one session.

    1 means that the whole account was bought and sold once a year.
    """
    span, mean = years(dates), float(np.mean(equity)) if len(equity) else 0.0
    return float(np.abs(values).sum() / 2 / mean / span) if span > 0 and mean > 0 else NAN


# -- against a benchmark ------------------------------------------------------------------------------


def benchmark_beta(returns: np.ndarray, market: np.ndarray) -> float:
    """Slope of the regression of (S,) returns on those of the benchmark: cov / var (W. F. Sharpe, 1964)."""
    if len(returns) < 2 or _deviation(market) == 0:
        return NAN
    return float(np.cov(returns, market, ddof=1)[0, 1] / np.var(market, ddof=1))


def benchmark_alpha(returns: np.ndarray, market: np.ndarray, periods: float, risk_free: float = 0.0) -> float:
    """Jensen's alpha a year: mean(r - f) - beta * mean(m - f), times periods, not compounded.

    Source: M. Jensen, "The Performance of Mutual Funds in the Period 1945-1964", Journal of Finance 23 (1968).
    """
    free, slope = _per_session(risk_free, periods), benchmark_beta(returns, market)
    return float(((returns - free).mean() - slope * (market - free).mean()) * periods) if len(returns) else NAN


# -- calendar tables ----------------------------------------------------------------------------------


def monthly_returns(equity: np.ndarray, dates: np.ndarray, cash: float) -> tuple[np.ndarray, np.ndarray]:
    """Years (Y,) int and (Y, 12) returns by calendar month; NaN where the run has no session.

    Args:
        equity, dates: (S,) value at the end of each session. cash: value before the first.
    """
    months, last = session_last(dates.astype("datetime64[M]"), equity)
    numbers = months.astype(np.int64)
    calendar = np.arange(numbers[0] // 12, numbers[-1] // 12 + 1) if len(numbers) else np.empty(0, dtype=np.int64)
    table = np.full((len(calendar), 12), np.nan)
    if len(numbers):
        table[numbers // 12 - calendar[0], numbers % 12] = session_returns(last, cash)
    return calendar + 1970, table


def yearly_returns(equity: np.ndarray, dates: np.ndarray, cash: float) -> tuple[np.ndarray, np.ndarray]:
    """Years (Y,) int and (Y,) returns by calendar year; as `monthly_returns`, compounded."""
    calendar, table = monthly_returns(equity, dates, cash)
    total = np.nanprod(1.0 + table, axis=1) - 1.0
    return calendar, np.where(np.isnan(table).all(axis=1), np.nan, total)


def _per_session(annual: float, periods: float) -> float:
    return float(np.expm1(np.log1p(annual) / periods))


def _deviation(values: np.ndarray) -> float:
    """Sample standard deviation, 0 where the values differ by rounding only."""
    spread = float(np.std(values, ddof=1))
    return spread if spread > 1e-12 * float(np.abs(values).max()) else 0.0


def _ratio(mean: float, risk: float, scale: float) -> float:
    return float(mean / risk * scale) if risk > 0 else NAN


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else NAN

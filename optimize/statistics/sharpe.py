"""How far a Sharpe ratio can be trusted: its standard error, and what the best of many trials reaches by luck.

Every Sharpe ratio here is per session unless it says annual. Imports analyzers.metrics, core.errors and scipy.
"""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from analyzers import metrics
from core.errors import UsageError

NORMAL = NormalDist()
EULER_GAMMA = 0.5772156649015329


def probabilistic_sharpe(sharpe: float, benchmark: float, n: float, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Probability that the true Sharpe ratio is above `benchmark`, from n returns of this skew and (raw) kurtosis.

    Source: D. Bailey and M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012).
    """
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt((n - 1) / _shape(sharpe, skew, kurtosis)))


def deflated_sharpe(
    sharpe: float, n: float, variance: float, trials: float, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Probabilistic Sharpe ratio against the expected best of `trials` whose Sharpe ratios have this variance.

    Source: D. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014),
    with its closed form of the expected maximum (within 3% of the exact one from 5 trials on).
    """
    return probabilistic_sharpe(sharpe, math.sqrt(variance) * closed_maximum(trials), n, skew, kurtosis)


def minimum_track_record(
    sharpe: float, benchmark: float = 0.0, skew: float = 0.0, kurtosis: float = 3.0, level: float = 0.95
) -> float:
    """Sessions after which the probabilistic Sharpe ratio reaches `level`; infinite unless sharpe > benchmark.

    Source: Bailey and Lopez de Prado (2012), as `probabilistic_sharpe`.
    """
    if not sharpe > benchmark:
        return math.inf
    return 1 + _shape(sharpe, skew, kurtosis) * (NORMAL.inv_cdf(level) / (sharpe - benchmark)) ** 2


def minimum_backtest_length(trials: float, sharpe: float) -> float:
    """Years of data below which the best of `trials` without skill is expected to show this *annual* Sharpe ratio.

    Source: D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu, "Pseudo-Mathematics and Financial Charlatanism",
    Notices of the AMS 61 (2014), with the exact expected maximum (theirs makes it 5% longer for 10 trials, 1% for
    1,000). Infinite for sharpe <= 0.
    """
    return (expected_maximum(trials) / sharpe) ** 2 if sharpe > 0 else math.inf


def expected_maximum(trials: float) -> float:
    """Expected maximum of `trials` independent standard normals, by quadrature; any real number from 1 (where it is 0).

    Raises:
        UsageError: fewer than 1 trial.
    """
    if not trials >= 1:
        raise UsageError(f"an expected maximum needs 1 trial or more, got {trials}: count the run itself as one")
    step, weight, log_below = _quadrature()
    return max(0.0, float(trials * step * np.dot(weight, np.exp((trials - 1) * log_below))))


def closed_maximum(trials: float) -> float:
    """The approximation of `expected_maximum` in Bailey and Lopez de Prado (2014); 0 for a single trial."""
    if trials <= 1:
        return 0.0
    rare, rarer = (NORMAL.inv_cdf(1 - 1 / (trials * factor)) for factor in (1.0, math.e))
    return (1 - EULER_GAMMA) * rare + EULER_GAMMA * rarer


def standard_error(returns: np.ndarray, sharpe: float | None = None, cautious: bool = False) -> float:
    """Standard error of the per-session Sharpe ratio of (S,) returns; NaN without spread or below 3 sessions.

    The long-run variance (Newey-West, automatic bandwidth) of the ratio's influence function, so that fat tails, skew
    and autocorrelation are in it. `sharpe` puts another value for the sample's own: 0 is the error without skill.
    `cautious`: autocorrelation may widen it but not narrow it (short samples show reversion that is not there).
    Source: A. Lo, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58 (2002); E. Mertens (2002) is the
    case without autocorrelation.
    """
    returns = np.asarray(returns, dtype=np.float64)
    own = metrics.sharpe(returns, 1.0)
    if len(returns) < 3 or math.isnan(own):
        return math.nan
    scaled = (returns - returns.mean()) / returns.std(ddof=1)
    at = own if sharpe is None else sharpe
    influence = scaled - at / 2 * (scaled**2 - 1)
    least = float(influence.var()) if cautious else 0.0
    return math.sqrt(max(long_run_variance(influence), least) / len(returns))


def long_run_variance(values: np.ndarray) -> float:
    """Variance of sqrt(n) times the mean of (n,) dependent values: Bartlett weights up to an automatic bandwidth.

    Source: W. Newey and K. West, "Automatic Lag Selection in Covariance Matrix Estimation", Review of Economic Studies
    61 (1994), without prewhitening.
    """
    n = len(values)
    centred = values - values.mean()
    pilot = min(int(4 * (n / 100) ** (2 / 9)), n - 1)
    covariance = _covariances(centred, pilot)
    level = covariance[0] + 2 * covariance[1:].sum()
    slope = 2 * np.dot(np.arange(1, pilot + 1), covariance[1:])
    if level <= 0:  # only a strongly reverting series: the plain variance is the larger, safe value
        return float(covariance[0])
    lags = min(int(1.1447 * ((slope / level) ** 2 * n) ** (1 / 3)), n - 1)
    covariance = _covariances(centred, lags)
    weight = 1 - np.arange(1, lags + 1) / (lags + 1)
    return float(covariance[0] + 2 * np.dot(weight, covariance[1:]))


def _covariances(centred: np.ndarray, lags: int) -> np.ndarray:
    """(lags + 1,) autocovariances, each over n."""
    n = len(centred)
    return np.array([np.dot(centred[lag:], centred[: n - lag]) for lag in range(lags + 1)]) / n


def _shape(sharpe: float, skew: float, kurtosis: float) -> float:
    """Variance of sqrt(n) times the Sharpe ratio of independent returns (Mertens 2002)."""
    return 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2


@lru_cache(maxsize=1)
def _quadrature() -> tuple[float, np.ndarray, np.ndarray]:
    """Trapezoid rule for the integral of x f(x) F(x)**(N-1), normal density f and distribution F."""
    from scipy.special import log_ndtr

    x, step = np.linspace(-15.0, 15.0, 3001, retstep=True)
    return float(step), x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi), log_ndtr(x)

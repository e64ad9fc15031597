"""An independent check of limits: what an account may look like after a decision."""

import math

import numpy as np

from core.options import Limits


def broken(shares, held, decided, sectors, value, cash, prices, limits):
    """The limits that shares to hold break, in words; written without a look at how they are kept."""
    slack, worth, had = 1e-9 * value, np.abs(shares) * prices, np.abs(held) * prices
    kept = np.where(shares * held > 0, np.minimum(worth, had), 0.0)
    rises, trades = worth - kept > slack, decided & (shares != held)
    found = []
    if (shares[~decided] != held[~decided]).any():
        found.append("touched what was not decided")
    if (worth[decided] > min(limits.max_weight * value, limits.max_position) + slack).any():
        found.append("position too large")
    if (worth[trades & (shares != 0)] < max(limits.min_weight * value, limits.min_position) - slack).any():
        found.append("position too small")
    if (shares != 0).sum() > max(limits.max_positions, (held[~decided] != 0).sum()):
        found.append("too many positions")
    if rises.any() and worth.sum() > limits.max_gross * value + slack:
        found.append("too much exposure")
    if rises.any() and (held >= 0).all() and (shares >= 0).all() and \
            cash - ((shares - held) * prices).sum() < limits.min_cash - slack:
        found.append("too little cash left")
    for sector in set(sectors[rises].tolist()) - {-1}:
        if worth[sectors == sector].sum() > limits.max_sector * value + slack:
            found.append(f"too much in sector {sector}")
    return found


def random_case(random, shorts, costly=False):
    """An account, its wishes and its limits; `costly` shares are dear for what the account is worth."""
    count = int(random.integers(1, 9))
    value = 10 ** random.uniform(2, 6)
    prices = value * 10 ** random.uniform(-2.2, -0.9, count) if costly else 10 ** random.uniform(-1, 3, count)
    low = -1.0 if shorts else 0.0
    held = np.trunc(random.uniform(low, 1, count) * (random.random(count) < 0.4) * value / prices / count)
    wishes = random.uniform(low, 1, count) * random.choice([0.0, 0.1, 0.5, 1.5], count)
    wishes[random.random(count) < 0.03] = math.nan
    limits = Limits(
        cash_buffer=random.choice([0.0, 0.02, 0.3]), min_cash=value * random.choice([0.0, 0.1, 0.6]),
        max_weight=random.choice([math.inf, 0.3, 0.1]), max_position=value * random.choice([math.inf, 0.25, 0.05]),
        min_position=value * random.choice([0.0, 0.03, 0.05]), max_positions=random.choice([math.inf, 1.0, 3.0]),
        max_gross=random.choice([1.0, 0.5, 2.0]), min_weight=random.choice([0.0, 0.02, 0.08]),
        max_sector=random.choice([math.inf, 0.2, 0.4]))
    return dict(weights=wishes, held=held, conviction=np.round(random.uniform(low, 1, count), 1),
                decided=random.random(count) < 0.7, sectors=random.integers(-1, 3, count), value=value, prices=prices,
                cash=value - (held * prices).sum(), limits=Limits(*map(float, limits)))

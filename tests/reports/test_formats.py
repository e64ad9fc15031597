"""Numbers as a reader sees them."""

import math

import pytest

from reports import formats


@pytest.mark.parametrize(("write", "value", "shown"), [
    (formats.percent, 0.1234, "12.3%"), (formats.percent, -0.5, "−50.0%"), (formats.percent, 70.08, "7,008%"),
    (formats.percent, -0.0, "0.0%"), (formats.percent, -0.0001, "0.0%"),
    (formats.signed_percent, 0.01, "+1.0%"), (formats.signed_percent, 0.0, "0.0%"),
    (formats.money, 1234.5, "1,234.50"), (formats.money, 12_345_678.9, "12,345,679"), (formats.money, -3, "−3.00"),
    (formats.price, 1.23456, "1.2346"), (formats.price, 512.5, "512.50"),
    (formats.count, 1200.0, "1,200"), (formats.count, 0.125, "0.125"),
    (formats.short, 1_250_000, "1.25M"), (formats.short, 0, "0"), (formats.short, -2500, "−2.5k"),
    (formats.number, math.inf, "∞"), (formats.number, math.nan, "–"), (formats.number, None, "–"),
])
def test_formats(write, value, shown):
    assert write(value) == shown

"""Well-known groups of exchange-traded funds, for sleeves."""

BROAD_ETFS = ("SPY", "QQQ", "VOO", "IVV", "VTI", "DIA", "IWM", "VT")
SECTOR_ETFS = ("XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY")

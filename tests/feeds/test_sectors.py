"""Sectors from a file, or from what a source knows."""

import pytest

from core.errors import UsageError
from feeds.load import load_bars, source_named
from feeds.sectors import read_sectors, sectors_of


@pytest.fixture(name="sector_map")
def _sector_map(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "sectors.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("text", [
    "symbol,sector\nA,Energy\nB,Health Care\n",
    "Sector, Symbol ,note\nEnergy,A,x\n Health Care , B ,y\n",
    "\ufeffsymbol,sector\r\nA,Energy\r\n\r\nB,Health Care\r\n",
    'symbol,sector\nA,Energy\nB,"Health Care"\nA,Energy\nC,\n,Energy\nD\n',
])
def test_a_sector_map_is_read(sector_map, text):
    assert read_sectors(sector_map(text)) == {"A": "Energy", "B": "Health Care"}


@pytest.mark.parametrize(("text", "message"), [
    ("symbol,industry\nA,Energy\n", "has the columns symbol, industry: its first line must name symbol and sector"),
    ("A,Energy\n", "has the columns a, energy"),
    ("", "has the columns none"),
    ("symbol,sector\nA,Energy\nB,Energy\nA,Health Care\n", "line 4: A is in Health Care, and in Energy above: keep one"),
])
def test_a_bad_sector_map_is_explained(sector_map, text, message):
    with pytest.raises(UsageError, match=message):
        read_sectors(sector_map(text))


def test_a_sector_map_that_cannot_be_read_is_explained(tmp_path, sector_map):
    with pytest.raises(UsageError, match="cannot read the sector map .*gone.csv: No such file"):
        read_sectors(tmp_path / "gone.csv")
    with pytest.raises(UsageError, match="cannot read the sector map"):
        read_sectors(sector_map("symbol,sector\nA,Énergie\n", "utf-16"))


def test_holes_are_named(sector_map):
    path = sector_map("symbol,sector\nA,Energy\n")
    sample = source_named("sample")
    assert sectors_of(["A"], sample, path) == {"A": "Energy"}
    with pytest.raises(UsageError, match="names no sector for B: add the line B,<sector>"):
        sectors_of(["A", "B"], sample, path)
    with pytest.raises(UsageError, match="names no sector for B, C, D, E, F, …: add the line B"):
        sectors_of(list("ABCDEFG"), sample, path)


def test_the_sample_knows_the_sectors_of_its_stocks_and_of_nothing_else():
    sample = source_named("sample")
    assert sectors_of(["XOM", "MTUM", "^GSPC"], sample) == {"XOM": "Energy"}
    kinds = {symbol: sample.describe(symbol)["kind"] for symbol in sample.symbols()}
    assert set(sectors_of(list(kinds), sample)) == {symbol for symbol, kind in kinds.items() if kind == "stock"}


def test_bars_carry_the_sectors_of_traded_symbols(sector_map):
    bars = load_bars(source="sample", symbols=("XOM", "MTUM"), reference=("^GSPC",), start="2022-01-03")
    assert bars.sectors == ("Energy", "", "")
    own = sector_map("symbol,sector\nXOM,Oil\nMTUM,Funds\n")
    bars = load_bars(source="sample", symbols=("XOM", "MTUM"), reference=("^GSPC",), start="2022-01-03", sectors=str(own))
    assert bars.sectors == ("Oil", "Funds", "")
    assert load_bars(source="sample", symbols=("MTUM",), start="2022-01-03").sectors == ()


def test_a_cell_too_long_for_a_csv_file(sector_map):
    with pytest.raises(UsageError, match="cannot read the sector map"):
        read_sectors(sector_map(f"symbol,sector\nA,{'x' * 200_000}\n"))

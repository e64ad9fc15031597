"""CSV files: what is understood, and what each fault is called."""

import logging

import numpy as np
import pytest

from core.calendars import get_calendar
from core.errors import BadBars, BadSpec, UnknownName, UsageError
from feeds.csv_files import CsvSource

HEADER = "Date,Open,High,Low,Close,Volume\n"
ROWS = "2020-01-02,10,12,9,11,1000\n2020-01-03,11,13,10,12,1100\n2020-01-06,12,14,11,13,1200\n"


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name.replace('__', '.')}.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def load(folder, symbol="SPY", interval="1d", calendar="XNYS"):
    return CsvSource(folder, calendar).fetch([symbol], None, None, interval)[0]


def test_a_plain_daily_file(folder):
    bars = load(folder(SPY=HEADER + ROWS))
    assert bars.session.astype(str).tolist() == ["2020-01-02", "2020-01-03", "2020-01-06"]
    assert np.array_equal(bars.index, get_calendar("XNYS").close_of(bars.session))
    assert bars.open.tolist() == [10, 11, 12] and bars.volume.tolist() == [1000, 1100, 1200]
    assert not bars.close_only


@pytest.mark.parametrize("header", [
    "Date,Open,High,Low,Close/Last,Volume", "TIMESTAMP,o,h,l,c,v", " datetime , OPEN, high ,Low,CLOSE,Vol",
    ",open,high,low,close,volume", "Date;Open;High;Low;Close;Volume", "date\topen\thigh\tlow\tclose\tvolume",
])
def test_headers_by_their_common_names(folder, header):
    delimiter = next((mark for mark in ";\t" if mark in header), ",")
    bars = load(folder(SPY=header + "\n" + ROWS.replace(",", delimiter)))
    assert bars.high.tolist() == [12, 13, 14] and bars.volume.tolist() == [1000, 1100, 1200]


def test_adjusted_close_is_ignored_and_a_byte_order_mark_too(folder):
    text = "\ufeffDate,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,10,12,9,11,5.5,1000\n"
    assert load(folder(SPY=text)).close.tolist() == [11]


@pytest.mark.parametrize("dates", [
    ("01/02/2020", "01/13/2020"), ("02.01.2020", "13.01.2020"), ("20200102", "20200113"), ("2020/01/02", "2020/01/13"),
    ("02-Jan-2020", "13-Jan-2020"), ("Jan 02, 2020", "Jan 13, 2020"),
    ("2020-01-02 00:00:00-05:00", "2020-01-13 00:00:00-05:00"),
])
def test_dates_in_one_consistent_format(folder, dates):
    text = "Date;Close\n" + "".join(f"{date};10\n" for date in dates)
    assert load(folder(SPY=text)).session.astype(str).tolist() == ["2020-01-02", "2020-01-13"]


def test_ambiguous_order_of_day_and_month(folder):
    with pytest.raises(BadBars, match=r"SPY.csv line 2: date '01/02/2020' can be 2020-01-02 or 2020-02-01; write dates"):
        load(folder(SPY="Date,Close\n01/02/2020,10\n01/03/2020,11\n"))


def test_newest_first_is_turned_round(folder):
    bars = load(folder(SPY="Date,Close\n2020-01-06,13\n2020-01-03,12\n2020-01-02,11\n"))
    assert bars.close.tolist() == [11, 12, 13] and bars.close_only and np.isnan(bars.open).all()


def test_minutes_are_shifted_to_completion_in_the_exchange_zone(folder):
    rows = "2020-01-02 09:30,10,12,9,11,5\n2020-01-02 15:59,11,13,10,12,6\n2020-01-02 16:30,11,13,10,12,6\n"
    bars = load(folder(SPY=HEADER + rows), interval="1m")
    opened, closed = get_calendar("XNYS").open_of(bars.session)[0], get_calendar("XNYS").close_of(bars.session)[0]
    assert bars.index.tolist() == [opened + 60 * 10**9, closed]  # the bar after hours is left out
    same = HEADER + rows.replace(" 09:30", "T14:30Z").replace(" 15:59", "T20:59+00:00").replace(" 16:30", "T21:30Z")
    assert np.array_equal(load(folder(QQQ=same), "QQQ", "1m").index, bars.index)


def test_separate_time_column_and_completion_stamps(folder):
    split = "Date,Time,Close\n01/13/2020,09:35,10\n01/13/2020,9:40 AM,11\n"
    ended = "Close Time,Close\n2020-01-13 09:40,10\n2020-01-13 09:45,11\n"
    first, second = load(folder(A=split), "A", "5m"), load(folder(B=ended), "B", "5m")
    assert np.array_equal(first.index, second.index)


def test_the_last_hour_ends_with_the_session(folder):
    bars = load(folder(SPY="Date,Close\n2020-01-02 14:30,10\n2020-01-02 15:30,11\n"), interval="1h")
    closed = get_calendar("XNYS").close_of(bars.session)
    assert bars.index[-1] == closed[-1] and bars.session.astype(str).tolist() == ["2020-01-02"] * 2


def test_actions_beside_the_file(folder):
    actions = ("date,dividend,split,pay_date\n2019-06-03,9,,\n2020-01-03,0.5,,2020-01-31\n2020-01-04,,2,\n")
    bars = load(folder(SPY=HEADER + ROWS, SPY__actions=actions))
    assert bars.dividend.tolist() == [0, 0.5, 0]
    assert bars.split.tolist() == [1, 1, 2]  # Saturday's split takes effect on Monday
    assert bars.pay_date.astype(str).tolist() == ["NaT", "2020-01-31", "NaT"]


@pytest.mark.parametrize("actions, fault", [
    ("date,dividend,split\n2020-01-03,0,0\n", r"SPY.actions.csv line 2: split 0 is not a positive ratio"),
    ("date,dividend\n2020-01-03,11\n", r"line 2: dividend 11 is not below the previous close 11"),
    ("date,dividend\n2020-01-03,-1\n", r"line 2: dividend -1 is negative"),
    ("date,dividend\n2020-01-03,x\n", r"line 2: dividend 'x' is not a number"),
    ("date,dividend\n2020-02-03,1\n", r"line 2: the action of 2020-02-03 is after the last bar \(2020-01-06\)"),
    ("date,other\n2020-01-03,1\n", r"there is no column for dividend"),
])
def test_faulty_actions(folder, actions, fault):
    with pytest.raises(BadBars, match=fault):
        load(folder(SPY=HEADER + ROWS, SPY__actions=actions))


@pytest.mark.parametrize("text, fault", [
    ("Date,Open,High,Low,Close\n2020-01-02,10,12,9\n", r"line 2: there are 4 cells, the header has 5"),
    ("Date,Open,High,Low,Volume\n2020-01-02,10,12,9,1\n", r"there is no column for close"),
    ("Open,High,Low,Close\n10,12,9,11\n", r"there is no column for date"),
    ("Date,Open,High,Close\n2020-01-02,10,12,11\n", r"there is no column for low"),
    (HEADER + "2020-01-02,10,12,9,abc,1\n", r"SPY.csv line 2: close 'abc' is not a number"),
    (HEADER + '2020-01-02,10,12,9,"$1,234.5",1\n', r"line 2: close '\$1,234.5' is not a number; write plain numbers"),
    (HEADER + "2020-01-02,10,12,9,nan,1\n", r"close 'nan' is not a number"),
    (HEADER + "2020-01-02,,12,9,11,1\n", r"open '' is not a number"),
    (HEADER + ROWS + "2020-01-06,12,14,11,13,1\n", r"SPY.csv line 5: the time 2020-01-06 00:00:00 is there twice"),
    (HEADER + ROWS + "2020-01-01,12,14,11,13,1\n", r"line 5: .* stands after 2020-01-06.*sort the rows"),
    (HEADER + "2020-01-02,10,8,9,9.5,1\n", r"SPY.csv line 2: high 8 is below low 9 on 2020-01-02"),
    (HEADER + "2020-01-02,10,12,9,-1,1\n", r"line 2: close -1 is not positive"),
    (HEADER + "2020-01-02,10,12,9,11,-5\n", r"line 2: volume -5 is negative"),
    (HEADER + "2020-02-30,10,12,9,11,5\n", r"line 2: date '2020-02-30' does not exist"),
    (HEADER + "yesterday,10,12,9,11,5\n", r"line 2: date 'yesterday' is not understood; write dates as 2015-01-31"),
    (HEADER + "2020-01-02,10,12,9,11,5\n01/03/2020,10,12,9,11,5\n", r"line 3: .* is not written like '2020-01-02'"),
    (HEADER + "2020-01-02 09:31,10,12,9,11,5\n", r"has a time of day; .*add --interval 1m"),
])
def test_malformed_files_name_file_line_and_value(folder, text, fault):
    with pytest.raises(BadBars, match=fault) as caught:
        load(folder(SPY=text))
    assert "\n" not in str(caught.value) and "SPY.csv" in str(caught.value)


def test_lines_are_counted_in_the_file_after_turning_it_round(folder):
    text = HEADER + "2020-01-06,12,14,11,13,1\n\n2020-01-03,10,8,9,9.5,1\n"
    with pytest.raises(BadBars, match=r"SPY.csv line 4: high 8 is below low 9"):
        load(folder(SPY=text))


def test_files_that_are_no_csv(folder, tmp_path):
    (tmp_path / "BIN.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "NUL.csv").write_bytes(b"Date,Close\n2020-01-02,\x001\n")
    folder(EMPTY="", HEAD="Date,Close\n", QUOTE='Date,Close\n2020-01-02,"1"x\n')
    for name, fault in [("BIN", "not UTF-8"), ("NUL", "binary"), ("EMPTY", "is empty"), ("HEAD", "is empty"),
                        ("QUOTE", "line 2 is not CSV")]:
        with pytest.raises(UsageError, match=fault):
            load(tmp_path, name)


def test_missing_files_and_folders_get_a_suggestion(folder, tmp_path):
    folder(SPY=HEADER + ROWS)
    with pytest.raises(UnknownName, match="did you mean 'SPY.csv'"):
        CsvSource().canonical([str(tmp_path / "SPX.csv")])
    with pytest.raises(UnknownName, match="did you mean 'SPY'"):
        CsvSource(tmp_path).canonical(["SPX"])
    with pytest.raises(UnknownName, match="unknown folder or file"):
        CsvSource(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="names no file: write data/SPY.csv, or --source csv:FOLDER"):
        CsvSource().canonical(["SPY"])


def test_paths_as_symbols_and_the_folder_list(folder, tmp_path):
    folder(SPY=HEADER + ROWS, QQQ=HEADER + ROWS, SPY__actions="date,dividend\n2020-01-03,0.5\n")
    source = CsvSource()
    assert source.canonical([str(tmp_path / "SPY.csv")]) == ("SPY",)
    assert source.fetch(["SPY"], None, None)[0].dividend.sum() == 0.5
    assert CsvSource(tmp_path).symbols() == ("QQQ", "SPY")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "SPY.csv").write_text(HEADER + ROWS)
    with pytest.raises(UsageError, match="symbol SPY is in .* and in"):
        source.canonical([str(tmp_path / "other" / "SPY.csv")])


def test_one_long_file_with_a_symbol_column(folder, tmp_path):
    text = "symbol,date,close\nA,2020-01-02,1\nB,2020-01-02,5\nA,2020-01-03,2\nB,2020-01-03,6\n"
    folder(all=text, A__actions="date,split\n2020-01-03,2\n")
    source = CsvSource(tmp_path / "all.csv")
    assert source.symbols() == ("A", "B")
    assert CsvSource().canonical([str(tmp_path / "all.csv")]) == ("A", "B")
    first, second = source.fetch(["A", "B"], None, None)
    assert first.close.tolist() == [1, 2] and first.split.tolist() == [1, 2] and second.close.tolist() == [5, 6]
    assert str(source.last_session(["A"])) == "2020-01-03"
    with pytest.raises(UnknownName, match="unknown symbol 'C'"):
        source.fetch(["C"], None, None)
    folder(all=text.replace("B,2020-01-03", "B,2020-01-02"))
    with pytest.raises(BadBars, match="bad bars for B at .*all.csv line 5"):
        CsvSource(tmp_path / "all.csv").fetch(["B"], None, None)


def test_interval_and_file_must_agree(folder):
    with pytest.raises(BadBars, match="has no time of day; for daily bars use --interval 1d"):
        load(folder(SPY=HEADER + ROWS), interval="5m")
    with pytest.raises(BadSpec, match="no 1w bars"):
        load(folder(SPY=HEADER + ROWS), interval="1w")
    with pytest.raises(BadBars, match="names an offset where others do not"):
        load(folder(SPY="Date,Close\n2020-01-02 09:31,1\n2020-01-02 09:32Z,1\n"), interval="1m")


def test_dates_off_the_calendar_are_said(folder, caplog):
    with caplog.at_level(logging.WARNING):
        load(folder(SPY="Date,Close\n2020-01-03,1\n2020-01-04,1\n"))
    assert "1 dates are no session of XNYS, the first is 2020-01-04" in caplog.text

"""The page of a day: everything that was told, nothing that is fetched, whatever strategies and accounts are named."""

import re
from decimal import Decimal

import numpy as np
import pytest
from api_settings import settings_in

from core.calendars import get_calendar
from core.errors import StoreFailed
from journal import Journal
from journal.account_log import Note
from journal.subscriptions import Advice
from services.daily.report import page_of, render_day, write_day

XNYS = get_calendar("XNYS")
BEFORE, LAST = XNYS.between("2020-01-01", "2020-01-03")
EVIL = "</svg><script>alert(1)</script>"


@pytest.fixture(name="settings")
def _settings(tmp_path):
    return settings_in(tmp_path).model_copy(update={"site": "https://signals.example.org/"})


@pytest.fixture(name="journal")
def _journal(settings):
    with Journal(settings.journal) as journal:
        yield journal


def closed(session):
    return int(XNYS.close_of(np.array([session]))[0])


def test_what_it_says(journal, settings):
    subscriptions, history = journal.subscriptions, journal.history
    one = subscriptions.confirm(subscriptions.ask("ann@example.org", [("GoldenCross", "SPY"), ("GoldenCross", "QQQ")]).token)
    reasons = {"fast": 510.123456, "past signals, 20 sessions later": "7 of 11 beat SPY", "closes": [500.0, 490.0, 512.85]}
    subscriptions.advise([Advice("GoldenCross", "SPY", str(LAST), "BUY", Decimal("512.85"), reasons), Advice("GoldenCross", "QQQ", str(BEFORE), "SELL", Decimal(1))])
    history.take("paper:1", "", Decimal("1000.00"), Decimal(10), {}, time_ns=closed(BEFORE))
    history.take("paper:1", "", Decimal("990.00"), Decimal("2.5"), {"SPY": {"quantity": "3.5", "price": "10"}}, time_ns=closed(LAST))
    history.take("paper:1", "", Decimal("7777.00"), Decimal("2.5"), {}, time_ns=closed(LAST) + 4 * 86_400 * 10**9)  # of a later session
    journal.account_log.add(Note("paper:1", "gold", "alert", "look here", closed(LAST)))
    journal.account_log.add(Note("paper:1", "gold", "alert", "days later", closed(LAST) + 4 * 86_400 * 10**9))
    for done, text in ((False, "yahoo did not answer"), (True, "2 symbols")):
        journal.daily.record(str(LAST), "collect", done, text)
    journal.daily.record(str(LAST), "mails", False, "the mail server is away")
    page = write_day(journal, settings, LAST, XNYS, "yahoo")
    text = page.read_text()
    assert page == page_of(settings, "2020-01-03") and page == settings.runs_dir / "daily" / "2020-01-03.html"
    for said in ("Friday, 3 January 2020", "2 symbols followed by 1 strategy", "510.12", "7 of 11 beat SPY", "512.85", "990.00", "−1.00%", "3.5 shares", "gold: look here",
                 "done, 2 times", "2 symbols", "the mail server is away", "https://signals.example.org/v1/advice", "1 of 2"):
        assert said in text, said
    assert "7,777" not in text and "days later" not in text and "SELL" not in text and one.token not in text and "ann@example.org" not in text
    assert re.search(r'points="8\.0,49\.6 160\.0,82\.0 312\.0,8\.0 "', text)


def test_it_is_whole_by_itself_and_names_are_only_text(journal, settings):
    subscriptions = journal.subscriptions
    subscriptions.advise([Advice(EVIL, EVIL, str(LAST), "BUY", Decimal(1), {EVIL: EVIL, "none": None, "closes": [1.0]})])
    journal.history.take(EVIL, "", Decimal(1), Decimal(1), {EVIL: {"quantity": "1", "price": "1"}}, time_ns=closed(LAST))
    journal.account_log.add(Note(EVIL, EVIL, "alert", EVIL, closed(LAST)))
    journal.daily.record(str(LAST), EVIL, False, EVIL)
    text = render_day(journal, settings, LAST, XNYS, "yahoo")
    assert EVIL not in text and "&lt;script&gt;" in text and text.count("<script>") == 1
    assert not re.search(r"(src|href)=\"(?!https://signals\.example\.org/)", text) and "@import" not in text and "url(" not in text


@pytest.mark.parametrize("reasons", [{"closes": 5}, {"closes": "abc"}, {"closes": [1, None, 2]}, {"closes": [1, 10**400]}, {"closes": [[1], [2]]}, {"n": 10**400}])
def test_reasons_of_an_odd_form_are_no_end_of_the_page(journal, settings, reasons):
    journal.subscriptions.advise([Advice("GoldenCross", "SPY", str(LAST), "BUY", Decimal(1), reasons)])
    assert "SPY" in render_day(journal, settings, LAST, XNYS, "yahoo")


def test_a_day_of_nothing(journal, settings):
    text = render_day(journal, settings, LAST, XNYS, "yahoo")
    assert "nobody follows anything" in text and "No followed strategy said buy or sell." in text and "No live account has a snapshot of this session." in text


def test_a_folder_that_cannot_be_written_is_one_line_and_the_old_page_stays(journal, settings):
    settings.runs_dir.write_text("a file")
    with pytest.raises(StoreFailed, match="cannot create .*set CEREBROLAB_RUNS_DIR"):
        write_day(journal, settings, LAST, XNYS, "yahoo")

"""Real-time bars into a store: what is recorded is what the venue has, whatever happens on the way."""

import socket
import threading
from dataclasses import replace

import numpy as np
import pytest
from alpaca_minutes_live import FRIDAY, MINUTES, THURSDAY, Live, at, venue_bars, walks
from alpaca_rest import endpoints_of
from recorded_days import SYMBOLS, agree, recorded, stored

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca import BarFault, LocalAlpaca
from brokers.local_alpaca.moments import moment, new_york
from core.clock import ManualClock, SystemClock
from core.errors import BadSpec, StoreFailed, UnknownName
from feeds.alpaca import AlpacaSource
from feeds.load import load_bars
from feeds.parquet_store import ParquetStore
from feeds.stores import opened
from services.recording import Recorder, RecorderClock

DAY = np.array([FRIDAY], "datetime64[D]")
CLOSING = walks(f"{FRIDAY} 15:20", seed=2)


@pytest.fixture(name="venue")
def _venue():
    """`venue(time)`: the local Alpaca at a New York time of 2024-03-01."""
    opened_ones = []

    def make(time="09:40:20", date=FRIDAY, bars=MINUTES, **options):
        opened_ones.append(LocalAlpaca(bars, now=at(time, date), **options))
        return opened_ones[-1]

    yield make
    for alpaca in opened_ones:
        alpaca.close()


@pytest.fixture(name="place", params=["folder", "sqlite"])
def _place(request, tmp_path):
    return opened(tmp_path / "bars" if request.param == "folder" else f"sqlite:///{tmp_path}/bars.db")


def test_begun_within_the_session_it_has_every_minute_from_the_open_and_averages(venue, place):
    alpaca = venue()
    seen = recorded(alpaca, place, at("09:46:30"))
    agree(place, alpaca, at("09:46"))
    assert len(stored(place, "AAA")) == 16
    assert all(np.array_equal(place.missing(symbol, DAY, "1m", source="alpaca"), DAY) for symbol in SYMBOLS)
    assert seen.warned == [] and seen.told[0] == "recording AAA, BBB on 2024-03-01, 1m bars of alpaca"


def test_each_bar_is_stored_as_it_comes(venue, tmp_path):
    alpaca, counts = venue("09:29:30"), []
    looks = [(at(f"09:3{minute}:05"), lambda live: counts.append(len(stored(tmp_path, "AAA")))) for minute in range(1, 5)]
    recorded(alpaca, tmp_path, at("09:34:30"), looks)
    assert counts == [1, 2, 3, 4]


def test_a_bar_that_is_told_as_it_ends_is_stored(venue, tmp_path):
    alpaca = venue("09:29:30")
    recorded(alpaca, tmp_path, at("09:36"))
    agree(tmp_path, alpaca, at("09:36"))
    assert len(stored(tmp_path, "AAA")) == 6


def test_a_correction_replaces_the_bar_and_its_averages(venue, place):
    alpaca = venue("09:29:30")
    alpaca.faults.add(BarFault(symbol="AAA", do="corrected", nth=3))
    before = []
    recorded(alpaca, place, at("09:40:40"), [(at("09:33:05"), lambda live: before.extend(stored(place, "AAA")))])
    assert before[-1] != venue_bars(alpaca, "AAA", at("09:32"), at("09:33"))[0]
    agree(place, alpaca, at("09:40"))
    versions = place.revisions("AAA", "1m", source="alpaca")
    assert versions.bars.close.tolist() == [before[-1][4]] and at("09:33:30") <= at_time(versions.until[0]) < at("09:33:40")


def test_what_was_missed_while_the_socket_was_lost_is_asked_for(venue, tmp_path):
    alpaca = venue("09:29:30")
    seen = recorded(alpaca, tmp_path, at("09:40:30"), [(at("09:32:30"), lambda live: live.drop(held_s=150))])
    agree(tmp_path, alpaca, at("09:40"))
    assert "another connection holds the account's place" in " ".join(seen.warned) and seen.told[-1] == "market data: connected"


def test_while_another_program_has_the_websocket_every_minute_is_asked_for(venue, tmp_path):
    alpaca, counts = venue("09:29:30"), []
    alpaca.take_slot("data", 600)
    recorded(alpaca, tmp_path, at("09:32:30"), [(at("09:31:10"), lambda live: counts.append(len(stored(tmp_path, "AAA"))))])
    agree(tmp_path, alpaca, at("09:32"))
    assert counts == [1]


def test_without_the_websocket_every_minute_is_asked_for(venue, tmp_path):
    alpaca = venue("09:29:30")
    recorded(alpaca, tmp_path, at("09:36:30"), stream=False)
    agree(tmp_path, alpaca, at("09:36"))
    assert alpaca.streams.connected("data") == 0


def test_a_socket_that_says_nothing_is_made_again(venue, tmp_path):
    alpaca = venue("09:29:30")
    turns = [(at("09:32:30"), lambda live: alpaca.mute("data")), (at("09:35:30"), lambda live: alpaca.unmute("data"))]
    seen = recorded(alpaca, tmp_path, at("09:40:30"), turns)
    agree(tmp_path, alpaca, at("09:40"))
    assert "the connection is open but mute" in " ".join(seen.warned) and seen.told[-1] == "market data: connected"


class Failing:
    """A store that fails while `down`, and counts what it was asked to write meanwhile."""

    def __init__(self, store):
        self._store, self.down, self.tries = store, False, 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def _do(self, name, *arguments, **options):
        self.tries += self.down
        if self.down:
            raise StoreFailed("the disk is full; make room")
        return getattr(self._store, name)(*arguments, **options)

    def write(self, *arguments, **options):
        return self._do("write", *arguments, **options)

    def write_averages(self, *arguments, **options):
        return self._do("write_averages", *arguments, **options)


@pytest.mark.parametrize("back", [True, False])
def test_while_the_store_fails_the_minutes_wait_in_memory(venue, tmp_path, back):
    alpaca, store = venue("09:29:30"), Failing(ParquetStore(tmp_path))
    turns = [(at("09:32:30"), lambda live: setattr(store, "down", True)), *([(at("09:36:30"), lambda live: setattr(store, "down", False))] if back else [])]
    seen = recorded(alpaca, store, at("09:40:30"), turns)
    assert store.tries > 3 and seen.warned[0] == "the minutes wait in memory: the disk is full; make room"
    if back:
        agree(tmp_path, alpaca, at("09:40"))
        assert seen.warned[1:] == [] and seen.told[-1] == "the minutes that waited in memory are stored"
    else:
        agree(tmp_path, alpaca, at("09:32"))
        assert seen.warned[1:] == ["the last minutes are not stored, and the next start asks for those of the day: the disk is full; make room"]
        recorded(alpaca, tmp_path, at("09:43:30"))
        agree(tmp_path, alpaca, at("09:43"))


def test_one_series_that_cannot_be_written_keeps_no_other_from_it(venue, tmp_path):
    class Stubborn(Failing):
        def _do(self, name, symbol, *arguments, **options):
            self.down = getattr(symbol, "symbol", symbol) == "AAA"
            return super()._do(name, symbol, *arguments, **options)

    alpaca, store = venue("09:29:30"), Stubborn(ParquetStore(tmp_path))
    recorded(alpaca, store, at("09:33:30"))
    agree(tmp_path, alpaca, at("09:33"), symbols=["BBB"])
    assert stored(tmp_path, "AAA") == []


class Gone(BaseException):
    """The process is no more."""


@pytest.mark.parametrize("nth", [1, 2, 3, 6, 9])
def test_after_a_sudden_death_the_next_process_has_everything(venue, place, nth):
    class Mortal(Failing):
        def _do(self, name, *arguments, **options):
            self.tries += 1
            if self.tries == nth:
                raise Gone
            return super()._do(name, *arguments, **options)

    alpaca = venue("09:29:30")
    with pytest.raises(Gone):
        recorded(alpaca, Mortal(place), at("09:40:30"))
    recorded(alpaca, place, at("09:42:30"))
    agree(place, alpaca, at("09:42"))


def test_once_it_ends_with_the_official_bars_and_what_they_change_is_kept(venue, place):
    alpaca = venue("15:48:30", bars=CLOSING)
    alpaca.faults.add(BarFault(symbol="AAA", do="missing", nth=2))
    alpaca.faults.add(BarFault(symbol="BBB", do="corrected", nth=12))  # after the close, and nobody hears it
    seen = recorded(alpaca, place, at("23:00"), [(at("16:00:20"), lambda live: alpaca.mute("data"))], once=True)
    assert at("16:20") < at_time(alpaca.now) < at("16:21") and seen.told[-1] == "the official bars of 2024-03-01 are stored"
    agree(place, alpaca, at("16:00"))
    assert all(len(place.missing(symbol, DAY, "1m", source="alpaca")) == 0 for symbol in SYMBOLS)
    assert [len(place.revisions(symbol, "1m", source="alpaca")) for symbol in SYMBOLS] == [0, 1]


def test_what_the_stream_says_after_the_official_bars_changes_nothing(venue, place):
    def correct(live):
        live.alpaca.streams.send("updatedBars", [{"T": "u", "S": "AAA", "t": moment(at("15:58")), "o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 1, "n": 1, "vw": 1}])

    alpaca = venue("15:58:30", bars=CLOSING)
    recorded(alpaca, place, at("16:31"), [(at("16:30"), correct)])
    agree(place, alpaca, at("16:00"))
    assert len(place.revisions("AAA", "1m", source="alpaca")) == 0


def test_begun_after_the_session_once_has_its_official_bars(venue, tmp_path):
    alpaca = venue("18:00", bars=CLOSING)
    seen = recorded(alpaca, tmp_path, at("23:00"), once=True)
    assert seen.told == ["the session of 2024-03-01 is over: its official bars are fetched", "the official bars of 2024-03-01 are stored"]
    agree(tmp_path, alpaca, at("16:00"))
    assert len(ParquetStore(tmp_path).missing("AAA", DAY, "1m", source="alpaca")) == 0
    assert len(ParquetStore(tmp_path).revisions("AAA", "1m", source="alpaca")) == 0


def test_it_waits_for_the_next_session_and_averages_reach_back_to_the_one_before(venue, tmp_path):
    alpaca = venue("08:30", THURSDAY)
    seen = recorded(alpaca, tmp_path, at("09:36:30"))
    assert seen.told == ["the market is closed: waiting for the next session", "recording AAA, BBB on 2024-02-29, 1m bars of alpaca",
                         "market data: connected", "the official bars of 2024-02-29 are stored", "recording AAA, BBB on 2024-03-01, 1m bars of alpaca"]
    assert seen.warned == []
    agree(tmp_path, alpaca, at("09:36"))
    bars, = ParquetStore(tmp_path).read(["AAA"], interval="1m", source="alpaca")
    assert np.array_equal(np.unique(bars.session), np.array([THURSDAY, FRIDAY], "datetime64[D]"))
    first, = ParquetStore(tmp_path).averages(["AAA"], FRIDAY, interval="1m", source="alpaca")
    assert first.values[0, 0] == np.mean(bars.close[bars.index <= first.index[0]][-7:])
    assert len(ParquetStore(tmp_path).missing("AAA", np.array([THURSDAY], "datetime64[D]"), "1m", source="alpaca")) == 0


def test_what_another_process_corrected_is_not_written_back(venue, place):
    alpaca, corrected = venue("09:29:30"), []

    def correct(live):
        bars, = place.read(["AAA"], interval="1m", source="alpaca")
        corrected.append(replace(bars.rows([0]), close=bars.low[:1]))
        place.write("AAA", corrected[0], DAY[:0], "1m", source="alpaca")

    recorded(alpaca, place, at("09:36:30"), [(at("09:33:30"), correct)])
    assert stored(place, "AAA")[0][4] == corrected[0].close[0]
    assert stored(place, "AAA")[1:] == venue_bars(alpaca, "AAA", at("09:31"), at("09:36"))


def test_a_split_of_the_day_is_in_the_bars_before_the_official_ones(venue, place):
    split = np.ones(MINUTES.shape)
    split[np.flatnonzero(MINUTES.session == DAY[0])[0], 0] = 2.0
    alpaca = venue("15:30:20", THURSDAY, replace(MINUTES, split=split))
    recorded(alpaca, place, at("09:36:30"))
    agree(place, alpaca, at("09:36"))
    bars, = place.read(["AAA"], interval="1m", source="alpaca")
    assert bars.split[bars.session == DAY[0]].tolist() == [2.0, 1.0, 1.0, 1.0, 1.0, 1.0] and len(place.revisions("AAA", "1m", source="alpaca")) == 0
    first, = place.averages(["AAA"], FRIDAY, interval="1m", source="alpaca")
    opening = int(np.argmax(bars.session == DAY[0]))
    assert first.values[0, 0] == pytest.approx(np.mean([*(bars.close[opening - 6:opening] / 2), bars.close[opening]]), rel=1e-12)


def test_beside_a_live_run_both_write_the_same(venue, place):
    alpaca = venue("09:29:30")
    live = Live(alpaca, at("09:34:30")).add("AAA", "BBB")
    live.store.bar_store = place
    live.run()
    recorded(alpaca, place, at("09:37:30"))
    agree(place, alpaca, at("09:37"))
    assert [len(place.revisions(symbol, "1m", source="alpaca")) for symbol in SYMBOLS] == [0, 0]


def test_a_stop_while_the_venue_does_not_answer_is_not_waited_for(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        begun, ending = threading.Event(), threading.Event()

        class Told(RecorderClock):
            def sleep(self, seconds):
                begun.set()
                super().sleep(seconds)

        def run():
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            store = AlpacaStore("PKSOME", "secret", base_url=url, data_url=url, clock=Told(SystemClock(), ending), stream=False)
            Recorder(store, ParquetStore(tmp_path), SYMBOLS, ending, print, print).run()

        thread = threading.Thread(target=run)
        thread.start()
        assert begun.wait(30)
        ending.set()
        thread.join(60)
        assert not thread.is_alive()


def test_a_data_plan_without_room_is_one_line(venue, tmp_path):
    alpaca = venue("09:40:20")
    with pytest.raises(BadSpec, match="does not stream so many symbols"):
        recorded(alpaca, tmp_path, at("09:50:30"), [(at("09:40:30"), lambda live: alpaca.streams.send_error(405))])


def test_a_symbol_that_does_not_exist_is_told_at_once(venue, tmp_path):
    with pytest.raises(UnknownName, match="alpaca has no symbol 'NOPE'"):
        recorded(venue(), tmp_path, at("09:50:30"), symbols=("AAA", "NOPE"))


def test_bars_of_the_running_session_are_read_as_they_are_and_asked_for_when_it_is_over(venue, tmp_path):
    alpaca, store = venue("15:48:30", bars=CLOSING), ParquetStore(tmp_path)
    alpaca.faults.add(BarFault(symbol="AAA", do="corrected", nth=12))
    recorded(alpaca, tmp_path, at("16:00:10"))
    panel = load_bars(source=of(alpaca), symbols=("AAA",), start=FRIDAY, interval="1m", store=store, clock=ManualClock(alpaca.now))
    assert len(panel) == len(stored(tmp_path, "AAA")) == 40 and len(store.missing("AAA", DAY, "1m", source="alpaca")) == 1
    alpaca.advance(seconds=1_300)
    load_bars(source=of(alpaca), symbols=("AAA",), start=FRIDAY, interval="1m", store=store, clock=ManualClock(alpaca.now))
    assert stored(tmp_path, "AAA") == venue_bars(alpaca, "AAA", at("09:30"), at("16:00"))
    assert len(store.missing("AAA", DAY, "1m", source="alpaca")) == 0 and len(store.revisions("AAA", "1m", source="alpaca")) == 1


def at_time(ns):
    """A moment, as `at` writes it."""
    return at(new_york(int(ns)).strftime("%H:%M:%S"))


def of(alpaca):
    """The source that asks a venue."""
    return AlpacaSource(endpoints=endpoints_of(alpaca), clock=ManualClock(alpaca.now))


class AveragesDown(Failing):
    """A store that takes bars, and no averages while it is down."""

    def _do(self, name, *arguments, **named):
        return getattr(self._store, name)(*arguments, **named) if name == "write" else super()._do(name, *arguments, **named)


def test_averages_of_streamed_bars_do_not_outlive_the_official_ones(venue, tmp_path):
    alpaca, store = venue("15:48:30", bars=CLOSING), AveragesDown(ParquetStore(tmp_path))
    alpaca.faults.add(BarFault(symbol="BBB", do="corrected", nth=12))
    turns = [(at("15:59:30"), lambda live: setattr(store, "down", True)), (at("16:00:20"), lambda live: alpaca.mute("data")),
             (at("16:19:50"), lambda live: setattr(store, "down", False))]
    recorded(alpaca, store, at("16:40"), turns)
    agree(tmp_path, alpaca, at("16:00"))

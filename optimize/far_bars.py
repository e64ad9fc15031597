"""FarBars: bars as what to load and from which store, for workers on other machines; they ask the store, never the vendor.

No password travels: a worker takes its own (AWS's environment for s3://, CEREBROLAB_STORE for a database). Imports core, engine,
feeds and optimize.sent_files.
"""

import datetime as dt
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.bars import Bars
from core.clock import Clock, SystemClock
from core.errors import UsageError
from core.spec import RunSpec
from core.spec_texts import period_start
from engine.loading import load
from feeds.load import source_named
from feeds.store import BarStore
from optimize.sent_files import present, text_of

FAR = ("s3", "postgresql", "questdb")  # stores that other machines reach
WITH_PASSWORD = FAR[1:]
FILES = ("universe", "events", "sectors")  # fields of a spec that name a user's file
KEPT = 2
_kept: OrderedDict[str, Bars] = OrderedDict()  # the latest panels of this process by fingerprint
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, eq=False)
class FarBars:
    """A panel that anybody who reaches the store can load.

    Attributes:
        spec: what decides the bars, as of the moment they were first loaded. place: of the store, without user and password.
        fingerprint: of the panel. texts: path -> text of the files that the spec names.
    """

    spec: RunSpec
    place: str
    fingerprint: str
    texts: Mapping[str, str]

    @classmethod
    def of(cls, spec: RunSpec, store: BarStore | None, bars: Bars, clock: Clock | None = None) -> "FarBars | None":
        """The bars of `load(spec, store)`, which are kept; None where others cannot load the same: they are in no store, or in one of
        this machine.

        Raises:
            UsageError: a file that the spec names cannot be read.
        """
        place = store.place if store is not None else ""
        if _kind(place) not in FAR or not source_named(spec.source, spec.calendar).stored:
            return None
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=-(-(clock or SystemClock()).now_ns() // 1000))
        paths: dict[str, Any] = {name: str(Path(path).resolve()) for name in FILES if (path := getattr(spec, name))}
        start = spec.start
        if spec.period:
            start = period_start(spec.period, dt.date.fromisoformat(spec.end) if spec.end else moment.date()).isoformat()
        own = RunSpec(symbols=spec.symbols, reference=_references(bars), source=spec.source, start=start, end=str(bars.session[-1]),
                      as_of=spec.as_of or moment.isoformat(), interval=spec.interval, calendar=spec.calendar, delisting=spec.delisting, **paths)
        _keep(bars)
        return cls(own, place, bars.fingerprint, {path: text_of(path) for path in paths.values()})

    @cached_property
    def key(self) -> str:
        """Digest: equal bars of one moment, equal key."""
        parts = (self.spec.to_dict(), self.place, self.fingerprint, sorted(self.texts.items()))
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def loaded(self) -> Bars:
        """The bars, from memory where they are among this process's latest.

        Raises:
            UsageError: the store has others. Otherwise as `engine.loading.load`.
        """
        with _one_at_a_time:
            known = _kept.get(self.fingerprint)
            if known is None:
                known = _keep(self._read())
            return known

    def _read(self) -> Bars:
        from core.settings import load_settings
        from feeds import stores

        place = self.place
        if _kind(place) in WITH_PASSWORD:
            own = str(load_settings().store)
            place = own if _kind(own) == _kind(place) else place
        changes: dict[str, Any] = {name: present(path, self.texts[path]) for name in FILES if (path := getattr(self.spec, name))}
        bars = load(self.spec.replace(**changes), stores.opened(place))
        if bars.fingerprint != self.fingerprint:
            raise UsageError(f"the bars in {stores.shown(place)} are not those of this sweep ({bars!r}): the store has changed since it "
                             "began, or is another one; begin again, with the same store on every machine")
        return bars


def _kind(place: str) -> str:
    kind = place.partition("://")[0].partition("+")[0]
    return "postgresql" if kind == "postgres" else kind


def _references(bars: Bars) -> tuple[str, ...]:
    return tuple(symbol for symbol, tradable in zip(bars.symbols, bars.tradable.tolist(), strict=True) if not tradable)


def _keep(bars: Bars) -> Bars:
    _kept[bars.fingerprint] = bars
    _kept.move_to_end(bars.fingerprint)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return bars

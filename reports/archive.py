"""A report's directory: what is in it, how it is written whole or not at all, and how a run is read back from it.

    report.html      the page                      result.json       numbers, records, spec, origin
    spec.toml        runs it again                 bars.parquet      one row per bar: equity, cash, benchmark, …
    figures/*.png    the figures                   panels.parquet    one row per bar and symbol: prices, positions
"""

import json
import math
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.bars import Bars, Origin
from core.errors import BadSpec, CerebrolabError, CorruptFile, StoreFailed
from core.notes import Note
from core.result import CashEvent, Fill, OrderRecord, RunResult, Trade
from core.spec import RunSpec
from reports.toml import to_toml

PAGE, RESULT, SPEC, BARS, PANELS, FIGURES = (
    "report.html", "result.json", "spec.toml", "bars.parquet", "panels.parquet", "figures")
_OURS = {PAGE, RESULT, SPEC, BARS, PANELS, FIGURES}
_RECORDS: dict[str, Any] = {
    "orders": OrderRecord, "fills": Fill, "trades": Trade, "cash_events": CashEvent, "notes": Note}
_CURVES = ("equity", "cash", "exposure", "benchmark")
_PRICES = ("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume", "dividend", "split")
FORMAT = 2


# -- writing ----------------------------------------------------------------------------------------------


def save(result: RunResult, directory: Path, page: str, figures: Mapping[str, bytes]) -> Path:
    """Write a report's directory; an older report there is replaced at once, when the new one is complete.

    Files in it that are not a report's stay.

    Args:
        page: the HTML. figures: PNG by name.

    Returns:
        The path of the page.

    Raises:
        BadSpec: `directory` is a file, or a directory that holds something else than a report.
        StoreFailed: it could not be written; an older report is untouched.
    """
    replace(directory, lambda fresh: _fill(fresh, result, page, figures), _OURS)
    return directory / PAGE


def replace(directory: Path, fill: Callable[[Path], None], ours: Collection[str], mark: str = RESULT) -> None:
    """Write a directory whole or not at all; the files of an older one that are not in `ours` stay.

    Args:
        fill: writes the new files into a fresh, empty directory. mark: the file that an older report must have.

    Raises:
        BadSpec: as `check_target`. StoreFailed: it could not be written; an older report is untouched.
    """
    check_target(directory, mark)
    target = Path(os.path.realpath(directory))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as workshop:
            fresh = Path(workshop) / "new"
            fresh.mkdir()
            fill(fresh)
            _swap(fresh, target, Path(workshop) / "old", ours)
    except OSError as error:
        raise StoreFailed(f"the report {directory} could not be written: {error.strerror or error}; "
                          "free space or choose another directory") from None


def check_target(directory: Path, mark: str = RESULT) -> None:
    """Make sure that a report may be written there: on nothing, an empty directory, or a report with the file `mark`.

    Raises:
        BadSpec: there is something else.
    """
    if not directory.exists():
        return
    if not directory.is_dir():
        raise BadSpec(f"{directory} is a file: name a directory for the report")
    if any(directory.iterdir()) and not (directory / mark).exists():
        raise BadSpec(f"{directory} is not empty and holds no report: name another directory")
    if Path.cwd().is_relative_to(os.path.realpath(directory)):
        raise BadSpec(f"{directory} is the current directory, which cannot be replaced: name another or leave it first")


def _fill(directory: Path, result: RunResult, page: str, figures: Mapping[str, bytes]) -> None:
    write_figures(directory, figures)
    (directory / PAGE).write_text(page, encoding="utf-8")
    (directory / SPEC).write_text(to_toml(result.spec.masked()), encoding="utf-8")
    write_json(directory / RESULT, _document(result))
    _write_tables(result, directory)


def write_figures(directory: Path, figures: Mapping[str, bytes]) -> None:
    """PNG by name, into the directory's folder of figures."""
    (directory / FIGURES).mkdir()
    for name, picture in figures.items():
        (directory / FIGURES / f"{name}.png").write_bytes(picture)


def write_json(path: Path, document: Any) -> None:
    """Strict JSON: NaN as null, infinities as text, dates as ISO text."""
    path.write_text(json.dumps(_plain(document), ensure_ascii=False, allow_nan=False, indent=1), encoding="utf-8")


def _swap(fresh: Path, directory: Path, old: Path, ours: Collection[str]) -> None:
    if directory.exists():
        directory.rename(old)
    try:
        fresh.rename(directory)
    except OSError:
        if old.exists():
            old.rename(directory)
        raise
    for entry in old.iterdir() if old.exists() else ():
        if entry.name not in ours:
            entry.rename(directory / entry.name)


def _document(result: RunResult) -> dict[str, Any]:
    bars = result.bars
    return {
        "format": FORMAT,
        "summary": result.summary(),
        "metrics": result.metrics,
        "spec": result.spec.masked(),
        "data": {
            "symbols": list(bars.symbols), "interval": bars.interval, "calendar": bars.calendar,
            "first": str(bars.session[0]), "last": str(bars.session[-1]), "bars": len(bars),
            "tradable": bars.tradable.tolist(), "close_only": bars.close_only.tolist(),
            "source": bars.origin.source, "synthetic": bars.origin.synthetic, "note": bars.origin.note,
            "sectors": list(bars.sectors), "fingerprint": bars.fingerprint,
        },
        "warnings": list(result.warnings), "timings": result.timings,
        "strategy_source": result.strategy_source, "versions": dict(result.versions),
        **{name: [record._asdict() for record in getattr(result, name)] for name in _RECORDS},
    }


def _plain(value: Any) -> Any:
    """JSON's own types."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _write_tables(result: RunResult, directory: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    bars = result.bars
    curves = {name: getattr(result, name) for name in _CURVES}
    panels = {name: getattr(bars, name).ravel() for name in _PRICES}
    panels |= {"pay_date": bars.pay_date.ravel().astype(np.int64), "positions": result.positions.ravel()}
    if bars.member is not None:
        panels["member"] = bars.member.ravel()
    tables = {BARS: {"time": bars.index, "session": bars.session, **curves}, PANELS: panels}
    for name, columns in tables.items():
        table = pa.table({column: pa.array(values) for column, values in columns.items()})
        pq.write_table(table, directory / name, compression="zstd", use_dictionary=False)


# -- reading ----------------------------------------------------------------------------------------------


def load(directory: str | Path) -> RunResult:
    """The run a report was written from.

    Raises:
        BadSpec: there is no report in `directory`.
        CorruptFile: a file of it is missing or damaged.
    """
    directory = Path(directory)
    if not (directory / RESULT).is_file():
        raise BadSpec(f"no report in {directory}: name a directory written by a backtest")
    try:
        return _read(directory)
    except (OSError, ValueError, KeyError, TypeError, CerebrolabError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorruptFile(f"the report in {directory} is damaged ({what}): run the backtest again") from None


def _read(directory: Path) -> RunResult:
    document = json.loads((directory / RESULT).read_text(encoding="utf-8"))
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {document['format']}, this version reads {FORMAT}")
    curves, panels = (_columns(directory / name) for name in (BARS, PANELS))
    bars = _bars(document["data"], curves, panels)
    if bars.fingerprint != document["data"]["fingerprint"]:
        raise ValueError("its bars are not those of the run")
    records = {name: [_record(kind, row) for row in document[name]] for name, kind in _RECORDS.items()}
    return RunResult(
        spec=RunSpec.from_dict(document["spec"]), bars=bars, positions=panels["positions"].reshape(bars.shape),
        equity=curves["equity"], cash=curves["cash"], exposure=curves["exposure"], benchmark=curves["benchmark"],
        orders=records["orders"], fills=records["fills"], trades=records["trades"],
        cash_events=records["cash_events"], notes=records["notes"],
        metrics=_numbers(document["metrics"]), timings=_numbers(document["timings"]),
        warnings=document["warnings"], strategy_source=document["strategy_source"], versions=document["versions"],
    )


def _columns(path: Path) -> dict[str, np.ndarray]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


def _bars(data: dict[str, Any], curves: dict[str, np.ndarray], panels: dict[str, np.ndarray]) -> Bars:
    shape = (len(curves["time"]), len(data["symbols"]))
    return Bars(
        symbols=tuple(data["symbols"]), index=curves["time"], session=curves["session"].astype("datetime64[D]"),
        **{name: panels[name].reshape(shape) for name in _PRICES},
        pay_date=panels["pay_date"].astype("datetime64[D]").reshape(shape),
        close_only=np.array(data["close_only"]), tradable=np.array(data["tradable"]),
        interval=data["interval"], calendar=data["calendar"],
        origin=Origin(data["source"], data["synthetic"], data["note"]), sectors=tuple(data["sectors"]),
        member=panels["member"].reshape(shape) if "member" in panels else None,
    )


def _record(kind: Any, row: dict[str, Any]) -> Any:
    types = {name: getattr(hint, "__name__", "") for name, hint in kind.__annotations__.items()}
    read = {"float": _number, "datetime64": lambda text: np.datetime64(text, "D")}
    return kind(**{name: read.get(types[name], lambda value: value)(value) for name, value in row.items()})


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)

"""One Parquet file: the raw bars of a symbol, and in its metadata what was asked for: one rename commits both.

Averages are in files of their own. Imports core, feeds and pyarrow.
"""

import io
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import StoreFailed
from core.series import SymbolBars
from feeds.averages import NAMES, Averages
from feeds.coverage import Coverage
from feeds.revisions import COLUMNS, Revisions, joined
from feeds.series_cache import Kept
from feeds.stored import StoredBars

KEY = b"cerebrolab.bars"
CHECKSUM_KEY = b"cerebrolab.checksum"
AVERAGES_KEY = b"cerebrolab.averages"
UNTIL = "until"  # UTC ns, when another version took the place of this one; 0 = it stands
FORMAT, WITH_REVISIONS = 1, 2  # a file without earlier versions of bars can be read by every cerebrolab


class FileKind(NamedTuple, Generic[Kept]):
    """What files hold: how it becomes bytes, how bytes become it again (see `decode`), and what to do about a damaged one."""

    encode: Callable[[Kept], bytes]
    decode: Callable[[bytes], Kept]
    advice: str


def encode(stored: StoredBars) -> bytes:
    """The file's content."""
    bars, earlier = stored.bars, stored.earlier
    about = {"format": WITH_REVISIONS if earlier else FORMAT, "symbol": bars.symbol, "close_only": bars.close_only,
             "coverage": stored.coverage.to_json(), "calendar": stored.calendar}
    rows = joined(bars, earlier.bars) if earlier else bars
    columns = {name: getattr(rows, name) for name in COLUMNS}
    if earlier:
        columns[UNTIL] = np.concatenate([np.zeros(len(bars), np.int64), earlier.until])
    return packed(columns, KEY, about, ["dividend", "split", "pay_date"])


def decode(content: bytes) -> StoredBars:
    """Read what `encode` wrote.

    Raises:
        ValueError, KeyError, OSError: the content is damaged, or no file of ours.
    """
    about, columns = unpacked(content, KEY, (FORMAT, WITH_REVISIONS))
    until = columns.pop(UNTIL, None)
    bars, earlier = SymbolBars(about["symbol"], **{name: columns[name] for name in COLUMNS}, close_only=about["close_only"]), None
    if until is not None:
        count = int(np.sum(until == 0))
        bars, earlier = bars.rows(slice(count)), Revisions(bars.rows(slice(count, None)), until[count:])
    return StoredBars(bars, Coverage.from_json(about["coverage"]), about["calendar"], earlier)


def encode_averages(averages: Averages) -> bytes:
    """The file's content."""
    columns = {"index": averages.index, "session": averages.session, **dict(zip(NAMES, averages.values.T, strict=True))}
    return packed(columns, AVERAGES_KEY, {"format": FORMAT, "symbol": averages.symbol}, [])


def decode_averages(content: bytes) -> Averages:
    """Read what `encode_averages` wrote; errors as `decode`."""
    about, columns = unpacked(content, AVERAGES_KEY, (FORMAT,))
    values = np.column_stack([columns[name] for name in NAMES])
    values.flags.writeable = False
    return Averages(about["symbol"], columns["index"], columns["session"], values)


BARS = FileKind(encode, decode, "its bars will be fetched again")
AVERAGES = FileKind(encode_averages, decode_averages, "cerebrolab data averages computes them again")


def packed(columns: dict[str, np.ndarray], key: bytes, about: dict[str, Any], repeating: list[str]) -> bytes:
    """A file with these columns, described under `key`; `repeating` are those of few different values."""
    table, content = pa.table(columns), io.BytesIO()
    with pq.ParquetWriter(content, table.schema, compression="lz4", use_dictionary=repeating, store_schema=False) as writer:
        writer.write_table(table)
        text = json.dumps(about).encode()
        writer.add_key_value_metadata({key: text, CHECKSUM_KEY: str(_checksum(columns, text)).encode()})
    return content.getvalue()


def unpacked(content: bytes, key: bytes, formats: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(description, columns) of what `packed` made.

    Raises:
        ValueError, KeyError, OSError: the content is damaged, or of none of the formats.
    """
    file = pq.ParquetFile(pa.BufferReader(content))
    metadata = file.metadata.metadata or {}
    about = json.loads(metadata.get(key, b"{}"))
    if about.get("format") not in formats:
        raise ValueError(f"its format is {about.get('format')}, not {' or '.join(map(str, formats))}")
    table = file.read(use_threads=False)
    columns = {name: _array(table.column(name)) for name in table.column_names}
    if int(metadata[CHECKSUM_KEY]) != _checksum(columns, metadata[key]):
        raise ValueError("its checksum does not match")
    return about, columns


def _checksum(columns: dict[str, np.ndarray], text: bytes) -> int:
    """CRC-32 of every value and of the description: a flipped bit must not pass for a price."""
    total = zlib.crc32(text)
    for values in columns.values():
        total = zlib.crc32(np.ascontiguousarray(values).view(np.uint8).data, total)
    return total


def _array(column: pa.ChunkedArray) -> np.ndarray:
    values = column.to_numpy()
    values.flags.writeable = False
    return values


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, or a crash, finds either the old content or the new; for one writer at a time.

    What a killed writer has left beside it is written over.

    Raises:
        StoreFailed: it could not be written (disk full, no permission); the old file is untouched.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or error
        raise StoreFailed(f"cannot write {path}: {reason}; free space or choose another folder, "
                          "what was stored before is untouched") from None


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

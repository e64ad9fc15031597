"""One Parquet file: the raw bars of a symbol, and in its metadata what was asked for: one rename commits both.

Imports core, feeds.coverage, feeds.stored and pyarrow.
"""

import io
import json
import os
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import StoreFailed
from core.series import SymbolBars
from feeds.coverage import Coverage
from feeds.revisions import COLUMNS, Revisions, joined
from feeds.stored import StoredBars

KEY = b"cerebrolab.bars"
CHECKSUM_KEY = b"cerebrolab.checksum"
UNTIL = "until"  # UTC ns, when another version took the place of this one; 0 = it stands
FORMAT, WITH_REVISIONS = 1, 2  # a file without earlier versions of bars can be read by every cerebrolab


def encode(stored: StoredBars) -> bytes:
    """The file's content."""
    bars, earlier = stored.bars, stored.earlier
    about = {"format": WITH_REVISIONS if earlier else FORMAT, "symbol": bars.symbol, "close_only": bars.close_only,
             "coverage": stored.coverage.to_json(), "calendar": stored.calendar}
    rows = joined(bars, earlier.bars) if earlier else bars
    columns = {name: getattr(rows, name) for name in COLUMNS}
    if earlier:
        columns[UNTIL] = np.concatenate([np.zeros(len(bars), np.int64), earlier.until])
    table = pa.table(columns)
    content = io.BytesIO()
    with pq.ParquetWriter(content, table.schema, compression="lz4", use_dictionary=["dividend", "split", "pay_date"],
                          store_schema=False) as writer:
        writer.write_table(table)
        text = json.dumps(about).encode()
        writer.add_key_value_metadata({KEY: text, CHECKSUM_KEY: str(_checksum(columns, text)).encode()})
    return content.getvalue()


def decode(content: bytes) -> StoredBars:
    """Read what `encode` wrote.

    Raises:
        ValueError, KeyError, OSError: the content is damaged, or no file of ours.
    """
    file = pq.ParquetFile(pa.BufferReader(content))
    metadata = file.metadata.metadata or {}
    about = json.loads(metadata.get(KEY, b"{}"))
    if about.get("format") not in (FORMAT, WITH_REVISIONS):
        raise ValueError(f"its format is {about.get('format')}, not {FORMAT} or {WITH_REVISIONS}")
    table = file.read(use_threads=False)
    columns = {name: _array(table.column(name)) for name in (*COLUMNS, *([UNTIL] if about["format"] == WITH_REVISIONS else []))}
    if int(metadata[CHECKSUM_KEY]) != _checksum(columns, metadata[KEY]):
        raise ValueError("its checksum does not match")
    until = columns.pop(UNTIL, None)
    bars, earlier = SymbolBars(about["symbol"], **columns, close_only=about["close_only"]), None
    if until is not None:
        count = int(np.sum(until == 0))
        bars, earlier = bars.rows(slice(count)), Revisions(bars.rows(slice(count, None)), until[count:])
    return StoredBars(bars, Coverage.from_json(about["coverage"]), about["calendar"], earlier)


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
    """Put `content` at `path` so that a reader, or a crash, finds either the old content or the new.

    Raises:
        StoreFailed: it could not be written (disk full, no permission); the old file is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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

"""The journal as one file: `export` and `bring_in`, from SQLite or PostgreSQL into an empty database of either kind.

A tarball of manifest.json (revision of the schema, rows and SHA-256 of every file) and one Parquet file for each table. Imports
pyarrow, through `journal.table_files`.
"""

import gzip
import hashlib
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.orm import Session

from core.errors import CorruptFile, StoreFailed, UsageError
from journal.database import Database
from journal.schema import REVISION
from journal.table_files import is_empty, read_table, schema_of, tables, write_table

KIND, MANIFEST = "cerebrolab journal", "manifest.json"
MOST_MANIFEST = 1_000_000  # bytes


def export(place: str | Path, out: Path) -> dict[str, int]:
    """Write every table of the journal at a place into an archive, as they were at one moment.

    Returns:
        Table -> rows.

    Raises:
        UsageError: the archive is there already. StoreFailed: the journal cannot be read, or the archive not be written.
    """
    if out.exists():
        raise UsageError(f"{out} is there already: name another file, or move it away")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            with closing(Database(place)) as database, database.reading() as session:
                rows = {kept.name: write_table(session, kept, Path(folder, f"{kept.name}.parquet")) for kept in tables()}
            manifest = {"kind": KIND, "revision": REVISION, "tables": {
                name: {"rows": count, "sha256": _digest(Path(folder, f"{name}.parquet"))} for name, count in rows.items()}}
            Path(folder, MANIFEST).write_text(json.dumps(manifest, indent=1))
            _pack(Path(folder), [MANIFEST, *(f"{name}.parquet" for name in rows)], Path(folder, "packed"))
            os.replace(Path(folder, "packed"), out)
    except OSError as error:
        if isinstance(error, StoreFailed):
            raise
        raise StoreFailed(f"{out} could not be written: {error.strerror or error}") from None
    return rows


def bring_in(archive: Path, place: str | Path) -> dict[str, int]:
    """Fill the empty journal at a place from an archive, all or nothing.

    Returns:
        Table -> rows.

    Raises:
        UsageError: there is something in the journal already, or the archive is of another revision of the schema.
        CorruptFile: it is damaged, or none of ours. StoreFailed: the journal cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="cerebrolab-") as folder:
        rows = _unpacked(archive, Path(folder))
        with closing(Database(place)) as database, database.writing(durable=True) as session:
            _must_be_empty(session, archive)
            for kept in tables():
                read_table(session, kept, Path(folder, f"{kept.name}.parquet"))
    return rows


def _must_be_empty(session: Session, archive: Path) -> None:
    if not is_empty(session):
        raise UsageError(f"{archive} is for an empty journal, and this one has records: set CEREBROLAB_JOURNAL to another place")


# -- the tarball --------------------------------------------------------------------------------------


def _pack(folder: Path, names: list[str], out: Path) -> None:
    """The same bytes for the same records."""
    with out.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, 0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = Path(folder, name).stat().st_size
            with Path(folder, name).open("rb") as file:
                tar.addfile(entry, file)


def _unpacked(archive: Path, folder: Path) -> dict[str, int]:
    """The rows of each table, whose files are then in the folder, each what the manifest says."""
    with _damage(archive), tarfile.open(archive, "r:gz") as tar:
        first = tar.next()
        if first is None or first.name != MANIFEST or not first.isreg() or first.size > MOST_MANIFEST:
            raise ValueError("it has no manifest")
        said = json.loads(_content(tar, first))
        _check(said, archive)
        known = {f"{kept.name}.parquet": kept for kept in tables()}
        while (entry := tar.next()) is not None:
            if not entry.isreg() or entry.name not in known or Path(folder, entry.name).exists():
                raise ValueError(f"{entry.name!r:.80} does not belong in it")
            _unpack(tar, entry, Path(folder, entry.name), said["tables"][known[entry.name].name], schema_of(known[entry.name]))
        lacking = [name for name in known if not Path(folder, name).exists()]
        if lacking:
            raise ValueError(f"{lacking[0]} is missing")
        return {name: int(each["rows"]) for name, each in said["tables"].items()}


@contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UsageError(f"there is no file {archive}: name one that cerebrolab export has written") from None
    except UsageError:
        raise
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, zlib.error, pa.ArrowException) as error:
        told = " ".join(str(error).split())
        raise CorruptFile(f"{archive} is damaged, or no archive of a journal: {told:.200}; nothing was imported") from None


def _check(said: Any, archive: Path) -> None:
    if said["kind"] != KIND or set(said["tables"]) != {kept.name for kept in tables()} and said["revision"] == REVISION:
        raise ValueError("the manifest is of something else")
    if said["revision"] != REVISION:
        raise UsageError(f"{archive} has the journal's format {str(said['revision']).lstrip('0'):.20}, and this cerebrolab reads "
                         f"{REVISION.lstrip('0')}: import it with the cerebrolab that wrote it")


def _unpack(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path, said: Any, schema: pa.Schema) -> None:
    source, digest = tar.extractfile(entry), hashlib.sha256()
    with path.open("wb") as file:
        while source is not None and (part := source.read(1 << 20)):
            digest.update(part)
            file.write(part)
    if digest.hexdigest() != said["sha256"]:
        raise ValueError(f"{entry.name} is not what the manifest says")
    with pq.ParquetFile(path) as found:
        if found.metadata.num_rows != said["rows"] or not found.schema_arrow.equals(schema):
            raise ValueError(f"{entry.name} has other rows or columns than it should have")


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(entry)
    return source.read() if source is not None else b""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""The local copy of one partition: a RocksDB, a column family per table.

It may lag its changelogs, never lead them.
"""

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec
from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
)

TABLES = ("state", "answers")
BLOCK_CACHE_BYTES = 256 << 20  # one cache for all partitions of the worker
WRITE_BUFFER_BYTES = 32 << 20
OPEN_FILES = 256  # per partition, so that some dozen partitions stay below the usual limit of 4,096
LOG_FILES = 5  # RocksDB's own; a thousand by default, one more with each start
BLOOM_BITS = 10  # 1 % false positives: a command id seen for the first time costs no read
DAMAGE_NOTE = "DAMAGED"
META_KEY = b"meta"
Changes = Mapping[str, dict[bytes, bytes | None]]
"""Table -> key -> value; None deletes."""

_cache = Cache(BLOCK_CACHE_BYTES)


class Unfit(Exception):
    """The state on this disk must not be used, and a restart does not help. The sentence says what to do."""


class Held(Exception):
    """Another process has the directory open."""


class Damaged(BaseException):
    """RocksDB found its files damaged. Not an `Exception`: a handler that catches bugs must not take it for one."""


class Meta(msgspec.Struct, frozen=True):
    """What a directory says about itself."""

    cluster: str
    topics: dict[str, str]
    """Topic -> topic id: the source and the changelogs."""
    written_at: float
    """Seconds since 1970, of the last write: how old the copy is."""


class Disk(Protocol):
    """What a turn and a restore need of a partition; the simulation has one without files."""

    def getter(self, table: str) -> "Getter":
        """Return the function that reads one key of a table."""

    def scan(self, table: str, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with the prefix, from the key `start` on, in key order."""

    def position(self, table: str) -> int | None:
        """Return the next changelog offset to apply."""

    def write(self, changes: Changes, positions: Mapping[str, int], written_at: float) -> None:
        """Apply changes and positions, all or nothing."""

    def meta(self) -> Meta | None:
        """Return what the directory says about itself, None when nothing was ever written."""

    def identify(self, meta: Meta) -> None:
        """Write whose copy this is. Once, before anything else."""

    def damaged(self, failure: Exception) -> BaseException:
        """Return what to raise when reading failed; remembers damage for the next start."""


class Getter(Protocol):
    """Reads one key; None when it is absent."""

    def __call__(self, key: bytes, /) -> bytes | None:
        """Read one key."""


def _options() -> Options:
    options = Options(raw_mode=True)  # otherwise rocksdict pickles
    options.create_if_missing(True)  # noqa: FBT003 - RocksDB's signature, here and below
    options.create_missing_column_families(True)  # noqa: FBT003
    # All families reach the disk together. Without it a lost write-ahead log could leave a position ahead of its rows.
    options.set_atomic_flush(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_open_files(OPEN_FILES)
    options.set_keep_log_file_num(LOG_FILES)
    options.set_compression_type(DBCompressionType.lz4())
    blocks = BlockBasedOptions()
    blocks.set_block_cache(_cache)
    blocks.set_bloom_filter(BLOOM_BITS, False)  # noqa: FBT003
    options.set_block_based_table_factory(blocks)
    return options


class Partition:
    """A directory `partition-<n>`, mode 0700. Values and keys are bytes, as they stand in the changelogs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
        try:
            # Every family is named with its options on each open, or it falls back to the defaults.
            self._db = Rdict(str(path), _options(), column_families={name: _options() for name in TABLES})
        except Exception as failure:  # rocksdict raises Exception itself
            raise _meaning(path, failure) from failure
        self._families = {name: self._db.get_column_family(name) for name in TABLES}
        self._handles = {name: self._db.get_column_family_handle(name) for name in TABLES}

    def getter(self, table: str) -> Getter:
        """Return the family's own `get`: no frame of ours between a decision and RocksDB."""
        get: Getter = self._families[table].get
        return get

    def scan(self, table: str, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with the prefix, from the key `start` on, in key order, as they are at the call."""
        reading = ReadOptions()
        if end := _after(prefix):
            reading.set_iterate_upper_bound(end)  # never walks the tombstones of the neighbour
        cursor = self._families[table].iter(reading)
        cursor.seek(max(prefix, start))
        return self._rows(cursor, reading)

    def _rows(self, cursor: RdictIter, reading: ReadOptions) -> Iterator[tuple[bytes, bytes]]:
        step, valid, key, value = cursor.next, cursor.valid, cursor.key, cursor.value
        while valid():
            yield key(), value()
            step()
        del reading  # it owns the upper bound, which the cursor only points to: it must live until here
        try:
            cursor.status()
        except Exception as failure:  # rocksdict raises Exception itself
            raise self.damaged(failure) from failure

    def position(self, table: str) -> int | None:
        """Return the next changelog offset to apply, None when nothing was ever applied."""
        value = self._db.get(b"position/" + table.encode())
        return None if value is None else int(value)

    def meta(self) -> Meta | None:
        """Return whose copy this is, None for a new directory."""
        value = self._db.get(META_KEY)
        if value is None:
            return None
        meta = msgspec.msgpack.decode(value, type=Meta)
        return msgspec.structs.replace(meta, written_at=float(self._db.get(b"written_at") or meta.written_at))

    def identify(self, meta: Meta) -> None:
        """Write whose copy this is, before the first row."""
        self._db.put(META_KEY, msgspec.msgpack.encode(meta))

    def write(self, changes: Changes, positions: Mapping[str, int], written_at: float) -> None:
        """All tables, their positions and the moment, in one atomic batch."""
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for table, rows in changes.items():
            handle = self._handles[table]
            for key, value in rows.items():
                if value is None:
                    delete(key, handle)
                else:
                    put(key, value, handle)
        for table, position in positions.items():
            put(b"position/" + table.encode(), b"%d" % position)
        put(b"written_at", b"%f" % written_at)
        self._db.write(batch)

    def damaged(self, failure: Exception) -> Damaged:
        """Leave a note in the directory, so that the next start sets it aside; return what to raise."""
        if not _surroundings(failure):
            with contextlib.suppress(OSError):
                (self.path / DAMAGE_NOTE).write_text(f"{failure}\n")
        return Damaged(f"{self.path}: {failure}")

    def close(self) -> None:
        """Drop the handles first: RocksDB refuses to close under them.

        Each family is closed, not only forgotten: a view that outlives its turn would keep the directory locked, and
        this very process could not open it again when the partition comes back.
        """
        self._handles.clear()
        for family in self._families.values():
            family.close()
        self._families.clear()
        self._db.close()


class Directory:
    """The copies of a worker's partitions, side by side: `partition-0`, `partition-1`, ..."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)

    def open(self, number: int) -> Partition:
        """Open a copy. A damaged one is set aside and a new one begun; it comes back from the changelogs."""
        path = self._path / f"partition-{number}"
        if not (path / DAMAGE_NOTE).exists():
            try:
                return Partition(path)
            except Damaged as damage:
                self._say(f"damaged: {damage}")
        self._say(f"{path} is damaged and was set aside as {set_aside(path).name}")
        return Partition(path)

    def renew(self, number: int, disk: Disk) -> Partition:
        """Throw a copy away and begin a new one."""
        self.close(disk)
        destroy(self._path / f"partition-{number}")
        return self.open(number)

    def close(self, disk: Disk) -> None:
        """Let go of a copy."""
        assert isinstance(disk, Partition)
        disk.close()


def set_aside(path: Path) -> Path:
    """Rename a directory, so that somebody can look at it; only the latest one is kept."""
    aside = path.with_name(path.name + ".damaged")
    destroy(aside)
    path.rename(aside)
    return aside


def destroy(path: Path) -> None:
    """Delete a partition's directory. Only a directory that looks like one of ours."""
    if not re.fullmatch(r"partition-\d+(\.damaged)?", path.name):
        raise ValueError(f"{path} is not the directory of a partition")
    if path.exists():
        shutil.rmtree(path)


def _surroundings(failure: Exception) -> bool:
    """Whether the machine is at fault and not the files: those must not be set aside for it."""
    return any(sign in str(failure) for sign in ("No space left", "Permission denied", "Too many open files"))


def _meaning(path: Path, failure: Exception) -> BaseException:
    if "/LOCK" in str(failure):
        return Held(f"{path} is open in another process")
    if _surroundings(failure):
        return Unfit(f"{path} cannot be opened: {failure}")
    return Damaged(f"{path}: {failure}")


def _after(prefix: bytes) -> bytes | None:
    """Return the first key behind all keys that begin with the prefix, None when there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None

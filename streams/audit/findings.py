"""What an audit says about the first record that is wrong."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from streams.engine.boundary import SourceRecord

SHOWN_CHARACTERS = 200


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One record that is not as an invariant says."""

    invariant: str
    """I1, I2, ...: which promise is broken."""
    topic: str
    partition: int
    offset: int | None
    """None where a record should be and is not, at the end of its topic."""
    expected: str
    found: str

    def sentence(self) -> str:
        """All of it, for people."""
        where = "its end" if self.offset is None else f"offset {self.offset}"
        return (
            f"{self.invariant}: {self.topic}, partition {self.partition}, {where}: "
            f"expected {self.expected}, found {self.found}"
        )


class Unsound(Exception):
    """Ends the audit of a partition: what follows a wrong record says nothing of its own."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence())
        self.finding = finding


def wrong(invariant: str, record: SourceRecord, expected: object, found: object) -> NoReturn:
    """Raise Unsound for a record."""
    raise Unsound(
        Finding(
            invariant=invariant,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            expected=shown(expected),
            found=shown(found),
        )
    )


def shown(value: object) -> str:
    """A value, as much of it as fits on a line or two."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def first_difference(expected: object, found: object, path: str = "") -> tuple[str, object, object] | None:
    """Path and both values of the first field in which two words differ."""
    if type(expected) is type(found):
        if isinstance(expected, msgspec.Struct):
            for name in expected.__struct_fields__:
                inner = f"{path}.{name}" if path else name
                if different := first_difference(getattr(expected, name), getattr(found, name), inner):
                    return different
            return None
        if isinstance(expected, tuple) and isinstance(found, tuple) and len(expected) == len(found):
            for place, (one, other) in enumerate(zip(expected, found, strict=True)):
                if different := first_difference(one, other, f"{path}.{place}"):
                    return different
            return None
    return None if expected == found else (path, expected, found)

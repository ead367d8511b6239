"""The `source` entry: how far the commands of a partition are decided, kept among the state that they led to.

It is written by every turn, in the same transaction as everything else, so that the state itself says which command
comes next. At every assignment it must equal the group's committed offset.
"""

import msgspec

SOURCE_KEY = b"\xff\xffsource"
"""Outside every customer: a customer's keys begin with the length of its id, and no id is 65,535 bytes long."""

STATE_VERSION = 1
"""Of the shape of the state. Raise it whenever an older worker would misread what a newer one wrote."""


class SourceEntry(msgspec.Struct, frozen=True, array_like=True):
    """The next command of a partition, and how many of its answers are already given."""

    version: int
    offset: int
    answered: int = 0


def encode(entry: SourceEntry) -> bytes:
    """To the bytes stored under `SOURCE_KEY`."""
    return msgspec.msgpack.encode(entry)


def decode(value: bytes) -> SourceEntry:
    """From the stored bytes. Fields that a newer version appended are passed over; its `version` tells."""
    return msgspec.msgpack.decode(value, type=SourceEntry)

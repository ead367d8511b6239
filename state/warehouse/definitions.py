"""What a table, a view and a column of the warehouse are.

The definitions are data: the database's catalog, its comments, digests and data contracts are made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds. A target chooses its own type for each."""

    TEXT = "TEXT"
    COUNT = "COUNT"
    WHOLE = "WHOLE"
    AMOUNT = "AMOUNT"
    FRACTION = "FRACTION"
    MOMENT = "MOMENT"
    DAY = "DAY"
    FLAG = "FLAG"
    JSON = "JSON"


@dataclass(frozen=True)
class Column:
    """A column; `pii` marks personal data, which stands there sealed, `summed` what receipts add up."""

    name: str
    kind: Kind
    doc: str
    pii: bool = False
    required: bool = True
    summed: bool = False

    @property
    def comment(self) -> str:
        """What catalogs say about it."""
        return f"{self.doc} [pii, sealed]" if self.pii else self.doc


@dataclass(frozen=True)
class Table:
    """A table that only grows. `key` is unique; no index enforces it (README), tests and `billfold audit` check it."""

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class View:
    """A question with its answer, computed when it is asked. `columns` describes them in the order of `query`."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    query: str
    key: tuple[str, ...] = ()
    """Of a dimension: the columns that identify what it has versions of, where its name does not say so."""


def text(name: str, doc: str, *, required: bool = True) -> Column:
    """A string."""
    return Column(name, Kind.TEXT, doc, required=required)


def sealed(name: str, doc: str) -> Column:
    """Personal data: a sealed string, or null."""
    return Column(name, Kind.TEXT, doc, pii=True, required=False)


def whole(name: str, doc: str, *, required: bool = True) -> Column:
    """A whole number of 64 bits: offsets, sequences, sums."""
    return Column(name, Kind.WHOLE, doc, required=required)


def count(name: str, doc: str, *, required: bool = True, summed: bool = False) -> Column:
    """A whole number of 32 bits: days, places, versions. Written four times as fast as one of 64."""
    return Column(name, Kind.COUNT, doc, required=required, summed=summed)


def amount(name: str, doc: str, *, required: bool = True) -> Column:
    """Money: exact, nine decimals as in the contracts."""
    return Column(name, Kind.AMOUNT, doc, required=required)


def fraction(name: str, doc: str) -> Column:
    """A computed number; views only, because stored ones must be exact."""
    return Column(name, Kind.FRACTION, doc, required=False)


def moment(name: str, doc: str, *, required: bool = True) -> Column:
    """A moment, UTC, microseconds."""
    return Column(name, Kind.MOMENT, doc, required=required)


def day(name: str, doc: str, *, required: bool = True) -> Column:
    """A local day of the customer's time zone."""
    return Column(name, Kind.DAY, doc, required=required)


def flag(name: str, doc: str) -> Column:
    """True or false."""
    return Column(name, Kind.FLAG, doc)


def json(name: str, doc: str) -> Column:
    """A JSON text, kept as it was written."""
    return Column(name, Kind.JSON, doc)


ORIGIN = (
    count("kafka_partition", "Partition of the record that the row comes from"),
    whole("kafka_offset", "Offset of that record"),
)
"""Every table but the sink's own begins with these."""

CUSTOMER = text("customer_id", "Customer")
ACCOUNT = text("account_id", "Account, unique within the customer")
SUBSCRIPTION = text("subscription_id", "Subscription, unique within the customer")
SEQUENCE = whole("sequence", "Number of the transaction: 1, 2, 3 ... per customer, without gaps")
POSITION = count("position", "Place of the event within the transaction: 0, 1, 2 ...")
OCCURRED = moment("occurred_at", "When the transaction counts; for due work its due moment")
RECORDED = moment("recorded_at", "Kafka's timestamp of the command record that led to it, however late that was")
SOURCE = text("source", "System that asked; clock for the core's own clock")
PERFORMED_BY = text("performed_by", "Who asked: a person or a service")
PUBLISHED = moment("published_at", "Kafka's timestamp of the record that the row comes from")
CAUSE = (
    count("cause_partition", "Partition of the command record that led to it"),
    whole("cause_offset", "Offset of that command record"),
    count("cause_position", "Place among that record's answers: due work first, its own answer last"),
)
VERSIONS = (
    count("catalog_version", "Version of the catalog that decided"),
    text("rules_version", "Version of rules and time zone database that decided"),
)

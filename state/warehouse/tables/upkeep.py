"""What the sink itself remembers: where it stands, what it reads from, what it missed, how old the copy is."""

from __future__ import annotations

from state.warehouse.definitions import CUSTOMER, PUBLISHED, Table, View, count, fraction, moment, text, whole

_TOPIC = text("topic", "Topic")
_PARTITION = count("kafka_partition", "Partition of the topic")
_NEXT = whole("next_offset", "The first offset that is not in the warehouse yet: complete up to before it")

SINK_SOURCE = Table(
    "sink_source",
    "The topics that the rows come from. A topic of another cluster, or made anew, stops the sink.",
    ("topic",),
    (
        _TOPIC,
        text("cluster_id", "Kafka's id of the cluster"),
        text("topic_id", "Kafka's id of the topic; one made anew has another"),
        count("partitions", "Number of partitions; it must never change"),
    ),
)

SINK_OFFSET = Table(
    "sink_offset",
    "How far the warehouse has come; written in the same database transaction as the rows.",
    ("topic", "kafka_partition"),
    (_TOPIC, _PARTITION, _NEXT),
)

SINK_GAP = Table(
    "sink_gap",
    "Transactions that did not continue their customer's sequence. Empty, or something was lost or doubled.",
    ("kafka_partition", "kafka_offset"),
    (
        _PARTITION,
        whole("kafka_offset", "Offset of the transaction that did not continue"),
        PUBLISHED,
        CUSTOMER,
        whole("expected", "The sequence that had to come"),
        whole("found", "The sequence that came"),
    ),
)

SINK_PUBLICATION = Table(
    "sink_publication",
    "Until when what is there can be read: when the copy was published, or, on a server, looked after last; one row.",
    ("published_at",),
    (moment("published_at", "When the sink last published, by its own clock"),),
)

SINK_VERSION = Table(
    "sink_version",
    "The migrations that this database has had.",
    ("version",),
    (count("version", "Number of the migration"), text("what", "What it did")),
)

SINK_DEFINITION = Table(
    "sink_definition",
    "Which definition each table and view was made by: what a release changes is made anew at the sink's start.",
    ("name",),
    (text("name", "Table or view"), text("digest", "SHA-256 of its statements, hexadecimal")),
)

WAREHOUSE_AGE = View(
    "warehouse_age",
    "How old this copy is, and how far it goes. The sink publishes within seconds after a change and at least every "
    "few minutes without one: an older copy means that the sink stands still. A server is read live: there it tells "
    "when the sink last gave a sign of life.",
    (
        moment("published_at", "When the copy was published"),
        fraction("age_seconds", "Seconds since then"),
        moment("latest_transaction_at", "Kafka's timestamp of the latest transaction in it", required=False),
        whole("transactions", "Transactions in it"),
    ),
    """
    SELECT published_at, (epoch_us(now()) - epoch_us(published_at)) / 1000000, latest, transactions
    FROM sink_publication,
         (SELECT max(published_at) AS latest, count(*) AS transactions FROM raw_transaction)
    """,
)

FIRST_TABLES = (SINK_SOURCE, SINK_OFFSET, SINK_GAP, SINK_PUBLICATION, SINK_VERSION)
"""Those of the first release."""
TABLES = (*FIRST_TABLES, SINK_DEFINITION)
VIEWS = (WAREHOUSE_AGE,)

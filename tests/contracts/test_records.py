"""What stands beside the payload: the partition and the headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from schemas import headers
from schemas.bill_cycles import StartBillingPeriod
from schemas.envelope import Cause, CommandOutcome, CommandRecord, Mode, Status
from schemas.partition import murmur2, partition_of

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "signed"),
    [  # the vectors of Kafka's own UtilsTest
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_kafkas(text: str, signed: int) -> None:
    assert murmur2(text.encode()) == signed % 2**32


def test_partitions_are_those_of_librdkafka(kafka: str, topic_prefix: str) -> None:
    from confluent_kafka import Producer  # noqa: PLC0415 - only where Kafka is
    from confluent_kafka.admin import AdminClient, NewTopic  # noqa: PLC0415

    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic_prefix, 12)])[topic_prefix].result()
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    found: dict[Any, Any] = {}
    ids = ["K-1", "Åsa", "", "customer-000123", *(f"customer-{number}" for number in range(200))]
    for customer_id in filter(None, ids):
        producer.produce(
            topic_prefix,
            key=customer_id.encode(),
            on_delivery=lambda _, message: found.update({(message.key() or b"").decode(): message.partition()}),
        )
    assert producer.flush(30) == 0
    assert found == {customer_id: partition_of(customer_id, 12) for customer_id in found}
    assert len(found) == len(ids) - 1


def test_headers_say_what_a_record_is() -> None:
    record = CommandRecord(
        command_id="c-1",
        customer_id="K-1",
        source="crm",
        performed_by="clerk",
        performed_at=NOW.astimezone(timezone(timedelta(hours=2))),
        body=StartBillingPeriod(account_id="A-1", number=3),
    )
    trace = headers.passed_on_from([("traceparent", b"00-1-2-01"), ("cookie", b"no"), ("tracestate", None)])
    assert dict(headers.for_command(record, trace)) == {
        "ce_specversion": b"1.0",
        "ce_type": b"billfold.v1.Command",
        "ce_source": b"crm",
        "ce_id": b"c-1",
        "ce_subject": b"K-1",
        "ce_time": b"2026-03-01T12:30:00Z",
        "content-type": b"application/avro",
        "correlation_id": b"c-1",
        "traceparent": b"00-1-2-01",
    }


def test_two_outcomes_of_one_command_id_have_two_ids() -> None:
    def outcome(offset: int) -> CommandOutcome:
        return CommandOutcome(
            command_id="c-1",
            customer_id="K-1",
            command_type="X",
            source="crm",
            performed_by="clerk",
            mode=Mode.EXECUTE,
            status=Status.COMPLETED,
            decided_at=NOW,
            recorded_at=NOW,
            catalog_version=1,
            rules_version="r",
            cause=Cause(partition=3, offset=offset, position=0),
        )

    first, repeat = (dict(headers.for_outcome(outcome(offset))) for offset in (5, 9))
    assert (first["ce_id"], repeat["ce_id"]) == (b"3-5-0", b"3-9-0")
    assert first["correlation_id"] == repeat["correlation_id"] == b"c-1"

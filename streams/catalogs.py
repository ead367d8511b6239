"""The catalog topic: publishing numbered versions, and the shelf from which a worker takes the one in force."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
import structlog
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Producer, TopicPartition

from processors.catalog import check_version, in_force, successor
from schemas import codec, wire
from schemas.catalog import Catalog
from schemas.refusals import Violation
from streams.readers import assigned_reader

log = structlog.get_logger()

LEAD = timedelta(seconds=60)
"""A name's later versions begin at least so far ahead, so that every worker has read them by then."""
CONFIRMED_SECONDS = 30.0
"""A worker decides only while it knew the topic's end so lately."""
ASK_SECONDS = 5.0
"""How often the end is asked for."""


class CatalogRefused(Exception):
    """A version that cannot be published, in one sentence."""

    def __init__(self, sentence: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(sentence)
        self.violations = violations


class CatalogUnavailable(Exception):
    """No version can be told to be in force, in one sentence that says what to do."""


def read_versions(kafka: Mapping[str, Any], topic: str, name: str) -> list[Catalog]:
    """All versions of one name on the topic, in the order in which they begin."""
    shelf = Shelf(kafka, topic, name)
    try:
        shelf.read_to_end()
        return shelf.versions
    finally:
        shelf.close()


def publish(kafka: Mapping[str, Any], topic: str, catalog: Catalog, *, any_moment: bool = False) -> Catalog:
    """Publish a catalog as its name's next version; answers it as published, or the one there is if nothing differs.

    `any_moment` lifts the rule of the 60 seconds: for stories, whose time is not ours. Raises CatalogRefused.
    """
    versions = read_versions(kafka, topic, catalog.name)
    previous = max(versions, key=attrgetter("version"), default=None)
    number = previous.version + 1 if previous else 1
    following = msgspec.structs.replace(successor(previous, catalog), version=number)
    if previous is not None and msgspec.structs.replace(following, version=previous.version) == previous:
        return previous
    violations = check_version(previous, following)
    if violations:
        raise CatalogRefused(f"catalog {catalog.name} is not published: it breaks {len(violations)} rules", violations)
    if previous is not None:
        earliest = datetime.now(UTC) + LEAD
        if not any_moment and following.effective_from < earliest:
            raise CatalogRefused(
                f"catalog {catalog.name} has version {previous.version} already: a later version must begin at least "
                f"{LEAD.seconds} s ahead, set effective_from to {earliest.isoformat(timespec='seconds')} or later"
            )
        if following.effective_from < previous.effective_from:
            raise CatalogRefused(
                f"catalog {catalog.name}: effective_from lies before that of version {previous.version} "
                f"({previous.effective_from.isoformat()})"
            )
    producer = Producer({**kafka, "enable.idempotence": True, "acks": "all"})
    failures: list[KafkaError] = []
    producer.produce(
        topic,
        key=f"{following.name}/{following.version}".encode(),
        value=wire.frame(wire.current_id("CatalogVersion"), codec.CATALOG.encode(following)),
        partition=0,
        on_delivery=lambda error, _: failures.append(error) if error else None,
    )
    left = producer.flush(30)
    producer.close()
    if left or failures:
        raise CatalogRefused(
            f"catalog {catalog.name} could not be written to {topic}: {failures or 'no answer in 30 s'}"
        )
    return following


class Shelf:
    """The versions of one catalog name, read from the topic and kept up to date by a thread of its own."""

    def __init__(self, kafka: Mapping[str, Any], topic: str, name: str) -> None:
        self.topic, self.name = topic, name
        self.versions: list[Catalog] = []
        self._confirmed = -CONFIRMED_SECONDS
        self._position = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._consumer = assigned_reader(kafka, f"catalog-{name}", auto_offset_reset="earliest")
        with suppress(KafkaException):  # who leads the topic: asked for before, or it is found out half a second later
            self._consumer.list_topics(topic, timeout=ASK_SECONDS)
        self._consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])

    def read_to_end(self, patience_seconds: float = 30.0) -> None:
        """Read all there is. Raises CatalogUnavailable where the topic cannot be read."""
        deadline = time.monotonic() + patience_seconds
        while not self._catch_up():
            if time.monotonic() > deadline:
                raise CatalogUnavailable(
                    f"{self.topic} cannot be read: is Kafka running, and did `billfold topics create` run?"
                )

    def follow(self) -> None:
        """Keep up with the topic in a thread of its own."""
        self._thread = threading.Thread(target=self._follow, name="catalog", daemon=True)
        self._thread.start()

    def at(self, moment: datetime) -> Catalog:
        """The version in force. Before the first one begins, the first one. Raises CatalogUnavailable."""
        if time.monotonic() - self._confirmed > CONFIRMED_SECONDS:
            raise CatalogUnavailable(
                f"the end of {self.topic} is not confirmed since {CONFIRMED_SECONDS:.0f} s: no decision until it is"
            )
        versions = self.versions
        if not versions:
            raise CatalogUnavailable(
                f"{self.topic} holds no version of catalog {self.name}: run `billfold catalog publish FILE`"
            )
        return in_force(versions, moment) or versions[0]

    def of(self, customer_id: str) -> Callable[[datetime], Catalog]:
        """What answers the version in force for a customer: an installation decides all with one catalog."""
        del customer_id
        return self.at

    def close(self) -> None:
        """Stop following and leave."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self._catch_up()
            except (KafkaException, CatalogUnavailable) as failure:
                log.warning("catalog topic", failure=str(failure))
            self._stopping.wait(0.2)

    def _catch_up(self) -> bool:
        """Take what has come; ask for the end from time to time. True when everything up to the end is read."""
        while (message := self._consumer.poll(0.01)) is not None:
            error = message.error()
            if error is not None:
                raise CatalogUnavailable(f"{self.topic}: {error.str()}")
            self._position = (message.offset() or 0) + 1
            self._take(message.key(), message.value())
        now = time.monotonic()
        if now - self._confirmed < ASK_SECONDS:
            return True
        try:
            _, end = self._consumer.get_watermark_offsets(TopicPartition(self.topic, 0), timeout=5, cached=False)
        except KafkaException:
            return False
        reached = self._consumer.position([TopicPartition(self.topic, 0)])[0].offset
        if max(reached, self._position) >= end:
            self._confirmed = now
            return True
        return False

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        if key is None or value is None or key.decode().rpartition("/")[0] != self.name:
            return
        schema_id, payload = wire.unframe(value)
        catalog = codec.CATALOG.decode(payload, schema_id)
        if not any(known.version == catalog.version for known in self.versions):
            # A list of its own, so that a decision under way reads one state of the shelf.
            self.versions = sorted([*self.versions, catalog], key=attrgetter("effective_from", "version"))

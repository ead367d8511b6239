"""The topics: names, partitions, configurations. Created by `billfold topics create`, checked at every start."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

DAY_MS = 24 * 60 * 60 * 1000
ASK_SECONDS = 30.0
VISIBLE_SECONDS = 0.02
RECORD_BYTES = 16 << 20
"""The largest transaction, outcome or row of state. Producers and consumers are set to the same limit."""
TOPIC_RECORD_BYTES = RECORD_BYTES + (64 << 10)  # a batch has headers of its own
COMMAND_BATCH_BYTES = (1 << 20) + 12  # a batch of commands as any client sends it; one command is at most 256 KB
DEAD_LETTER_BYTES = 2 * COMMAND_BATCH_BYTES  # the unreadable bytes, and headers that say why
TOMBSTONE_MS = 7 * DAY_MS  # a worker may be away for half of it and still roll its copy forward
ANSWER_DAYS = 400
ANSWER_MARGIN_DAYS = 31  # an answer leaves the changelog only after it has expired for everybody
CLEAN_AFTER_MS = DAY_MS  # a changelog is compacted at least daily, whatever its share of old rows


class TopologyUnfit(Exception):
    """The cluster's topics are not as they must be. The sentence says what to do."""


@dataclass(frozen=True)
class Topic:
    """A topic as it must be."""

    name: str
    partitions: int
    configuration: Mapping[str, str]


@dataclass(frozen=True)
class Topology:
    """All topics of one Billfold. `partitions` can never be changed: customers are spread by it."""

    prefix: str = "billing"
    partitions: int = 8
    replication: int = 1
    answer_days: int = ANSWER_DAYS
    clock_of_records: bool = False
    """Moments are those that producers write: for stories, which play at any date. Never in production."""

    @property
    def commands(self) -> str:
        """What is asked."""
        return f"{self.prefix}.commands.v1"

    @property
    def transactions(self) -> str:
        """What happened."""
        return f"{self.prefix}.transactions.v1"

    @property
    def outcomes(self) -> str:
        """What was answered."""
        return f"{self.prefix}.outcomes.v1"

    @property
    def provisioning(self) -> str:
        """What is asked of the networks."""
        return f"{self.prefix}.provisioning.v1"

    @property
    def catalog(self) -> str:
        """Versioned reference data."""
        return f"{self.prefix}.catalog.v1"

    @property
    def dead_letters(self) -> str:
        """What could not be read, and what met a bug."""
        return f"{self.commands}.dlq"

    @property
    def changelogs(self) -> dict[str, str]:
        """Table -> its changelog."""
        return {table: f"{self.prefix}.{table}.changelog" for table in ("state", "answers")}

    @property
    def tombstone_seconds(self) -> float:
        """How long a changelog keeps a tombstone."""
        return TOMBSTONE_MS / 1000

    def topics(self) -> tuple[Topic, ...]:
        """Every topic, with the configuration that our promises rest on."""
        retained = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
        large = {"max.message.bytes": str(TOPIC_RECORD_BYTES)}
        compacted = large | {
            "cleanup.policy": "compact",
            "delete.retention.ms": str(TOMBSTONE_MS),
            "max.compaction.lag.ms": str(CLEAN_AFTER_MS),
        }
        answers = compacted | {
            "cleanup.policy": "compact,delete",
            "retention.ms": str((self.answer_days + ANSWER_MARGIN_DAYS) * DAY_MS),
            "retention.bytes": "-1",
        }
        arrival = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(COMMAND_BATCH_BYTES)}
        if self.clock_of_records:
            arrival |= {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)}
        keyed = {
            self.commands: retained | arrival,
            self.transactions: retained | large,
            self.outcomes: retained | large,
            self.provisioning: retained | large,
            self.dead_letters: retained | {"max.message.bytes": str(DEAD_LETTER_BYTES)},
            self.changelogs["state"]: compacted,
            self.changelogs["answers"]: answers,
        }
        catalog = Topic(self.catalog, 1, self._safe(retained | large))  # one partition: versions have one order
        return (*(Topic(name, self.partitions, self._safe(wanted)) for name, wanted in keyed.items()), catalog)

    def _safe(self, configuration: dict[str, str]) -> dict[str, str]:
        """Acknowledged by two replicas, wherever there are three."""
        return configuration | ({"min.insync.replicas": "2"} if self.replication > 2 else {})  # noqa: PLR2004


def create(properties: Mapping[str, Any], topology: Topology) -> list[str]:
    """Create the topics that are missing; return their names. Existing ones are left as they are: see `check`."""
    wanted = [
        NewTopic(topic.name, topic.partitions, topology.replication, config=dict(topic.configuration))
        for topic in topology.topics()
    ]
    admin, created = AdminClient(dict(properties)), []
    for name, made in admin.create_topics(wanted, operation_timeout=ASK_SECONDS).items():
        try:
            made.result(ASK_SECONDS)
        except KafkaException as refusal:
            if refusal.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        else:
            created.append(name)
    _wait_visible(admin, created)
    return created


def _wait_visible(admin: AdminClient, names: list[str]) -> None:
    """Until the broker itself knows the topics: their creation is answered by the controller, which is ahead of it.

    Without it a `check`, or a worker, that follows at once could be told that they do not exist.
    """
    deadline = time.monotonic() + ASK_SECONDS
    while not set(names) <= admin.list_topics(timeout=ASK_SECONDS).topics.keys():
        if time.monotonic() > deadline:
            raise TopologyUnfit(f"The topics were created, but the broker does not show them after {ASK_SECONDS:g} s.")
        time.sleep(VISIBLE_SECONDS)


def check(properties: Mapping[str, Any], topology: Topology) -> None:
    """See that every topic is there and as it must be; `TopologyUnfit` names the first that is not."""
    admin = AdminClient(dict(properties))
    topics = topology.topics()
    described = admin.describe_topics(TopicCollection([topic.name for topic in topics]), request_timeout=ASK_SECONDS)
    for topic in topics:
        try:
            found = len(described[topic.name].result().partitions)
        except KafkaException as refusal:
            if refusal.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
            raise TopologyUnfit(f"Topic {topic.name} does not exist: run `billfold topics create`.") from refusal
        if found != topic.partitions:
            raise TopologyUnfit(
                f"Topic {topic.name} has {found} partitions, the setting `partitions` says {topic.partitions}: "
                "customers are spread by this number, it must never change."
            )
    resources = {topic.name: ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics}
    answers = admin.describe_configs(list(resources.values()), request_timeout=ASK_SECONDS)
    for topic in topics:
        actual = answers[resources[topic.name]].result()
        for name, value in topic.configuration.items():
            if _unordered(actual[name].value) != _unordered(value):
                raise TopologyUnfit(
                    f"Topic {topic.name} has {name}={actual[name].value}, it must be {value}: "
                    "set it with Kafka's own tools (`billfold topics create` only creates)."
                )


def _unordered(value: str) -> list[str]:
    return sorted(part.strip() for part in value.split(","))

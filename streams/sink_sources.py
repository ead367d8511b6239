"""Which cluster and topics the sink reads from: stored beside the offsets, so that offsets never meet other records."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from state.warehouse import Source
from streams.settings import Settings
from streams.sink_records import SinkStopped
from streams.topology import TopologyUnfit

ASK_SECONDS = 30.0
GONE = frozenset(
    {
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - the library's own names, here and below
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)
"""Errors of a partition that waiting does not mend; all others pass, and the library goes on by itself."""


def sources(settings: Settings) -> tuple[Source, ...]:
    """The two topics as Kafka describes them. Raises TopologyUnfit and SinkStopped."""
    admin = AdminClient(settings.client_properties())
    names = [settings.topology.transactions, settings.topology.outcomes]
    found, name = {}, ""
    try:
        cluster = admin.describe_cluster(request_timeout=ASK_SECONDS).result()
        described = admin.describe_topics(TopicCollection(names), request_timeout=ASK_SECONDS)
        for name in names:
            found[name] = described[name].result()
    except KafkaException as failure:
        error = failure.args[0]
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise TopologyUnfit(f"Topic {name} does not exist: run `billfold topics create`.") from failure
        raise SinkStopped(
            f"Kafka at {settings.bootstrap_servers} does not answer ({error.str()}): is it running?"
        ) from failure
    return tuple(
        Source(name, cluster.cluster_id, str(topic.topic_id), len(topic.partitions)) for name, topic in found.items()
    )

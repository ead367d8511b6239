"""Whether Kafka answers: asked before anything is begun, so that a wrong address costs seconds and one sentence.

Kafka's client itself never gives up: it writes a line for every attempt, and what waits for it waits half a minute.
"""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata

from streams import settings
from streams.settings import Settings, SettingsUnfit
from streams.topology import TopologyUnfit

PATIENCE_SECONDS = 5.0


class KafkaUnreachable(Exception):
    """Nobody answers at the address of the settings. The sentence says what to look at."""


def reach_kafka(configured: Settings, *topics: str) -> ClusterMetadata:
    """What the brokers say, and that these topics are there. Raises KafkaUnreachable, SettingsUnfit, TopologyUnfit."""
    told: list[KafkaError] = []
    quiet = configured.client_properties() | {"log_level": 0, "error_cb": told.append}
    try:
        admin = AdminClient(quiet)
    except KafkaException as refusal:
        raise SettingsUnfit(f"Setting kafka: {refusal.args[0].str()}.") from None
    try:
        found = admin.list_topics(timeout=PATIENCE_SECONDS)
    except KafkaException:
        admin.poll(0)
        reasons = [error.str() for error in told if error.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001 - librdkafka's name for it
        raise KafkaUnreachable(
            f"Kafka does not answer at {configured.bootstrap_servers} within {PATIENCE_SECONDS:g} s: is it running, "
            f"and is BILLFOLD_BOOTSTRAP_SERVERS its address? {reasons[-1] if reasons else ''}".rstrip()
        ) from None
    for topic in topics:
        if topic not in found.topics:
            raise TopologyUnfit(f"Topic {topic} does not exist: run `billfold topics create`.")
    return found


def reach_configured() -> ClusterMetadata:
    """The same for the settings of this process."""
    return reach_kafka(settings.load())

"""Where partitions begin and end, many in one question.

Not `AdminClient.list_offsets`: librdkafka frees a list there that the answer, if it comes first, has freed already, and
the process dies of it, once in some ten thousand calls.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition

ASK_SECONDS = 5.0
Spot = tuple[str, int]  # topic, partition
Isolation = Literal["read_committed", "read_uncommitted"]


class Offsets:
    """Asks for offsets as a reader of this isolation would see them. Close it."""

    def __init__(self, properties: Mapping[str, Any], isolation: Isolation) -> None:
        # A consumer cannot be made without a group; this one never joins it.
        own = {"group.id": "offsets", "isolation.level": isolation, "enable.auto.commit": False}
        self._client = Consumer({**properties, **own})

    def first(self, spots: Sequence[Spot]) -> dict[Spot, int]:
        """Return the offset of the first record that is still there. Raises KafkaException."""
        return self._ask(spots, OFFSET_BEGINNING)

    def ends(self, spots: Sequence[Spot]) -> dict[Spot, int]:
        """Return the offset behind the last record: high watermark, or last stable offset. Raises KafkaException."""
        return self._ask(spots, OFFSET_END)

    def _ask(self, spots: Sequence[Spot], moment: int) -> dict[Spot, int]:
        if not spots:  # a worker without partitions; librdkafka calls the question invalid
            return {}
        asked = [TopicPartition(topic, number, moment) for topic, number in spots]
        answers = self._client.offsets_for_times(asked, timeout=ASK_SECONDS)
        for answer in answers:
            if answer.error:
                raise KafkaException(answer.error)
        return {(answer.topic, answer.partition): answer.offset for answer in answers}

    def close(self) -> None:
        """Leave; no group ever knew this reader."""
        self._client.close()

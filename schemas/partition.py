"""Which partition a customer's records go to: murmur2 of the UTF-8 id, as Kafka's Java client does."""

from __future__ import annotations

from functools import lru_cache

SEED = 0x9747B28C
FACTOR = 0x5BD1E995
SHIFT = 24
BITS_32 = 0xFFFFFFFF
POSITIVE = 0x7FFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's 32-bit murmur2, unsigned."""
    length = len(data)
    hashed = (SEED ^ length) & BITS_32
    whole = length & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * FACTOR & BITS_32
        word = (word ^ (word >> SHIFT)) * FACTOR & BITS_32
        hashed = (hashed * FACTOR & BITS_32) ^ word
    if length & 3:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * FACTOR & BITS_32
    hashed = (hashed ^ (hashed >> 13)) * FACTOR & BITS_32
    return hashed ^ (hashed >> 15)


@lru_cache(100_000)  # the customers that are busy now
def partition_of(customer_id: str, partitions: int) -> int:
    """Partition of a customer among so many."""
    return (murmur2(customer_id.encode()) & POSITIVE) % partitions

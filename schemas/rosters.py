"""Rows beside the entities of a subscription: who belongs to it, how many of what, and what was said once.

They let a rule that speaks of many services read a few small rows instead of the services
(`processors/view/rows`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from schemas.actions import ServiceState
from schemas.catalog import Composition


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A live service, as rules about many services need it."""

    service_id: str
    number: int
    product: str
    product_type: str | None
    family: str | None
    composition: Composition
    bundle_service_id: str | None
    state: ServiceState
    provider: str | None
    distributor_id: str | None


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """Live services of one product on a subscription."""

    product_type: str | None = None
    family: str | None = None
    live: int = 0
    on: int = 0
    """In an on state."""
    effective: int = 0
    top_level: int = 0
    """Live ones that belong to no bundle."""


class Numbers(msgspec.Struct, frozen=True, array_like=True):
    """The last number given on a subscription, kind by kind; numbers are never given twice."""

    service: int = 0
    action: int = 0
    distributor: int = 0
    item: int = 0


class ReferenceRow(msgspec.Struct, frozen=True, array_like=True):
    """The caller's own number of an accepted action (ABS-12, WAL-14)."""

    command_id: str
    command_type: str
    body_digest: str


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """What a service was charged, for its activation or for a billing period (WAL-8)."""

    entry_number: int
    amount: Decimal
    day: date
    """Local day of the activation; of a recurring charge the first of its billing period."""

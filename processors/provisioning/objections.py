"""What stands against a distribution (PRV-8)."""

from __future__ import annotations

from collections.abc import Iterable

from processors.acting import LIVE
from schemas.provisioning import Distributor
from schemas.refusals import Code, Violation, violation
from schemas.subscriptions import SubscriptionService

PRECEDENCE = (
    Code.DISTRIBUTOR_UNKNOWN,
    Code.DISTRIBUTOR_PROVIDER_MISMATCH,
    Code.NOT_PROVISIONABLE,
    Code.SERVICE_UNKNOWN,
    Code.SERVICE_STATE_INVALID,
    Code.ITEM_UNKNOWN,
    Code.DISTRIBUTION_NAMED_TWICE,
    Code.DISTRIBUTION_MISSING,
    Code.DISTRIBUTION_EXISTS,
    Code.PROVIDER_REQUIRED,
)
"""Codes as the rule names them; within a code in request order."""


def in_order(violations: Iterable[Violation]) -> list[Violation]:
    """Put violations of PRV-8 in the order of their codes, each in request order."""
    return sorted(violations, key=lambda found: PRECEDENCE.index(Code(found.code)))


def unknown_distributor(distributor_id: str, path: str | None = None) -> Violation:
    """Say that the subscription has no such distributor, or no longer."""
    return violation(Code.DISTRIBUTOR_UNKNOWN, "PRV-8", path, distributor_id=distributor_id)


def provider_mismatch(
    distributor: Distributor, path: str | None = None, *, service_id: str | None = None, item_id: str | None = None
) -> Violation:
    """Say that the distributor named is another provider's."""
    return about(
        Code.DISTRIBUTOR_PROVIDER_MISMATCH,
        path,
        service_id=service_id,
        item_id=item_id,
        distributor_id=distributor.distributor_id,
        provider=distributor.provider,
    )


def not_provisionable(service_id: str, distributor_id: str | None = None, path: str | None = None) -> Violation:
    """Say that no network is concerned with the service's product."""
    return about(Code.NOT_PROVISIONABLE, path, service_id=service_id, distributor_id=distributor_id)


def terminal(service: SubscriptionService, path: str, *, projected: bool) -> Violation:
    """Say that the service has ended."""
    return violation(
        Code.SERVICE_STATE_INVALID,
        "PRV-8",
        path,
        service_id=service.service_id,
        state=service.state,
        allowed=list(LIVE),
        projected=projected,
    )


def about(
    code: Code,
    path: str | None = None,
    *,
    service_id: str | None = None,
    item_id: str | None = None,
    distributor_id: str | None = None,
    provider: str | None = None,
) -> Violation:
    """Write down what is wrong with the distribution of a service or an item."""
    return violation(
        code, "PRV-8", path, service_id=service_id, item_id=item_id, distributor_id=distributor_id, provider=provider
    )

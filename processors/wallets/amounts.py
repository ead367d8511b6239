"""Amounts of money: decimals in their currency's scale, added without rounding."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context as Arithmetic
from decimal import Decimal

from schemas.amounts import CONTRACT_SCALE
from schemas.catalog import Catalog

_EXACT = Arithmetic(prec=64)
"""Wide enough for the sum of any amounts that the contracts let through."""

ZERO = Decimal(0)


def scale_of(currency: str, catalog: Catalog) -> int:
    """Digits after the decimal point. Of a currency that the catalog has dropped as many as contracts have."""
    found = catalog.currency(currency)
    return CONTRACT_SCALE if found is None else found.scale


def in_scale(amount: Decimal, scale: int) -> Decimal:
    """The amount with exactly so many decimals, 5 as 5.00; it must have no more than these.

    Amounts come from contracts with nine decimals, whatever the caller wrote.
    """
    written = _EXACT.quantize(amount, Decimal(1).scaleb(-scale))
    assert written == amount, f"{amount} has more than {scale} decimals"
    return written


def fits(amount: Decimal, scale: int) -> bool:
    """Whether an amount has no more decimals than its currency; zeros at the end are none."""
    return _EXACT.quantize(amount, Decimal(1).scaleb(-scale)) == amount


def as_given(amount: Decimal, scale: int) -> Decimal:
    """The amount to be named in a refusal: in scale where it fits, else with the decimals that it has."""
    return in_scale(amount, scale) if fits(amount, scale) else _EXACT.normalize(amount)


def plus(one: Decimal, other: Decimal) -> Decimal:
    """The exact sum."""
    return _EXACT.add(one, other)


def minus(one: Decimal, other: Decimal) -> Decimal:
    """The exact difference."""
    return _EXACT.subtract(one, other)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of all."""
    sum_ = ZERO
    for amount in amounts:
        sum_ = _EXACT.add(sum_, amount)
    return sum_

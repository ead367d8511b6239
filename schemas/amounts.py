"""Amounts of money, whichever way they came."""

from __future__ import annotations

from decimal import Context, Decimal

CONTRACT_SCALE = 9
"""Decimals of an amount in the contracts."""
CENTS = 2
"""Decimals that a stored amount has at least, as most currencies write it."""

_EXACT = Context(prec=64)


def as_stored(amount: Decimal) -> Decimal:
    """The amount without zeros at its end, but with two decimals at least.

    What is stored must not tell whether its event was just decided (8.00) or was read back from a topic (8.000000000).
    """
    exponent = _EXACT.normalize(amount).as_tuple().exponent
    assert isinstance(exponent, int), "an amount is a finite number"
    return _EXACT.quantize(amount, Decimal(1).scaleb(min(exponent, -CENTS)))

"""Rows beside an order: how many of its lines are in which state, so that a change of one line reads no other."""

from __future__ import annotations

import msgspec


class OrderTally(msgspec.Struct, frozen=True, array_like=True):
    """The lines of an order."""

    live: int = 0
    billed: int = 0
    cancelled: int = 0
    began: bool = False
    """A line was ever grouped, answered for by provisioning, or synchronized (ORD-10)."""


class GroupTally(msgspec.Struct, frozen=True, array_like=True):
    """The lines that have a group's id."""

    live: int = 0
    billed: int = 0
    cancelled: int = 0

"""The words of time: what waits for its moment, and what the clock asks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.fields import CommandId, CustomerId, Event, doc


class DueWorkParked(Event, frozen=True, kw_only=True):
    """Due work met a bug of ours and waits for an operator; never by a rule."""

    about: ClassVar = ("customer", "customer_id")

    customer_id: CustomerId
    command_id: CommandId
    command_type: Annotated[str, doc("Name of the clock command")]
    body: Annotated[str, doc("Its body, canonical JSON")]
    due_at: Annotated[datetime, doc("Its moment")]

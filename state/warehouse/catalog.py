"""All tables and views: by domain, by name, and in the order in which they can be made."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from state.warehouse import questions
from state.warehouse.definitions import Table, View
from state.warehouse.tables import (
    accounts,
    bill_cycles,
    billing_profiles,
    billing_updates,
    commands,
    hierarchies,
    order_lines,
    orders,
    payments,
    provisioning,
    schedule,
    subscriptions,
    synchronization,
    upkeep,
    wallets,
)


@dataclass(frozen=True)
class Domain:
    """What one module defines; `doc` is the first sentence that the module says about itself."""

    name: str
    doc: str
    tables: tuple[Table, ...]
    views: tuple[View, ...]

    @property
    def title(self) -> str:
        """Its name for people: `Bill cycles`."""
        return self.name.replace("_", " ").capitalize()

    @property
    def described(self) -> tuple[Table | View, ...]:
        """Its tables, then its views."""
        return (*self.tables, *self.views)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of these."""
        return tuple(each.name for each in self.described)


def _domain(module: ModuleType) -> Domain:
    name, doc = module.__name__.rpartition(".")[2], (module.__doc__ or "").partition("\n")[0]
    return Domain(name, doc, getattr(module, "TABLES", ()), module.VIEWS)


_FILLED = tuple(
    _domain(module)
    for module in (
        commands,
        accounts,
        bill_cycles,
        subscriptions,
        schedule,
        wallets,
        provisioning,
        orders,
        order_lines,
        billing_updates,
        synchronization,
        billing_profiles,
        hierarchies,
        payments,
    )
)
"""Views may ask tables and views of domains before theirs."""

DOMAINS = (*_FILLED, _domain(upkeep), _domain(questions))

FACTS: dict[str, Table] = {table.name: table for domain in _FILLED for table in domain.tables}
"""The tables that are filled from the topics, and can be dropped and filled again."""

TABLES: dict[str, Table] = {table.name: table for domain in DOMAINS for table in domain.tables}
"""With the sink's own."""

VIEWS: dict[str, View] = {view.name: view for domain in DOMAINS for view in domain.views}

DESCRIBED: dict[str, Table | View] = {each.name: each for domain in DOMAINS for each in domain.described}

"""Which facts join which dimensions, derived from the columns that they share.

A dimension is a view `dim_<entity>`: its key is what its definition says, or else `customer_id` and the column that
names the entity (`service_id` of dim_subscription_service). A fact is a table or view `fact_...`; it joins a dimension
where it has the key. Where the key names the entity, the fact joins once for each role: `from_service_id` and
`to_service_id` are two services. Nobody keeps a list of joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from state.warehouse.definitions import Column, Kind, Table, View

CUSTOMER_ID = "customer_id"


@dataclass(frozen=True)
class Dimension:
    """A view of versions, joined by `key`; take the version by time, or the one with `is_current`."""

    name: str
    key: tuple[str, ...]
    attributes: int
    """How many columns it has beside the key."""

    @property
    def entity(self) -> str:
        """What it is about: `account`."""
        return self.name.removeprefix("dim_")

    @property
    def named(self) -> bool:
        """Whether the last part of the key names the entity: then `from_service_id` is a service too."""
        return _names(self.key[-1], self.entity)


@dataclass(frozen=True)
class Join:
    """A way from a fact, or from a dimension, to a dimension; `column` stands there for the last part of its key."""

    origin: str
    dimension: str
    column: str

    def role(self, dimension: Dimension) -> str:
        """As what the dimension is joined: `from` for `from_service_id`; nothing where the column has its own name."""
        return self.column.removesuffix(dimension.key[-1]).rstrip("_")


@dataclass(frozen=True)
class Star:
    """All facts, all dimensions, and the ways between them."""

    facts: dict[str, tuple[str, ...]]
    """Fact -> its measures."""
    dimensions: dict[str, Dimension]
    joins: tuple[Join, ...]

    def joins_of(self, origin: str) -> tuple[Join, ...]:
        """The ways from a fact or dimension, in the order of the dimensions."""
        return tuple(join for join in self.joins if join.origin == origin)


def star_of(described: Mapping[str, Table | View]) -> Star:
    """Derive the star. Raises LookupError for a dimension that has no column for what it is about."""
    dimensions = {name: _dimension(each) for name, each in described.items() if name.startswith("dim_")}
    facts = {name: _measures(each) for name, each in described.items() if name.startswith("fact_")}
    joins = tuple(
        Join(origin, dimension.name, column)
        for origin in (*facts, *dimensions)
        for dimension in dimensions.values()
        if origin != dimension.name
        for column in _ways([column.name for column in described[origin].columns], dimension)
    )
    return Star(facts, dimensions, joins)


def _dimension(view: Table | View) -> Dimension:
    entity = view.name.removeprefix("dim_")
    names = [column.name for column in view.columns]
    if isinstance(view, View) and view.key:
        return Dimension(view.name, view.key, len(names) - len(view.key))
    for name in names:
        if _names(name, entity):
            key = (CUSTOMER_ID,) if name == CUSTOMER_ID else (CUSTOMER_ID, name)
            return Dimension(view.name, key, len(names) - len(key))
    raise LookupError(f"{view.name} has no column that identifies its entity, such as {entity}_id")


def _names(column: str, entity: str) -> bool:
    return column.endswith("_id") and f"_{entity}".endswith(f"_{column.removesuffix('_id')}")


def _ways(columns: list[str], dimension: Dimension) -> list[str]:
    *others, last = dimension.key
    if not set(others) <= set(columns):
        return []
    roles = dimension.named and last != CUSTOMER_ID
    return [name for name in columns if name == last or (roles and name.endswith(f"_{last}"))]


def _measures(fact: Table | View) -> tuple[str, ...]:
    def measures(column: Column) -> bool:
        return column.summed or column.kind in (Kind.AMOUNT, Kind.FRACTION)

    return tuple(column.name for column in fact.columns if measures(column))

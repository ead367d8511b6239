"""The domains of the warehouse: the modules that the catalog is made of, found by looking, not by a second list."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from state.warehouse.catalog import TABLES, VIEWS
from state.warehouse.definitions import Table, View

DESCRIBED: dict[str, Table | View] = {**TABLES, **VIEWS}


@dataclass(frozen=True)
class Domain:
    """What one module defines; `doc` is the first sentence that the module says about itself."""

    name: str
    doc: str
    described: tuple[Table | View, ...]

    @property
    def title(self) -> str:
        """Its name for people: `Bill cycles`."""
        return self.name.replace("_", " ").capitalize()


def domains() -> tuple[Domain, ...]:
    """Every domain of which something is in the catalog, in the catalog's order."""
    found = []
    for path, module in list(sys.modules.items()):
        room, _, name = path.rpartition(".")
        if room != "state.warehouse":
            continue
        lists = (getattr(module, each, ()) for each in ("TABLES", "VIEWS"))
        defined: list[Table | View] = [
            each
            for listed in lists
            if isinstance(listed, tuple)
            for each in listed  # the catalog has dicts
        ]
        described = tuple(each for each in defined if DESCRIBED.get(each.name) is each)
        if described:
            found.append(Domain(name, (module.__doc__ or "").partition("\n")[0], described))
    order = list(DESCRIBED)
    return tuple(sorted(found, key=lambda domain: min(order.index(each.name) for each in domain.described)))

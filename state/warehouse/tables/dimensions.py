"""Dimensions: the versions of an entity with the time for which each held."""

from __future__ import annotations

from state.warehouse.definitions import SEQUENCE, Column, View, flag, moment

VALID_FROM = moment("valid_from", "When the version begins: occurred_at of the transaction that made it")


def dimension(entity: str, key: tuple[Column, ...], attributes: tuple[Column, ...], log: str = "") -> View:
    """Slowly changing dimension, type 2, over the versions in `log_<log>`; ordered by sequence, never by arrival."""
    names = ", ".join(f'"{column.name}"' for column in (*key, *attributes))
    by = ", ".join(column.name for column in key)
    return View(
        f"dim_{entity}",
        f"Every version of every {entity.replace('_', ' ')}, with the time for which it held: [valid_from, valid_to). "
        "Versions with valid_from = valid_to were passed through within one moment.",
        (
            *key,
            *attributes,
            VALID_FROM,
            moment("valid_to", "When the next version begins; null for the current one", required=False),
            flag("is_current", "True for the latest version"),
            SEQUENCE,
        ),
        f"""
        SELECT {names}, valid_from, lead(valid_from) OVER history,
               lead(valid_from) OVER history IS NULL, sequence
        FROM log_{log or entity}
        WINDOW history AS (PARTITION BY {by} ORDER BY sequence)
        """,  # noqa: S608 - made of the definitions above
        tuple(column.name for column in key),
    )

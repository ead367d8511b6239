"""What must hold in a warehouse that is whole: each rule is a query for the rows that break it.

The data contract and the dbt project are made from these rules. SQL that DuckDB and PostgreSQL both understand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from state.warehouse.definitions import Table, View
from state.warehouse.star import star_of

SEALED_LIKE = "sealed:v1:%"
"""How every sealed value begins; `pii = plain` in the settings of an installation breaks this rule on purpose."""


@dataclass(frozen=True)
class Rule:
    """Something that must hold. `breaches` names tables in braces and finds the rows of `about` that break it."""

    name: str
    about: str
    doc: str
    breaches: str


def rules(described: Mapping[str, Table | View]) -> tuple[Rule, ...]:
    """Every rule, those for each table and dimension after those of the whole."""
    return (*WHOLE, *_origins(described), *_versions(described), *_sealed(described))


WHOLE = (
    Rule(
        "sequences_have_no_gaps",
        "raw_transaction",
        "The transactions of every customer are numbered 1, 2, 3 ... without gaps.",
        "SELECT customer_id FROM {raw_transaction} GROUP BY customer_id "
        "HAVING min(sequence) <> 1 OR max(sequence) <> count(*)",
    ),
    Rule(
        "nothing_was_missed",
        "sink_gap",
        "The sink met no transaction that did not continue its customer's sequence.",
        "SELECT * FROM {sink_gap}",
    ),
    Rule(
        "changes_add_up",
        "raw_transaction",
        "A transaction has as many changes as it counts, and knows all of them.",
        "SELECT * FROM {raw_transaction} WHERE change_count < 1 OR unknown_events > 0",
    ),
    Rule(
        "entries_add_up",
        "log_wallet_entry",
        "Every entry of a wallet leads from the balance before to the balance after.",
        "SELECT * FROM {log_wallet_entry} WHERE balance_before + amount <> balance_after",
    ),
    Rule(
        "wallets_add_up",
        "wallet_reconciliation",
        "The entries of every wallet sum to its balance, and none is missing.",
        "SELECT * FROM {wallet_reconciliation} WHERE difference <> 0 OR missing_entries <> 0",
    ),
    Rule(
        "periods_follow_each_other",
        "fact_billing_period",
        "The billing periods of every account are numbered without gaps, and each begins where the one before "
        "ends; only an account that was opened again begins anew, with an INITIAL one.",
        "SELECT later.* FROM {fact_billing_period} AS later LEFT JOIN {fact_billing_period} AS earlier "
        "ON earlier.customer_id = later.customer_id AND earlier.account_id = later.account_id "
        "AND earlier.number = later.number - 1 "
        "WHERE later.number > 1 AND (earlier.number IS NULL "
        "OR (earlier.\"end\" <> later.start AND later.kind <> 'INITIAL'))",
    ),
    Rule(
        "lines_are_billed_once",
        "log_order_line_step",
        "No line of an order reaches the billing system twice.",
        "SELECT customer_id, line_id FROM {log_order_line_step} WHERE step = 'LOCKED' "
        "GROUP BY customer_id, line_id HAVING count(*) > 1",
    ),
    Rule(
        "payments_are_recorded_once",
        "log_payment",
        "No payment of an order is recorded twice.",
        "SELECT customer_id, payment_id FROM {log_payment} WHERE state = 'RECORDED' "
        "GROUP BY customer_id, payment_id HAVING count(*) > 1",
    ),
)


def _origins(described: Mapping[str, Table | View]) -> tuple[Rule, ...]:
    """Whatever has a sequence comes from a transaction, and stands at its offset."""
    return tuple(
        Rule(
            f"{name}_has_transactions",
            name,
            "Every row comes from a transaction that is here.",
            f"SELECT * FROM {{{name}}} AS told WHERE NOT EXISTS (SELECT 1 FROM {{raw_transaction}} AS raw "  # noqa: S608 - made of definitions
            "WHERE raw.kafka_partition = told.kafka_partition AND raw.kafka_offset = told.kafka_offset "
            "AND raw.customer_id = told.customer_id AND raw.sequence = told.sequence)",
        )
        for name, each in described.items()
        if isinstance(each, Table) and name not in ("raw_transaction", "fact_command_outcome")
        if {"kafka_partition", "kafka_offset", "customer_id", "sequence"} <= {column.name for column in each.columns}
    )


def _versions(described: Mapping[str, Table | View]) -> tuple[Rule, ...]:
    """A dimension has one current version of everything; none of what has ended, such as a membership."""
    return tuple(
        Rule(
            f"{name}_has_one_current",
            name,
            "Nothing has more than one current version.",
            f"SELECT {', '.join(dimension.key)} FROM {{{name}}} GROUP BY {', '.join(dimension.key)} "  # noqa: S608 - made of definitions
            "HAVING count(*) FILTER (WHERE is_current) > 1",
        )
        for name, dimension in star_of(described).dimensions.items()
    )


def _sealed(described: Mapping[str, Table | View]) -> tuple[Rule, ...]:
    """Columns of personal data hold sealed values or nothing."""
    return tuple(
        Rule(
            f"{name}_is_sealed",
            name,
            "Personal data is sealed.",
            f"SELECT * FROM {{{name}}} WHERE "  # noqa: S608 - made of definitions
            + " OR ".join(f"{column} NOT LIKE '{SEALED_LIKE}'" for column in personal),
        )
        for name, each in described.items()
        if (personal := [column.name for column in each.columns if column.pii])
    )

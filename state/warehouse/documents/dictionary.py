"""The data dictionary: Markdown pages for people, made from the definitions. One page a domain, tables folded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from state.warehouse.catalog import DESCRIBED, DOMAINS, Domain
from state.warehouse.definitions import Column, Kind, Table, View
from state.warehouse.digest import summed
from state.warehouse.documents.asked import ASKED
from state.warehouse.questions import VIEWS as QUESTIONS
from state.warehouse.star import star_of

INDEX = "README.md"
PICTURE = "star.svg"
MADE = "<!-- Made by `billfold warehouse documents` from the definitions in state/warehouse: change those. -->"

READ_IT = (
    "Of a file read `warehouse.read.duckdb`, the published copy, never `warehouse.duckdb`; of a PostgreSQL server the "
    "schema `billfold`, with `TimeZone` UTC. Every name and sentence here is a comment in the database too; "
    "`billfold warehouse dictionary NAME` shows it, and `billfold warehouse ask NAME` shows rows."
)
SHAPES = (
    "`raw_transaction` has everything, as JSON; `log_` tables have what happened, row by row; `fact_` what became of "
    "it, `dim_` the versions of things with the time for which each held. Moments are UTC, days are local days of the "
    'customer, amounts have nine decimals. `end` in `fact_billing_period` is a reserved word: write `"end"`.'
)
CAREFUL = (
    "While a change of payer waits for the next billing period, `service_payers` shows who still pays and "
    "`dim_billing_assignment` who is to. `log_order_refusal` and `log_billing_system_update_refusal` come from "
    "outcomes, not from transactions: they have no `sequence`. A scheduled action counts at its due moment; its "
    "`lateness_seconds` here is until the *record* arrived that had it run. Versions with `valid_from` = `valid_to` "
    "were passed through within one moment: leave them out if you join by time."
)
JOIN_THEM = (
    "Join by `customer_id` and the named column (● is the dimension's own name for it, else a role: `from` for "
    "`from_service_id`); take a dimension's version with `is_current`, or the one whose `[valid_from, valid_to)` holds "
    "the moment."
)
MARKS = (
    "*key*: the table has one row for each of its values. *null*: may be missing. *sealed*: personal data, sealed with "
    "the customer's key; who holds the key of the vault reads it with `billfold warehouse unseal`. *summed*: receipts "
    "add it up."
)
KINDS: dict[Kind, str] = {
    Kind.TEXT: "A string",
    Kind.COUNT: "A whole number of 32 bits",
    Kind.WHOLE: "A whole number of 64 bits",
    Kind.AMOUNT: "Money: exact, nine decimals",
    Kind.FRACTION: "A computed number, floating point; views only",
    Kind.MOMENT: "A moment, UTC, microseconds",
    Kind.DAY: "A local day of the customer, or as the column says",
    Kind.FLAG: "True or false",
    Kind.JSON: "A JSON text",
}


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    found = DOMAINS
    return {INDEX: _index(found)} | {f"{domain.name}.md": _page(domain) for domain in found}


def marks(described: Table | View, column: Column) -> str:
    """What is special about a column, in a few words: part of the key, nullable, sealed, summed."""
    told = {
        "key": isinstance(described, Table) and column.name in described.key,
        "null": not column.required,
        "sealed": column.pii,
        "summed": isinstance(described, Table) and column.name in summed(described),
    }
    return ", ".join(mark for mark, holds in told.items() if holds)


def _index(found: tuple[Domain, ...]) -> str:
    return "\n".join(
        [
            "# The data dictionary of the warehouse",
            "",
            MADE,
            "",
            READ_IT,
            "",
            SHAPES,
            "",
            *_table(("domain", "what", "tables", "views"), (_domain_row(domain) for domain in found)),
            "",
            "## Where to look",
            "",
            *_guide(),
            CAREFUL,
            "",
            "## Which facts join which dimensions",
            "",
            f"![Facts and dimensions]({PICTURE})",
            "",
            *_bus_matrix(),
            "",
            JOIN_THEM,
            "",
            "## Fifteen questions across the domains",
            "",
            *_table(("view", "question"), ((_linked(view.name), view.doc) for view in QUESTIONS)),
            "",
            "## Kinds of columns, and marks",
            "",
            *_table(("kind", "what it is"), ((kind.value, told) for kind, told in KINDS.items())),
            "",
            MARKS,
            "",
        ]
    )


def _domain_row(domain: Domain) -> tuple[str, ...]:
    tables = sum(isinstance(each, Table) for each in domain.described)
    return f"[{domain.title}]({domain.name}.md)", domain.doc, str(tables), str(len(domain.described) - tables)


def _guide() -> Iterator[str]:
    """Questions by what they are about, each with links to what answers them."""
    for title, questions in ASKED.items():
        rows = ((question, ", ".join(map(_linked, names))) for question, names in questions.items())
        yield from _table((title, "where"), rows)
        yield ""


def _linked(name: str) -> str:
    domain = next(domain for domain in DOMAINS if name in domain.names)
    return f"[`{name}`]({domain.name}.md#{name})"


def _bus_matrix() -> Iterator[str]:
    """A row for each fact, a column for each dimension that one joins; a cell says through which columns."""
    star = star_of(DESCRIBED)
    joined = {join.dimension for fact in star.facts for join in star.joins_of(fact)}
    dimensions = [each for each in star.dimensions.values() if each.name in joined]

    def cells(fact: str) -> Iterator[str]:
        yield _linked(fact)
        for dimension in dimensions:
            ways = [join for join in star.joins_of(fact) if join.dimension == dimension.name]
            yield ", ".join(join.role(dimension) or "●" for join in ways)

    head = ("fact", *(dimension.entity for dimension in dimensions))
    return _table(head, (tuple(cells(fact)) for fact in star.facts))


def _page(domain: Domain) -> str:
    lines = [f"# {domain.title}", "", MADE, "", f"{domain.doc} [All domains]({INDEX})", ""]
    lines += _table(("name", "what", "columns"), (_summary(each) for each in domain.described))
    for each in domain.described:
        lines += ["", *_folded(each)]
    return "\n".join([*lines, ""])


def _summary(described: Table | View) -> tuple[str, ...]:
    """The first sentence; the rest stands where the columns are."""
    first = re.split(r"(?<=[.?]) ", described.doc, maxsplit=1)[0]
    return f"[`{described.name}`](#{described.name})", first, str(len(described.columns))


def _folded(described: Table | View) -> Iterator[str]:
    key = described.key if isinstance(described, Table) else ()
    told = f"table, one row per {', '.join(key)}" if key else "view"
    yield f'<a id="{described.name}"></a>'
    yield f"<details><summary><b>{described.name}</b> ({told})</summary>"
    yield ""
    yield described.doc
    yield ""
    yield from _table(
        ("column", "kind", "marks", "what"),
        ((f"`{column.name}`", column.kind.value, marks(described, column), column.doc) for column in described.columns),
    )
    yield ""
    yield "</details>"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + "---|" * len(head)
    for row in rows:
        yield _row(row)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""The data dictionary: Markdown pages for people, made from the definitions. One page a domain, tables folded."""

from __future__ import annotations

from collections.abc import Iterator

from state.warehouse.catalog import DESCRIBED, DOMAINS, Domain
from state.warehouse.definitions import Column, Kind, Table, View
from state.warehouse.digest import summed
from state.warehouse.questions import VIEWS as QUESTIONS
from state.warehouse.star import star_of

INDEX = "README.md"
PICTURE = "star.svg"
MADE = "<!-- Made by `billfold warehouse documents` from the definitions in state/warehouse: change those. -->"

READ_IT = (
    "Read `warehouse.read.duckdb`, the published copy. Every name and sentence here is a comment in the database too: "
    "`billfold warehouse dictionary NAME` shows it, or `FROM duckdb_columns()`."
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
            *_table(("domain", "what", "tables", "views"), (_domain_row(domain) for domain in found)),
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
            *_table(("view", "question"), ((f"`{view.name}`", view.doc) for view in QUESTIONS)),
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


def _bus_matrix() -> Iterator[str]:
    """A row for each fact, a column for each dimension; a cell says through which columns they join."""
    star = star_of(DESCRIBED)
    head = ("fact", *(dimension.entity for dimension in star.dimensions.values()))

    def cells(fact: str) -> Iterator[str]:
        yield f"`{fact}`"
        for dimension in star.dimensions.values():
            ways = [join for join in star.joins_of(fact) if join.dimension == dimension.name]
            yield ", ".join(join.role(dimension) or "●" for join in ways)

    return _table(head, (tuple(cells(fact)) for fact in star.facts))


def _page(domain: Domain) -> str:
    lines = [f"# {domain.title}", "", MADE, "", f"{domain.doc} [All domains]({INDEX})", ""]
    lines += _table(("name", "what", "columns"), (_summary(each) for each in domain.described))
    for each in domain.described:
        lines += ["", *_folded(each)]
    return "\n".join([*lines, ""])


def _summary(described: Table | View) -> tuple[str, ...]:
    return f"`{described.name}`", described.doc, str(len(described.columns))


def _folded(described: Table | View) -> Iterator[str]:
    key = described.key if isinstance(described, Table) else ()
    told = f"table, one row per {', '.join(key)}" if key else "view"
    yield f"<details><summary><b>{described.name}</b> ({told})</summary>"
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

"""Reading a catalog: from a YAML file, or from the same mapping inline in a story.

Every problem is listed at once, each with its place. Whether the content keeps the rules, alone and beside the version
before it, is judged by the catalog decisions, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.catalog import BEGINNING_OF_TIME, Catalog, CyclePeriod
from schemas.catalog_keys import WrittenBillCycle, WrittenCatalog

Place = tuple[str | int, ...]

IDENTITIES = {
    "currencies": "code",
    "account_profiles": "profile",
    "bill_cycles": "code",
    "products": "product",
    "subscription_definitions": "definition",
    "action_types": "code",
    "providers": "provider",
    "billing_systems": "billing_system",
}
"""What names an entry of each list: two of one name would make every lookup a guess."""

NEEDED = {
    CyclePeriod.DAY: (),
    CyclePeriod.WEEK: ("billing_day",),
    CyclePeriod.MONTH: ("billing_day",),
    CyclePeriod.YEAR: ("billing_month", "billing_day"),
}
"""What a cycle's period needs. An individual cycle takes these from the account instead."""

DAYS_OF_WEEK = 7


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `where` is `file:line` if the mapping came from a file."""

    place: Place
    expected: str
    where: str | None = None

    def __str__(self) -> str:
        place = ".".join(map(str, self.place)) or "catalog"
        return f"{self.where}: {place}: {self.expected}" if self.where else f"{place}: {self.expected}"


class CatalogInvalid(Exception):
    """A catalog that cannot be read; its text has one line per problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def read_catalog(path: Path, *, version: int = 1) -> Catalog:
    """Read a catalog file as one version of that catalog; publishing gives it its real number.

    Raises CatalogInvalid with the line of every problem.
    """
    try:
        node, mapping, problems = _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogInvalid([Problem(place=(), expected=f"cannot be read: {error}", where=str(path))]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        expected = f"expected YAML: {error.problem or error.context}"
        raise CatalogInvalid([Problem(place=(), expected=expected, where=f"{path}:{line}")]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise CatalogInvalid([Problem(place=(), expected=f"expected YAML: {error}", where=str(path))]) from None

    try:
        catalog = catalog_from_mapping(mapping, version=version)
    except CatalogInvalid as invalid:
        problems.extend(invalid.problems)
    else:
        if not problems:
            return catalog
    raise CatalogInvalid(located(problems, node, str(path)))


def catalog_from_mapping(
    mapping: object,
    *,
    version: int = 1,
    effective_from_default: datetime = BEGINNING_OF_TIME,
    name_default: str | None = None,
    switches_override: Mapping[str, object] | None = None,
) -> Catalog:
    """Read a catalog from plain data, as YAML or JSON give it.

    `name_default` and `effective_from_default` count where the mapping does not say; `switches_override` wins over the
    mapping's own switches. Raises CatalogInvalid.
    """
    if not isinstance(mapping, Mapping):
        raise CatalogInvalid([Problem(place=(), expected="expected a mapping with the key `catalog`")])

    given = dict(mapping)
    if name_default is not None:
        given.setdefault("catalog", name_default)
    if switches_override:
        own = given.get("switches")
        given["switches"] = {**(own if isinstance(own, Mapping) else {}), **switches_override}

    try:
        written = WrittenCatalog.model_validate(given, context={"zone": _zone(given.get("time_zone"))})
    except ValidationError as error:
        raise CatalogInvalid([_problem(details) for details in error.errors()]) from None

    problems = list(_contradictions(written))
    if problems:
        raise CatalogInvalid(problems)

    return _catalog(written, version, effective_from_default)


def located(problems: Sequence[Problem], node: yaml.Node | None, file: str, root: Place = ()) -> list[Problem]:
    """Give problems the lines at which they stand, in the order of the lines.

    `node` is the composed document, `root` the place in it where the catalog's mapping begins.
    """
    lines = [(_line(node, root + problem.place), problem) for problem in problems]
    lines.sort(key=lambda entry: entry[0])
    return [msgspec.structs.replace(problem, where=f"{file}:{line}") for line, problem in lines]


def _parse(text: str) -> tuple[yaml.Node | None, object, list[Problem]]:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        problems = list(_duplicate_keys(node, (), set()))  # before merge keys are laid over one another
        return node, None if node is None else loader.construct_document(node), problems
    finally:
        loader.dispose()


def _line(node: yaml.Node | None, place: Place) -> int:
    """Line of a place, or of the innermost thing around it that is there."""
    line = 1 if node is None else node.start_mark.line + 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = (node.value[step], node.value[step])
        else:
            found = None
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _duplicate_keys(node: yaml.Node | None, place: Place, seen: set[int]) -> Iterator[Problem]:
    """Keys written twice: YAML would let the last one win in silence. An alias is looked at where it is defined."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield from _duplicate_keys(entry, (*place, index), seen)
    if isinstance(node, yaml.MappingNode):
        names = [str(key.value) for key, _ in node.value]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            yield Problem(place=(*place, name), expected="the key stands twice; keep one")
        for name, (_, value) in zip(names, node.value, strict=True):
            yield from _duplicate_keys(value, (*place, name), seen)


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")  # the model names the problem, or the key is absent


def _problem(details: ErrorDetails) -> Problem:
    place = tuple(step for step in details["loc"] if step != "[key]")
    match details["type"]:
        case "extra_forbidden":
            expected = f"unknown key; expected one of {', '.join(_known_keys(place[:-1]))}"
        case "missing":
            expected = "is required"
        case "string_type":
            expected = f"expected text; write {details['input']!s} in quotes"
        case _:
            expected = details["msg"]
    return Problem(place=place, expected=expected)


def _known_keys(place: Place) -> list[str]:
    """Keys of the mapping at a place."""
    model: type[BaseModel] = WrittenCatalog
    for step in place:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if step in fields:
            model = _model_in(fields[str(step)].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner)) is not None), None)


def _contradictions(written: WrittenCatalog) -> Iterator[Problem]:
    """What is wrong although every value by itself is right."""
    for entries, identity in IDENTITIES.items():
        yield from _twice((entries,), [getattr(entry, identity) for entry in getattr(written, entries)], identity)
    for index, cycle in enumerate(written.bill_cycles):
        yield from _cycle_problems(("bill_cycles", index), cycle)
    for index, default in enumerate(written.default_bill_cycles):
        if default.from_day is not None and default.to_day is not None and default.from_day > default.to_day:
            yield Problem(place=("default_bill_cycles", index, "to_day"), expected="expected a day not before from_day")
    for index, product in enumerate(written.products):
        place: Place = ("products", index)
        yield from _twice((*place, "rows"), [row.row_id for row in product.rows], "row_id")
        if product.rows and product.composition.value == "FLAT":
            yield Problem(place=(*place, "rows"), expected="rows belong to bundles only")
    for index, dependency in enumerate(written.dependencies):
        for place, selector in (
            (("dependent",), dependency.dependent),
            *((("needs_any_of", number), needed) for number, needed in enumerate(dependency.needs_any_of)),
        ):
            if sum(value is not None for value in (selector.product, selector.product_type, selector.family)) != 1:
                expected = "expected exactly one of product, product_type, family"
                yield Problem(place=("dependencies", index, *place), expected=expected)
    yield from _price_scales(written)


def _twice(place: Place, names: list[str], identity: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(place=(*place, index, identity), expected=f"{name} stands twice; keep one")


def _cycle_problems(place: Place, cycle: WrittenBillCycle) -> Iterator[Problem]:
    """A period needs its days and takes no others, unless the cycle is individual: then the account has them."""
    for name in ("billing_month", "billing_day"):
        if cycle.individual:
            continue
        given = getattr(cycle, name) is not None
        needed = name in NEEDED[cycle.period]
        if needed and not given:
            yield Problem(
                place=(*place, name), expected=f"is required of a {cycle.period} cycle that is not individual"
            )
        if given and not needed:
            yield Problem(place=(*place, name), expected=f"does not apply to a {cycle.period} cycle")
    if cycle.period is CyclePeriod.WEEK and cycle.billing_day is not None and cycle.billing_day > DAYS_OF_WEEK:
        yield Problem(place=(*place, "billing_day"), expected="expected 1 (Monday) to 7")


def _price_scales(written: WrittenCatalog) -> Iterator[Problem]:
    scales = {currency.code: currency.scale for currency in written.currencies}
    for index, product in enumerate(written.products):
        for currency, price in product.prices.items():
            for field in ("activation", "recurring"):
                amount = getattr(price, field)
                if amount is None or _in_scale(amount, scales.get(currency)) == amount:
                    continue
                expected = f"expected at most {scales[currency]} decimals, as {currency} has"
                yield Problem(place=("products", index, "prices", currency, field), expected=expected)


def _in_scale(amount: Decimal, scale: int | None) -> Decimal:
    """Bring an amount to its currency's scale; one of no configured currency stays as it was written."""
    return amount if scale is None else amount.quantize(Decimal(1).scaleb(-scale))


def _catalog(written: WrittenCatalog, version: int, effective_from: datetime) -> Catalog:
    """Build the structs from what was written; they supply what was not."""
    scales = {currency.code: currency.scale for currency in written.currencies}
    given = written.model_dump(exclude_unset=True)
    given["name"] = given.pop("catalog")
    given["version"] = version
    given["effective_from"] = given.get("effective_from") or effective_from
    given["state_reasons"] = [
        {"state": state, "reasons": reasons} for state, reasons in given.get("state_reasons", {}).items()
    ]
    for product in given.get("products", []):
        product["prices"] = [
            {"currency": currency}
            | {field: _in_scale(amount, scales.get(currency)) for field, amount in price.items() if amount is not None}
            for currency, price in product.get("prices", {}).items()
        ]
    for action_type in given.get("action_types", []):
        for sub_type in action_type.get("sub_types", []):
            # UPGRADE_SERVICE and UPGRADESERVICE are spellings of one classification
            sub_type["classification"] = sub_type["classification"].replace("_", "")
    return msgspec.convert(given, Catalog)

"""Rules that hold for every line wherever it comes from (ORD-14 to ORD-17, ORD-8, ORD-22)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from processors.context import Context
from processors.orders.lines import is_service
from schemas.catalog import Composition
from schemas.order_lines import Feature, FeatureAction, LineServiceAction, OrderLine
from schemas.refusals import Code, Violation, violation

LINES_MAX = 500
"""Lines of one order, cancelled ones counted (ORD-22). With all of them in full, a transaction stays below 16 MiB."""

Judged = tuple[str, OrderLine]
"""Where a line stands in the command (a dotted path), and the line as it would be."""

_WITHOUT_FEATURES = (LineServiceAction.DISCONNECT, LineServiceAction.SUSPEND, LineServiceAction.RESTORE)


def malformed(path: str, expected: str) -> Violation:
    """A command whose shape says two things at once, or nothing (ORD-18)."""
    return violation(Code.MALFORMED, "ORD-18", path, expected=expected)


def shape_violation(lines: Sequence[object]) -> Violation | None:
    """A full order has at least one line, and at most as many as an order may have (ORD-18)."""
    return None if 1 <= len(lines) <= LINES_MAX else malformed("lines", f"1 to {LINES_MAX} elements")


def limit_violations(order_id: str, found: int, path: str) -> Iterator[Violation]:
    """How many lines an order may have (ORD-22)."""
    if found > LINES_MAX:
        yield violation(
            Code.LIMIT_EXCEEDED,
            "ORD-15",
            path,
            order_id=order_id,
            limit_rule="ORDER_LINES",
            limit=LINES_MAX,
            found=found,
        )


def line_violations(judged: Sequence[Judged], context: Context) -> Iterator[Violation]:
    """What stands against lines as they would be: row by row, each row for all lines before the next one."""
    yield from _unknown_products(judged, context)
    yield from _missing_services(judged, context)
    yield from _homeless_features(judged)
    yield from _doubled_features(judged)
    yield from _misplaced_features(judged, context)


def _unknown_products(judged: Sequence[Judged], context: Context) -> Iterator[Violation]:
    """ORD-16."""
    for path, line in judged:
        asked = [(path, line.product_id)]
        asked += [(f"{path}.features.{number}", part.product_id) for number, part in enumerate(line.features)]
        for place, product in asked:
            if context.catalog.product(product) is None:
                yield _about(line, Code.PRODUCT_UNKNOWN, "ORD-16", f"{place}.product_id", product=product)


def _missing_services(judged: Sequence[Judged], context: Context) -> Iterator[Violation]:
    """ORD-14."""
    for path, line in judged:
        named = line.service_id is not None or line.service_action is LineServiceAction.ADD
        if not named and is_service(line, context):
            action = line.service_action
            yield _about(line, Code.SERVICE_ID_REQUIRED, "ORD-14", f"{path}.service_id", service_action=action)


def _homeless_features(judged: Sequence[Judged]) -> Iterator[Violation]:
    """ORD-8: a feature belongs to a service that comes with its line, or is there."""
    for path, line in judged:
        for number, feature in enumerate(line.features):
            if line.service_action in _WITHOUT_FEATURES or _goes_from_nothing(line, feature):
                place = f"{path}.features.{number}"
                yield _about(line, Code.FEATURE_WITHOUT_SERVICE, "ORD-8", place, **_named(feature))


def _goes_from_nothing(line: OrderLine, feature: Feature) -> bool:
    if feature.service_action is not FeatureAction.DISCONNECT:
        return False
    return line.service_action is not LineServiceAction.CHANGE or feature.service_id is None


def _doubled_features(judged: Sequence[Judged]) -> Iterator[Violation]:
    """ORD-8: the ids of features are unique in their line."""
    for path, line in judged:
        counted = Counter(feature.feature_id for feature in line.features)
        for feature_id, count in counted.items():
            if count > 1:
                yield _about(line, Code.FEATURE_ID_TAKEN, "ORD-8", f"{path}.features", feature_id=feature_id)


def _misplaced_features(judged: Sequence[Judged], context: Context) -> Iterator[Violation]:
    """ORD-17: a feature is a component, so only a flexible bundle has any."""
    for path, line in judged:
        product = context.catalog.product(line.product_id)
        if line.features and product is not None and product.composition is not Composition.FLEXIBLE_BUNDLE:
            place = f"{path}.features"
            yield _about(line, Code.FEATURES_NOT_APPLICABLE, "ORD-17", place, product=line.product_id)


def _named(feature: Feature) -> dict[str, str | None]:
    return {"feature_id": feature.feature_id, "product": feature.product_id}


def _about(line: OrderLine, code: Code, rule: str, path: str, **carries: object) -> Violation:
    return violation(code, rule, path, order_id=line.order_id, line_id=line.line_id, **carries)

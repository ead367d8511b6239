"""A cycle with an account's own day, month and year: whether they fit each other (BCU-4 to BCU-7, BCU-17)."""

from __future__ import annotations

from processors.periods import LONGEST_MONTHS
from schemas.bill_cycles import BillCycleSetting
from schemas.catalog import BillCycleDefinition, Catalog, CyclePeriod
from schemas.refusals import Code, Violation, violation

FIELDS = ("billing_day", "billing_month", "billing_year")
"""An account's own values, in order of report."""

NEEDED = {
    CyclePeriod.DAY: (),
    CyclePeriod.WEEK: ("billing_day",),
    CyclePeriod.MONTH: ("billing_day",),
    CyclePeriod.YEAR: ("billing_day", "billing_month"),
}
"""What an individual cycle cannot do without (BCU-7). `billing_year` only moves its phase."""

USED = {CyclePeriod.DAY: (), CyclePeriod.WEEK: ("billing_day",), CyclePeriod.MONTH: FIELDS, CyclePeriod.YEAR: FIELDS}
"""What an individual cycle's boundaries depend on."""

MONTHS, YEARS = (1, 12), (2000, 2100)


def kept_where_null(given: BillCycleSetting, kept: BillCycleSetting | None) -> BillCycleSetting:
    """The setting that results: what is not given stays as the account has it (BCU-17)."""
    if kept is None:
        return given
    return BillCycleSetting(
        code=given.code,
        billing_day=kept.billing_day if given.billing_day is None else given.billing_day,
        billing_month=kept.billing_month if given.billing_month is None else given.billing_month,
        billing_year=kept.billing_year if given.billing_year is None else given.billing_year,
    )


def setting_violations(
    command_setting: BillCycleSetting,
    kept: BillCycleSetting | None,
    catalog: Catalog,
    *,
    path: str,
    account_id: str | None,
) -> list[Violation]:
    """What is wrong with a setting that a command asks for, in order of report (BCU-4 to BCU-7, ACC-6).

    `kept` is what the account has, None for a new account; `path` is where the setting stands in the command's body,
    empty where its fields are the body's own.
    """
    code = command_setting.code
    definition = catalog.bill_cycle(code)
    if definition is None:
        where = f"{path}.code" if path else "bill_cycle"
        return [violation(Code.BILL_CYCLE_UNKNOWN, "BCU-4", where, bill_cycle=code, account_id=account_id)]

    prefix = f"{path}." if path else ""
    given = {field: value for field in FIELDS if (value := getattr(command_setting, field)) is not None}
    if not definition.individual:
        return [
            violation(
                Code.BILLING_DAY_NOT_APPLICABLE,
                "BCU-5",
                prefix + field,
                field=field,
                bill_cycle=code,
                account_id=account_id,
            )
            for field in given
        ]

    setting = kept_where_null(command_setting, kept)
    out_of_range = [
        violation(
            Code.BILLING_DAY_OUT_OF_RANGE,
            "BCU-6",
            prefix + field,
            field=field,
            value=value,
            min=limits[0],
            max=limits[1],
            origin="GIVEN" if field in given else "KEPT",
            account_id=account_id,
        )
        for field in FIELDS
        if field in given or field in USED[definition.period]
        if (value := getattr(setting, field)) is not None
        if (limits := _limits(field, definition, setting)) is not None
        if not limits[0] <= value <= limits[1]
    ]
    missing = [
        violation(
            Code.BILLING_DAY_REQUIRED, "BCU-7", prefix + field, field=field, bill_cycle=code, account_id=account_id
        )
        for field in NEEDED[definition.period]
        if getattr(setting, field) is None
    ]
    return out_of_range + missing


def _limits(field: str, definition: BillCycleDefinition, setting: BillCycleSetting) -> tuple[int, int] | None:
    """Least and greatest value of a field; None where nothing can be said about it."""
    if field == "billing_month":
        return MONTHS
    if field == "billing_year":
        return YEARS
    match definition.period:
        case CyclePeriod.DAY:
            return None
        case CyclePeriod.WEEK:
            return 1, 7
        case CyclePeriod.MONTH:
            return 1, 31
        case CyclePeriod.YEAR:
            month = setting.billing_month
            if month is None or not MONTHS[0] <= month <= MONTHS[1]:
                return None
            return 1, LONGEST_MONTHS[month - 1]

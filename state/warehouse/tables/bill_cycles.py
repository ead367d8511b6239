"""Bill cycle changes and billing periods: what happened, step by step, and how things stand."""

from __future__ import annotations

from state.warehouse.definitions import (
    ACCOUNT,
    CUSTOMER,
    OCCURRED,
    ORIGIN,
    PERFORMED_BY,
    POSITION,
    RECORDED,
    SEQUENCE,
    SOURCE,
    Table,
    View,
    count,
    day,
    fraction,
    moment,
    text,
    whole,
)

_CHANGE = text("change_id", "Id of the change, derived from its command")
_REQUESTED = moment("requested_at", "When the change was asked for")
_NUMBER = count("number", "Number of the account's period: 1, 2, 3 ... without gaps")

LOG_BILL_CYCLE_CHANGE = Table(
    "log_bill_cycle_change",
    "Every event in the life of a bill cycle change. How changes stand: fact_bill_cycle_change.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        ACCOUNT,
        _CHANGE,
        text("step", "PLANNED, CHANGED, CANCELLED or FAILED"),
        OCCURRED,
        RECORDED,
        SOURCE,
        PERFORMED_BY,
        text("from_code", "Cycle before; PLANNED and CHANGED only", required=False),
        text("to_code", "Cycle after; PLANNED and CHANGED only", required=False),
        moment("requested_at", "When it was asked for; PLANNED, and CHANGED at once", required=False),
        day("planned_for", "Local day from which the new cycle was to govern; not on FAILED", required=False),
        moment("due_at", "First instant of that day; PLANNED only", required=False),
        moment("executed_at", "When it counts; CHANGED only", required=False),
        text("trigger", "IMMEDIATE, DUE or PERFORMED; CHANGED only", required=False),
        text("reason", "REQUESTED, SUPERSEDED or ACCOUNT_DEACTIVATED; CANCELLED only", required=False),
        text("superseded_by", "The change that replaces it; CANCELLED only", required=False),
        text("codes", "Refusal codes, a JSON list; FAILED only", required=False),
    ),
)

LOG_BILLING_PERIOD = Table(
    "log_billing_period",
    "Every event in the life of a billing period. How periods stand: fact_billing_period.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        ACCOUNT,
        _NUMBER,
        text("step", "STARTED, END_CHANGED, REPLACED or DROPPED"),
        OCCURRED,
        day("start", "First local day; null on DROPPED, like all that follows", required=False),
        day("end", "Local day after the last", required=False),
        text("kind", "INITIAL, REGULAR, SHORT, LONG or FINAL", required=False),
        text("bill_cycle", "Cycle; null on END_CHANGED: it stays", required=False),
        count("days", "Length in days", required=False, summed=True),
        count("of_days", "Days of the full period of its cycle that holds its last day", required=False),
    ),
)

FACT_BILL_CYCLE_CHANGE = View(
    "fact_bill_cycle_change",
    "One row per bill cycle change that was planned or made, and what became of it.",
    (
        _CHANGE,
        ACCOUNT,
        CUSTOMER,
        text("from_code", "Cycle before"),
        text("to_code", "Cycle after"),
        _REQUESTED,
        day(
            "planned_for",
            "Local day from which the new cycle was planned to govern; null if it was made at once",
            required=False,
        ),
        moment("due_at", "First instant of that day; null if it was made at once", required=False),
        moment(
            "executed_at",
            "When the change was made, as it counts: for due work the due moment; null if it was not",
            required=False,
        ),
        text(
            "trigger",
            "IMMEDIATE, DUE (by the clock) or PERFORMED (by hand, ahead of its day); null if not made",
            required=False,
        ),
        text("outcome", "PLANNED (waits), CHANGED, CANCELLED, SUPERSEDED or FAILED (refused at its moment)"),
        text("cancelled_reason", "REQUESTED, SUPERSEDED or ACCOUNT_DEACTIVATED, where it was dropped", required=False),
        text("source", "System that asked for the change"),
        text("performed_by", "Who asked for the change"),
        fraction("lead_time_days", "Days of 24 hours from requested_at to due_at; 0 if it was made at once"),
        fraction(
            "lateness_seconds",
            "Seconds from due_at until the record arrived that had the change made or refused; null unless it was due",
        ),
    ),
    """
    WITH ended AS (
        SELECT * FROM log_bill_cycle_change WHERE step <> 'PLANNED'
    ), planned AS (
        SELECT * FROM log_bill_cycle_change WHERE step = 'PLANNED'
    )
    SELECT
        change_id,
        account_id,
        customer_id,
        coalesce(planned.from_code, ended.from_code),
        coalesce(planned.to_code, ended.to_code),
        coalesce(planned.requested_at, ended.requested_at),
        coalesce(planned.planned_for, ended.planned_for),
        planned.due_at,
        ended.executed_at,
        ended.trigger,
        CASE WHEN ended.step IS NULL THEN 'PLANNED'
             WHEN ended.reason = 'SUPERSEDED' THEN 'SUPERSEDED'
             ELSE ended.step END,
        ended.reason,
        coalesce(planned.source, ended.source),
        coalesce(planned.performed_by, ended.performed_by),
        CASE WHEN planned.step IS NULL THEN 0
             ELSE (epoch_us(planned.due_at) - epoch_us(planned.requested_at)) / 86400000000 END,
        CASE WHEN ended.trigger = 'DUE' OR ended.step = 'FAILED'
             THEN (epoch_us(ended.recorded_at) - epoch_us(planned.due_at)) / 1000000 END
    FROM planned FULL JOIN ended USING (customer_id, account_id, change_id)
    """,
)

FACT_BILLING_PERIOD = View(
    "fact_billing_period",
    "One row per billing period as it stands now. Dropped periods are not there; `start` and `end` are half-open, and "
    '`end` is a reserved word: write "end".',
    (
        CUSTOMER,
        ACCOUNT,
        _NUMBER,
        day("start", "First local day"),
        day("end", "Local day after the last"),
        text("kind", "INITIAL, REGULAR, SHORT, LONG or FINAL"),
        text("bill_cycle", "Cycle that governs it"),
        count("days", "Length in days"),
        count("of_days", "Days of the full period of its cycle that holds its last day"),
        fraction("proration", "days / of_days: the share of a full period's price"),
    ),
    """
    SELECT customer_id, account_id, number, start, "end", kind, cycle, days, of_days, days / of_days
    FROM (
        SELECT *,
               last_value(bill_cycle IGNORE NULLS) OVER history AS cycle,
               lead(step) OVER history AS following
        FROM log_billing_period
        WINDOW history AS (PARTITION BY customer_id, account_id, number ORDER BY sequence, position)
    )
    WHERE following IS NULL AND step <> 'DROPPED'
    """,
)

PLANNED_CHANGES_BY_DAY = View(
    "planned_changes_by_day",
    "Bill cycle changes by the day for which they were planned, and what became of them.",
    (
        day("planned_for", "Local day from which the new cycle was to govern"),
        whole("planned", "All that were planned for this day"),
        whole("waiting", "Those that still wait"),
        whole("changed", "Those that were made"),
        whole("cancelled", "Those that were cancelled"),
        whole("superseded", "Those that another change replaced"),
        whole("failed", "Those that were refused at their moment"),
    ),
    """
    SELECT planned_for, count(*),
           count_if(outcome = 'PLANNED'), count_if(outcome = 'CHANGED'), count_if(outcome = 'CANCELLED'),
           count_if(outcome = 'SUPERSEDED'), count_if(outcome = 'FAILED')
    FROM fact_bill_cycle_change
    WHERE due_at IS NOT NULL
    GROUP BY ALL
    """,
)

CHANGES_BY_CYCLE_PAIR = View(
    "changes_by_cycle_pair",
    "Bill cycle changes by cycle before, cycle after and the system that asked.",
    (
        text("from_code", "Cycle before"),
        text("to_code", "Cycle after"),
        text("source", "System that asked"),
        whole("requested", "All changes, planned or made at once"),
        whole("changed", "Those that were made"),
        whole("waiting", "Those that still wait"),
        whole("dropped", "Those that were cancelled, superseded or refused at their moment"),
        fraction("lead_time_days", "Average of lead_time_days over those that were planned"),
    ),
    """
    SELECT from_code, to_code, source, count(*),
           count_if(outcome = 'CHANGED'), count_if(outcome = 'PLANNED'),
           count_if(outcome IN ('CANCELLED', 'SUPERSEDED', 'FAILED')),
           avg(lead_time_days) FILTER (due_at IS NOT NULL)
    FROM fact_bill_cycle_change
    GROUP BY ALL
    """,
)

CANCELLATION_RATE = View(
    "bill_cycle_cancellation_rate",
    "What share of planned bill cycle changes is dropped before its day, by month of the request (UTC) and source. "
    "Changes made at once are not counted.",
    (
        day("requested_month", "First day of the month in which they were asked for, UTC"),
        text("source", "System that asked"),
        whole("planned", "All that were planned"),
        whole("ended", "Those that no longer wait"),
        whole("cancelled", "Those that were cancelled"),
        whole("superseded", "Those that another change replaced"),
        fraction("cancellation_rate", "cancelled / ended; null while none has ended"),
        fraction("superseded_rate", "superseded / ended; null while none has ended"),
    ),
    """
    SELECT *, cancelled / nullif(ended, 0), superseded / nullif(ended, 0)
    FROM (
        SELECT date_trunc('month', requested_at)::DATE, source, count(*),
               count_if(outcome <> 'PLANNED') AS ended,
               count_if(outcome = 'CANCELLED') AS cancelled,
               count_if(outcome = 'SUPERSEDED') AS superseded
        FROM fact_bill_cycle_change
        WHERE due_at IS NOT NULL
        GROUP BY ALL
    )
    """,
)

SHORT_PERIODS = View(
    "short_periods",
    "Billing periods that charge less than a full one: SHORT ones, and first and final ones below full length.",
    (*FACT_BILLING_PERIOD.columns, fraction("missing_days", "of_days - days: what is missing to a full period")),
    """
    SELECT *, of_days - days FROM fact_billing_period WHERE kind = 'SHORT' OR days < of_days
    """,
)

TABLES = (LOG_BILL_CYCLE_CHANGE, LOG_BILLING_PERIOD)
VIEWS = (
    FACT_BILL_CYCLE_CHANGE,
    FACT_BILLING_PERIOD,
    PLANNED_CHANGES_BY_DAY,
    CHANGES_BY_CYCLE_PAIR,
    CANCELLATION_RATE,
    SHORT_PERIODS,
)

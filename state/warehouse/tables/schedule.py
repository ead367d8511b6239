"""Scheduled actions: what happened to each, step by step, how they stand, which come late and which fail."""

from __future__ import annotations

from state.warehouse.definitions import (
    CUSTOMER,
    OCCURRED,
    ORIGIN,
    PERFORMED_BY,
    POSITION,
    RECORDED,
    SEQUENCE,
    SOURCE,
    SUBSCRIPTION,
    Table,
    View,
    count,
    day,
    flag,
    fraction,
    moment,
    text,
    whole,
)

LATE_SECONDS = 60
"""From when an action counts as late: the clock looks every few seconds, and its record takes its way."""

_ACTION = text("action_id", "Scheduled action")

LOG_SCHEDULED_ACTION = Table(
    "log_scheduled_action",
    "Every event in the life of a scheduled action. How actions stand: fact_scheduled_action. Bodies are in "
    "raw_transaction.",
    ("customer_id", "sequence", "position"),
    (
        *ORIGIN,
        CUSTOMER,
        SEQUENCE,
        POSITION,
        SUBSCRIPTION,
        _ACTION,
        text("step", "CREATED, MOVED, EXECUTED, FAILED, CANCELLED, CONFLICT_DETECTED or CONFLICT_CLEARED"),
        OCCURRED,
        RECORDED,
        SOURCE,
        PERFORMED_BY,
        moment("due", "When it is due; for MOVED the new moment; null on CONFLICT_CLEARED", required=False),
        count("number", "1, 2, 3 ... per subscription; CREATED only, like the five that follow", required=False),
        text("command_type", "Name of the command that will run", required=False),
        text("target_service_ids", "Services that it is about, a JSON list", required=False),
        text("origin", "USER, or AUTOMATIC: the return from a state with an end", required=False),
        text("parent_action_id", "The action whose automatic return it is", required=False),
        moment("submitted_at", "When it was scheduled", required=False),
        moment("old_due", "When it was due before; MOVED only", required=False),
        moment("ended_at", "When it ran, failed or was cancelled, as it counts: the due moment", required=False),
        text("cause", "REQUEST, PARENT, SERVICE_ENDED, ENDED_EARLY or ACCOUNT_DEACTIVATED", required=False),
        text("cause_action_id", "The scheduled action that led to the cancellation", required=False),
        text("reason", "Reason of the cancellation, as the caller says", required=False),
        text("codes", "Refusal codes, a JSON list; FAILED and CONFLICT_DETECTED only", required=False),
        text("violations", "The broken rules as {code, rule, path, carries}, a JSON list", required=False),
    ),
)

FACT_SCHEDULED_ACTION = View(
    "fact_scheduled_action",
    "One row per scheduled action, and what became of it.",
    (
        CUSTOMER,
        SUBSCRIPTION,
        _ACTION,
        count("number", "1, 2, 3 ... per subscription"),
        text("command_type", "Name of the command"),
        text("origin", "USER, or AUTOMATIC: the return from a state with an end"),
        text("parent_action_id", "The action whose automatic return it is", required=False),
        moment("submitted_at", "When it was scheduled"),
        moment("due", "When it is due, or was, after all moves"),
        whole("moved", "How many times it was moved to another moment"),
        text("end_state", "EXECUTED, FAILED or CANCELLED; PENDING while it waits"),
        moment("ended_at", "When it ended, as it counts; null while it waits", required=False),
        fraction(
            "lateness_seconds",
            "Seconds from due until the record arrived that had the action run or refused; null for others",
        ),
        text("failure_codes", "Refusal codes, a JSON list; FAILED only", required=False),
        text("cancel_cause", "REQUEST, PARENT, SERVICE_ENDED, ENDED_EARLY or ACCOUNT_DEACTIVATED", required=False),
        flag("in_conflict", "It waits, and would fail as things stand"),
        SOURCE,
        PERFORMED_BY,
    ),
    """
    SELECT customer_id, subscription_id, action_id, any_value(number), any_value(command_type), any_value(origin),
           any_value(parent_action_id), any_value(submitted_at),
           last(due ORDER BY sequence, position) FILTER (due IS NOT NULL),
           count_if(step = 'MOVED'),
           coalesce(any_value(step) FILTER (step IN ('EXECUTED', 'FAILED', 'CANCELLED')), 'PENDING'),
           any_value(ended_at),
           any_value((epoch_us(recorded_at) - epoch_us(due)) / 1000000) FILTER (step IN ('EXECUTED', 'FAILED')),
           any_value(codes) FILTER (step = 'FAILED'),
           any_value(cause),
           coalesce(last(step ORDER BY sequence, position) FILTER (step <> 'MOVED') = 'CONFLICT_DETECTED', false),
           any_value(source) FILTER (step = 'CREATED'),
           any_value(performed_by) FILTER (step = 'CREATED')
    FROM log_scheduled_action
    GROUP BY customer_id, subscription_id, action_id
    """,
)

FUNNEL = View(
    "scheduled_actions_by_week",
    "What became of the actions that were scheduled in each week, by command and origin.",
    (
        day("week", "Monday of the week in which they were scheduled, UTC"),
        text("command_type", "Name of the command"),
        text("origin", "USER or AUTOMATIC"),
        whole("created", "All that were scheduled"),
        whole("executed", "Those that ran"),
        whole("failed", "Those that were refused at their moment"),
        whole("cancelled", "Those that were cancelled"),
        whole("pending", "Those that still wait"),
        whole("moved", "Those that were moved at least once"),
    ),
    """
    SELECT date_trunc('week', submitted_at)::DATE, command_type, origin, count(*),
           count_if(end_state = 'EXECUTED'), count_if(end_state = 'FAILED'), count_if(end_state = 'CANCELLED'),
           count_if(end_state = 'PENDING'), count_if(moved > 0)
    FROM fact_scheduled_action
    GROUP BY ALL
    """,
)

LATE_OR_FAILED = View(
    "scheduled_actions_late_or_failed",
    f"Scheduled actions that failed, that ran more than {LATE_SECONDS} seconds late, or that are overdue by as much.",
    (
        *(column for column in FACT_SCHEDULED_ACTION.columns if column.name != "lateness_seconds"),
        fraction("lateness_seconds", "As in fact_scheduled_action; for those that still wait, until now"),
        text("trouble", "FAILED, LATE or OVERDUE"),
    ),
    f"""
    SELECT * EXCLUDE (lateness_seconds, late), late,
           CASE end_state WHEN 'FAILED' THEN 'FAILED' WHEN 'PENDING' THEN 'OVERDUE' ELSE 'LATE' END
    FROM (
        SELECT *, CASE WHEN end_state = 'PENDING' THEN (epoch_us(now()) - epoch_us(due)) / 1000000
                       ELSE lateness_seconds END AS late
        FROM fact_scheduled_action
    )
    WHERE end_state = 'FAILED' OR late > {LATE_SECONDS}
    """,  # noqa: S608 - a number of ours
)

AMENDMENT_REFUSALS = View(
    "amendment_refusals_by_code",
    "How often each rule stopped an amendment of a bundle, by month (UTC): when it was asked for, or, scheduled, at "
    "its moment. Repeats and previews are not counted.",
    (
        day("month", "First day of the month in which it was stopped"),
        text("code", "Refusal code"),
        text("rule", "Rule that was broken"),
        whole("refused", "Commands that were refused"),
        whole("failed", "Scheduled amendments that failed at their moment"),
    ),
    """
    WITH stopped AS (
        SELECT customer_id, command_id AS id, 'REFUSED' AS how, decided_at AS stopped_at, violations
        FROM fact_command_outcome
        WHERE status = 'REJECTED' AND NOT repeated AND mode = 'EXECUTE' AND command_type = 'AmendBundleServices'
        UNION ALL
        SELECT log.customer_id, log.action_id, 'FAILED', log.ended_at, violations
        FROM log_scheduled_action log JOIN fact_scheduled_action USING (customer_id, subscription_id, action_id)
        WHERE step = 'FAILED' AND fact_scheduled_action.command_type = 'AmendBundleServices'
    ), broken AS (
        SELECT * EXCLUDE violations, unnest(from_json(violations, '["json"]')) AS violation FROM stopped
    )
    SELECT date_trunc('month', stopped_at)::DATE, violation ->> 'code', violation ->> 'rule',
           count(DISTINCT (customer_id, id)) FILTER (how = 'REFUSED'),
           count(DISTINCT (customer_id, id)) FILTER (how = 'FAILED')
    FROM broken
    GROUP BY ALL
    """,
)

TABLES = (LOG_SCHEDULED_ACTION,)
VIEWS = (FACT_SCHEDULED_ACTION, FUNNEL, LATE_OR_FAILED, AMENDMENT_REFUSALS)

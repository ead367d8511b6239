"""How the core runs: what it refuses, how fast it answers, how late its clock is, and what lies ahead."""

from __future__ import annotations

from state.warehouse.definitions import SOURCE, View, day, fraction, text, whole
from state.warehouse.tables.schedule import LATE_SECONDS

_COMMAND = text("command_type", "Name of the command")

REFUSED_SHARE_BY_SOURCE = View(
    "refused_share_by_source",
    "Which system asks for what is refused, and why? By month (UTC) of the decision. Repeats, previews and the work of "
    "the core's own clock are not counted.",
    (
        day("month", "First day of the month"),
        SOURCE,
        _COMMAND,
        whole("commands", "All commands"),
        whole("refused", "Those that were refused"),
        fraction("refused_share", "refused / commands"),
        text("commonest_code", "First refusal code of most of them; null where none was refused", required=False),
    ),
    """
    WITH asked AS (
        SELECT date_trunc('month', decided_at) AS month, source, command_type, status, first_code
        FROM fact_command_outcome
        WHERE mode = 'EXECUTE' AND NOT repeated AND source <> 'clock'
    ), codes AS (
        SELECT month, source, command_type, first_code,
               row_number() OVER (
                   PARTITION BY month, source, command_type ORDER BY count(*) DESC, first_code
               ) AS place
        FROM asked
        WHERE status = 'REJECTED'
        GROUP BY 1, 2, 3, 4
    )
    SELECT asked.month, asked.source, asked.command_type, count(*),
           count(*) FILTER (WHERE asked.status = 'REJECTED'),
           1.0 * count(*) FILTER (WHERE asked.status = 'REJECTED') / count(*), max(codes.first_code)
    FROM asked LEFT JOIN codes
        ON codes.month = asked.month AND codes.source = asked.source AND codes.command_type = asked.command_type
            AND codes.place = 1
    GROUP BY 1, 2, 3
    """,
)

ANSWER_TIME_BY_DAY = View(
    "answer_time_by_day",
    "How long do commands wait for their answer? From Kafka's timestamp of the command's record to that of its answer, "
    "by day (UTC) of the command. Due work that a record had run counts with it.",
    (
        day("day", "Day of the command's record"),
        _COMMAND,
        whole("answers", "Answers"),
        fraction("median_seconds", "Half of them came faster"),
        fraction("slow_seconds", "19 of 20 came faster"),
        fraction("slowest_seconds", "The slowest"),
    ),
    """
    SELECT date_trunc('day', recorded_at), command_type, count(*),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds), max(seconds)
    FROM (
        SELECT recorded_at, command_type, extract(epoch FROM published_at - recorded_at) AS seconds
        FROM fact_command_outcome
        WHERE NOT repeated
    ) AS answers
    GROUP BY 1, 2
    """,
)

CLOCK_LATENESS_BY_MONTH = View(
    "clock_lateness_by_month",
    "How late does due work run? By month (UTC) of its due moment: scheduled actions and planned bill cycle changes, "
    "until the record arrived that had them run or refused.",
    (
        day("month", "First day of the month"),
        text("command_type", "Name of the command that was due"),
        whole("pieces", "Pieces of due work that ran or were refused"),
        whole("late", f"Those that were more than {LATE_SECONDS} seconds late"),
        fraction("median_seconds", "Half of them were faster"),
        fraction("latest_seconds", "The latest"),
    ),
    f"""
    SELECT date_trunc('month', due), command_type, count(*), count(*) FILTER (WHERE seconds > {LATE_SECONDS}),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), max(seconds)
    FROM (
        SELECT due, command_type, lateness_seconds AS seconds FROM fact_scheduled_action
        UNION ALL
        SELECT due_at, 'UpdateAccountBillCycle', lateness_seconds FROM fact_bill_cycle_change
    ) AS work
    WHERE seconds IS NOT NULL
    GROUP BY 1, 2
    """,  # noqa: S608 - a number of ours
)

WORK_AHEAD_BY_DAY = View(
    "work_ahead_by_day",
    "What will the clock have to do? Scheduled actions and planned bill cycle changes that wait, by day (UTC) on which "
    "they are due.",
    (
        day("day", "Day on which it is due"),
        text("command_type", "Name of the command that will run"),
        whole("waiting", "Pieces of work"),
        whole("in_conflict", "Those that would fail as things stand"),
        whole("customers", "Customers whom they are about"),
    ),
    """
    SELECT date_trunc('day', due), command_type, count(*), count(*) FILTER (WHERE in_conflict),
           count(DISTINCT customer_id)
    FROM (
        SELECT customer_id, due, command_type, in_conflict FROM fact_scheduled_action WHERE end_state = 'PENDING'
        UNION ALL
        SELECT customer_id, due_at, 'UpdateAccountBillCycle', FALSE FROM fact_bill_cycle_change
        WHERE outcome = 'PLANNED'
    ) AS work
    GROUP BY 1, 2
    """,
)

VIEWS = (REFUSED_SHARE_BY_SOURCE, ANSWER_TIME_BY_DAY, CLOCK_LATENESS_BY_MONTH, WORK_AHEAD_BY_DAY)

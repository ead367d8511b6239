"""Every transaction as it is, and every answer to a command."""

from __future__ import annotations

from state.warehouse.definitions import (
    CAUSE,
    CUSTOMER,
    OCCURRED,
    ORIGIN,
    PERFORMED_BY,
    PUBLISHED,
    RECORDED,
    SEQUENCE,
    SOURCE,
    VERSIONS,
    Table,
    View,
    count,
    flag,
    json,
    moment,
    text,
    whole,
)

_COMMAND = (
    text("command_id", "Id of the command, chosen by the caller, unique within the customer"),
    text("command_type", "Name of the command"),
    SOURCE,
    PERFORMED_BY,
)

RAW_TRANSACTION = Table(
    "raw_transaction",
    "Every business transaction: one row per accepted command that changed anything, with all its changes as JSON. "
    "Events that this version of the sink does not know are here too, by name.",
    ("kafka_partition", "kafka_offset"),
    (
        *ORIGIN,
        PUBLISHED,
        CUSTOMER,
        SEQUENCE,
        text("transaction_id", "Id of the transaction, unique"),
        *_COMMAND,
        moment("performed_at", "When it happened outside, as the command says", required=False),
        OCCURRED,
        RECORDED,
        *VERSIONS,
        *CAUSE,
        text("previous_hash", "Hash of the customer's transaction before this one, hexadecimal; zeros for the first"),
        text("hash", "SHA-256 of the transaction's Avro bytes before the hash, hexadecimal"),
        count("change_count", "Number of changes", summed=True),
        count("unknown_events", "How many of them this version of the sink did not know; a rebuild picks them up"),
        json("changes", "List of {event_type, event, entity_type, entity}; an entity stands at its last change only"),
    ),
)

FACT_COMMAND_OUTCOME = Table(
    "fact_command_outcome",
    "Every answer: one row per command record, repeats and previews included, and one per piece of due work.",
    ("kafka_partition", "kafka_offset"),
    (
        *ORIGIN,
        PUBLISHED,
        CUSTOMER,
        *_COMMAND,
        text("mode", "EXECUTE, or PREVIEW: only tried"),
        text("status", "COMPLETED, REJECTED or PREVIEWED"),
        flag("changed", "False where all was already so, and where nothing was done"),
        flag("repeated", "True where this command id was answered before: the same answer again"),
        text("transaction_id", "The transaction that the command led to", required=False),
        whole("sequence", "That transaction's sequence", required=False),
        moment("decided_at", "When it counts; for a repeat the moment of the first answer"),
        RECORDED,
        *VERSIONS,
        *CAUSE,
        count("violation_count", "Number of broken rules", summed=True),
        text("first_code", "Refusal code of the first of them", required=False),
        json("violations", "List of {code, rule, path, carries}, in order of precedence"),
    ),
)

REFUSALS = View(
    "refusals_by_code",
    "How often each rule refused a command, by day (UTC) and source. Repeats and previews are not counted.",
    (
        moment("day", "Day of the decision, UTC"),
        SOURCE,
        text("command_type", "Name of the command"),
        text("code", "Refusal code"),
        text("rule", "Rule that was broken"),
        whole("commands", "Commands that broke it"),
    ),
    """
    SELECT date_trunc('day', decided_at), source, command_type,
           violation ->> 'code', violation ->> 'rule', count(*)
    FROM (
        SELECT decided_at, source, command_type, unnest(from_json(violations, '["json"]')) AS violation
        FROM fact_command_outcome
        WHERE status = 'REJECTED' AND NOT repeated AND mode = 'EXECUTE'
    )
    GROUP BY ALL
    """,
)

TABLES = (RAW_TRANSACTION, FACT_COMMAND_OUTCOME)
VIEWS = (REFUSALS,)

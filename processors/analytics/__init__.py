"""From a decoded record to rows of the warehouse, as pure functions. See `transaction_rows` and `outcome_rows`."""

from processors.analytics.order_outcomes import tells_more_behind
from processors.analytics.outcomes import outcome_rows
from processors.analytics.rows import OUTCOME_TABLES, TABLE_OF, Origin, Row
from processors.analytics.transactions import transaction_rows

__all__ = ["OUTCOME_TABLES", "TABLE_OF", "Origin", "Row", "outcome_rows", "tells_more_behind", "transaction_rows"]

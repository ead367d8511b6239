"""Hierarchies of accounts: parents, collections groups, corporate trees; who is billed before whom."""

from __future__ import annotations

from state.warehouse.definitions import (
    CUSTOMER,
    ORIGIN,
    SEQUENCE,
    Table,
    View,
    day,
    flag,
    moment,
    text,
    whole,
)
from state.warehouse.tables.dimensions import VALID_FROM, dimension

_CHILD = text("child_account_id", "The account below")
_PARENT = text("parent_account_id", "The account above it; null: none any more", required=False)
_GROUP = text("collections_group_id", "Collections group")
_MEMBER = text("member_account_id", "Account whose debts the owner collects")
_CORPORATE = text("corporate_account_id", "Account at the top of the corporate tree")
_NODE = text("node_account_id", "Account of the tree")
_MADE_BY = (
    text("made_by_order_id", "Order that made it, if one did", required=False),
    text("made_by_line_id", "Line that made it", required=False),
)
_BY = (
    text("by_order_id", "Order that led to it", required=False),
    text("by_line_id", "Line that led to it", required=False),
)
_LINK = (
    _PARENT,
    text("cause", "CREATED, REQUESTED, LINK, REVISION, FLIP, UNDO or CORPORATE"),
    *_MADE_BY,
)
_MEMBERSHIP = (
    text("owner_account_id", "Account that owns the group"),
    flag("is_member", "False from when it left"),
    *_BY,
)
_PLACE = (
    text("parent_account_id", "The node above it in the tree; null for the top", required=False),
    flag("is_node", "False from when it left the tree"),
    *_BY,
)

LOG_LINK = Table(
    "log_account_link",
    "Every parent that an account came to have, by the transaction that made it. With dates: dim_account_hierarchy.",
    ("customer_id", "child_account_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _CHILD, VALID_FROM, *_LINK),
)

LOG_MEMBER = Table(
    "log_collections_member",
    "Every account that came into a collections group or left it, by transaction. With dates: dim_collections_group.",
    ("customer_id", "collections_group_id", "member_account_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _GROUP, _MEMBER, VALID_FROM, *_MEMBERSHIP),
)

LOG_NODE = Table(
    "log_corporate_node",
    "Every account that came into a corporate tree, moved in it or left it, by transaction. With dates: "
    "dim_corporate_node.",
    ("customer_id", "corporate_account_id", "node_account_id", "sequence"),
    (*ORIGIN, CUSTOMER, SEQUENCE, _CORPORATE, _NODE, VALID_FROM, *_PLACE),
)

DIM_ACCOUNT_HIERARCHY = dimension("account_hierarchy", (CUSTOMER, _CHILD), _LINK, "account_link")
DIM_COLLECTIONS_GROUP = dimension("collections_group", (CUSTOMER, _GROUP, _MEMBER), _MEMBERSHIP, "collections_member")
DIM_CORPORATE_NODE = dimension("corporate_node", (CUSTOMER, _CORPORATE, _NODE), _PLACE)

BY_DAY = View(
    "account_hierarchy_by_day",
    "Which account is below which at the end of each day (UTC), from the first day on to the last with a transaction: "
    "filter the day. Three kinds: parents, members of collections groups, nodes of corporate trees.",
    (
        day("day", "Day, UTC"),
        CUSTOMER,
        text("kind", "PARENT, COLLECTIONS or CORPORATE"),
        text("below_account_id", "The account below"),
        text("above_account_id", "The account above: its parent, the owner of the group, the node above it"),
        text("root_id", "COLLECTIONS: the group; CORPORATE: the account at the top; PARENT: null", required=False),
        moment("since", "Since when"),
    ),
    """
    WITH links AS (
        SELECT customer_id, 'PARENT' AS kind, child_account_id AS below, parent_account_id AS above,
               CAST(NULL AS VARCHAR) AS root, valid_from, valid_to
        FROM dim_account_hierarchy WHERE parent_account_id IS NOT NULL
        UNION ALL
        SELECT customer_id, 'COLLECTIONS', member_account_id, owner_account_id, collections_group_id, valid_from,
               valid_to
        FROM dim_collections_group WHERE is_member
        UNION ALL
        SELECT customer_id, 'CORPORATE', node_account_id, parent_account_id, corporate_account_id, valid_from, valid_to
        FROM dim_corporate_node WHERE is_node AND parent_account_id IS NOT NULL
    ), bounds AS (
        SELECT CAST((SELECT min(valid_from) FROM links) AS DATE) AS first_day,
               CAST(max(occurred_at) AS DATE) AS last_day
        FROM raw_transaction
    ), days AS (
        SELECT CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) AS day FROM bounds
    )
    SELECT day, customer_id, kind, below, above, root, valid_from
    FROM days JOIN links
        ON CAST(valid_from AS DATE) <= day AND (valid_to IS NULL OR CAST(valid_to AS DATE) > day)
    """,
)

BILLING_ORDER = View(
    "billing_order",
    "In which order the accounts of a customer are to be billed (HIE-12): nonpaying accounts before those that pay for "
    "them, members of collections groups before owners where that is not against it; ties by account.",
    (
        CUSTOMER,
        text("account_id", "Account with a billing profile or in a collections group"),
        whole("place", "1, 2, 3 ... per customer"),
        whole("accounts_before", "How many accounts must have been billed before"),
        flag("pays_for_others", "A nonpaying profile of another account points at it"),
    ),
    """
    WITH RECURSIVE paid AS (
        SELECT DISTINCT child.customer_id, child.account_id AS earlier, payer.account_id AS later
        FROM dim_billing_profile AS child
        JOIN dim_billing_profile AS payer ON payer.customer_id = child.customer_id
            AND payer.billing_profile_id = child.payer_profile_id AND payer.is_current
        WHERE child.is_current AND NOT child.paying AND child.state <> 'CLOSED'
            AND child.account_id <> payer.account_id
    ), owned AS (
        SELECT customer_id, member_account_id AS earlier, owner_account_id AS later
        FROM dim_collections_group WHERE is_current AND is_member
    ), both_kinds AS (
        SELECT customer_id, earlier, later FROM paid UNION SELECT customer_id, earlier, later FROM owned
    ), reached AS (
        SELECT customer_id, earlier, later FROM both_kinds
        UNION
        SELECT reached.customer_id, reached.earlier, both_kinds.later
        FROM reached JOIN both_kinds ON both_kinds.customer_id = reached.customer_id
            AND both_kinds.earlier = reached.later
    ), kept AS (
        SELECT customer_id, earlier, later FROM paid
        UNION
        SELECT customer_id, earlier, later FROM owned
        WHERE NOT EXISTS (
            SELECT 1 FROM reached AS back WHERE back.customer_id = owned.customer_id
                AND back.earlier = owned.later AND back.later = owned.earlier
        )
    ), before AS (
        SELECT customer_id, earlier, later FROM kept
        UNION
        SELECT before.customer_id, before.earlier, kept.later
        FROM before JOIN kept ON kept.customer_id = before.customer_id AND kept.earlier = before.later
    ), accounts AS (
        SELECT customer_id, account_id FROM dim_billing_profile WHERE is_current AND state <> 'CLOSED'
        UNION SELECT customer_id, earlier FROM both_kinds
        UNION SELECT customer_id, later FROM both_kinds
    ), counted AS (
        SELECT accounts.customer_id, accounts.account_id, count(DISTINCT before.earlier) AS accounts_before
        FROM accounts LEFT JOIN before ON before.customer_id = accounts.customer_id
            AND before.later = accounts.account_id
        GROUP BY 1, 2
    )
    SELECT customer_id, account_id,
           row_number() OVER (PARTITION BY customer_id ORDER BY accounts_before, account_id), accounts_before,
           EXISTS (
               SELECT 1 FROM paid WHERE paid.customer_id = counted.customer_id AND paid.later = counted.account_id
           )
    FROM counted
    """,
)

TABLES = (LOG_LINK, LOG_MEMBER, LOG_NODE)
VIEWS = (DIM_ACCOUNT_HIERARCHY, DIM_COLLECTIONS_GROUP, DIM_CORPORATE_NODE, BY_DAY, BILLING_ORDER)

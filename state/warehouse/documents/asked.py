"""What people ask, and where it is answered: the guide of the dictionary's first page. A test finds every name."""

from __future__ import annotations

from collections.abc import Mapping

ASKED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Accounts and bill cycles": {
        "Who was the customer, what was an account, at any moment?": ("dim_customer", "dim_account"),
        "How did an account come through its states, why did it end?": ("fact_account_state", "churn_by_reason"),
        "How many accounts were in each state on a day, which are suspended?": (
            "accounts_by_state_and_day",
            "suspended_accounts",
        ),
        "What became of a change of bill cycle?": ("fact_bill_cycle_change",),
        "Which billing periods does an account have?": ("fact_billing_period",),
        "Why were commands refused?": ("refusals_by_code", "fact_command_outcome"),
    },
    "Subscriptions": {
        "In which state was a subscription or a service, and when?": ("dim_subscription", "dim_subscription_service"),
        "What is planned for a service?": ("subscription_service_plan",),
        "What changed, how late was it told; what was swapped?": ("fact_service_state_change", "fact_service_swap"),
        "Which components came and went, for how much, by month?": (
            "fact_bundle_amendment",
            "components_by_product_and_month",
        ),
        "Why were amendments refused, or failed?": ("amendment_refusals_by_code",),
        "What moved in a wallet, and does it add up (`difference` and `missing_entries` are 0)?": (
            "fact_wallet_entry",
            "wallet_reconciliation",
        ),
        "What did customers want and could not pay?": ("shortfalls_by_product",),
        "What became of scheduled actions?": (
            "fact_scheduled_action",
            "scheduled_actions_by_week",
            "scheduled_actions_late_or_failed",
        ),
        "What were networks asked for, and what hangs on what?": (
            "fact_provisioning_request",
            "dim_distributor",
            "dim_installed_item",
        ),
    },
    "Orders": {
        "How does an order stand, and how did it come there?": (
            "dim_order",
            "orders_in_flight",
            "orders_in_flight_by_age",
        ),
        "What became of each line, when was it locked and by whom?": (
            "fact_order_line",
            "log_order_line_step",
            "order_lines_locked_by_day",
        ),
        "What reached the billing system, what was refused?": ("fact_billing_system_update",),
        "Who wanted to change what was locked?": ("edits_refused_by_lock",),
        "How long do lines take, what is built and not billed?": (
            "order_lead_time_by_product",
            "order_lines_implemented_not_billed",
        ),
        "How was an order split, and revised?": ("fact_order_split", "fact_order_revision"),
        "What was paid with orders, and which still wait?": ("fact_payment", "orders_awaiting_payment"),
    },
    "Who pays": {
        "Who paid for a service on a day, or at a moment?": ("service_payers_by_day", "service_payers"),
        "Who is to pay, and who changed that?": ("dim_billing_assignment", "fact_billing_assignment_change"),
        "How does an account pay, and how was it billed, at any moment?": ("dim_billing_profile", "dim_payment_method"),
        "Who was below whom on a day; who is billed before whom?": ("account_hierarchy_by_day", "billing_order"),
        "Since when is an account below another, in a group, in a corporate tree?": (
            "dim_account_hierarchy",
            "dim_collections_group",
            "dim_corporate_node",
        ),
        "Which profiles lie in several billing systems; who pays for many?": (
            "profiles_over_billing_systems",
            "payers_by_children",
        ),
        "What did a synchronization do with each line?": (
            "fact_order_line_sync",
            "fact_account_synchronization",
            "synchronization_rows_by_day",
            "synchronization_by_row",
        ),
        "Which accounts, profiles and payment methods came, stayed, went?": (
            "fact_order_object",
            "order_objects_by_day",
        ),
        "Why was a synchronization refused?": ("synchronization_refusals_by_code",),
    },
    "The warehouse itself": {
        "How old is what I read, and how far does it go?": ("warehouse_age", "sink_offset"),
        "Was anything missed?": ("sink_gap",),
        "What does the topic say, word for word?": ("raw_transaction",),
    },
}
"""Of what, question, tables and views."""

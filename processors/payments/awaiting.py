"""A payment that is awaited before an order is billed (PAY-4a)."""

from __future__ import annotations

from processors.context import Context
from processors.synchronization.progress import account_sync
from processors.view.customer import CustomerView
from schemas.lineage import AccountSync
from schemas.orders import Order
from schemas.refusals import Code, Violation, violation


def awaited(customer: CustomerView, order: Order, context: Context) -> list[Violation]:
    """PAYMENT_AWAITED while the order's payment has not come; said by UpdateBillingSystem right after RVN-9."""
    switches = context.catalog.switches
    if not switches.payment_before_billing or order.payment_billing_profile is None:
        return []
    sync = account_sync(customer, order, strict=switches.strict_vendor_behaviour)
    if sync is not AccountSync.AWAITING_PAYMENT:
        return []
    profile = order.payment_billing_profile
    return [violation(Code.PAYMENT_AWAITED, "PAY-4a", "order_id", order_id=order.order_id, billing_profile_id=profile)]

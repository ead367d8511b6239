"""What of a customer's rows concerns who pays for what: profiles, assignments, groups, trees, payments."""

from __future__ import annotations

from datetime import datetime

from processors.view.rows import billing as rows
from processors.view.rows import charges
from processors.view.rows.billing import Assigned
from processors.view.rows.subscriptions import HAD_SUBSCRIPTION
from processors.view.subscriptions import Holdings
from schemas.billing_profiles import AssignmentState, BillingAssignment, BillingProfile, PaymentMethod, ProfileState
from schemas.hierarchies import CollectionsGroup, CorporateHierarchy
from schemas.lineage import LineRef
from schemas.payments import Payment


class BillingHoldings(Holdings):
    """The part of a customer's view that knows payers. Reads rows as the view shows them, keeps nothing."""

    # -- profiles

    def billing_profile(self, billing_profile_id: str) -> BillingProfile | None:
        """A billing profile by its id, closed ones included."""
        return self._of(BillingProfile, billing_profile_id)

    def payment_method(self, payment_method_id: str) -> PaymentMethod | None:
        """A payment method by its id, closed ones included."""
        return self._of(PaymentMethod, payment_method_id)

    def profiles_of(self, account_id: str) -> tuple[BillingProfile, ...]:
        """An account's profiles that are not CLOSED, by id."""
        found = self._ids_in(rows.PROFILE_OF, account_id)
        return tuple(self._there(BillingProfile, profile_id) for profile_id in found)

    def had_profile(self, account_id: str) -> bool:
        """Whether a paying profile is or was on an account."""
        return self.index((rows.HAD_PROFILE,), account_id.encode()) is not None

    def nonpaying_profiles(self, account_id: str) -> tuple[BillingProfile, ...]:
        """An account's profiles that others pay for it, by id."""
        return tuple(profile for profile in self.profiles_of(account_id) if not profile.paying)

    def paid_by(self, payer_profile_id: str) -> tuple[BillingProfile, ...]:
        """Nonpaying profiles, not CLOSED, that point at a payer's profile, by id."""
        found = self._ids_in(rows.PAID_BY, payer_profile_id)
        return tuple(self._there(BillingProfile, profile_id) for profile_id in found)

    def has_payer_role(self, billing_profile_id: str) -> bool:
        """Whether an ACTIVE nonpaying profile points at it."""
        return any(profile.state is ProfileState.ACTIVE for profile in self.paid_by(billing_profile_id))

    def is_paid_with(self, payment_method_id: str) -> bool:
        """Whether a profile that is not CLOSED has this payment method."""
        return next(self.scan((rows.PAYING_WITH, payment_method_id)), None) is not None

    def planned_switches(self, account_id: str) -> tuple[BillingProfile, ...]:
        """Nonpaying profiles of an account that wait for its next period (HIE-13), by id."""
        found = self._ids_in(rows.SWITCH_OF, account_id)
        return tuple(self._there(BillingProfile, profile_id) for profile_id in found)

    # -- assignments

    def assignment(self, service_id: str) -> BillingAssignment | None:
        """Who pays for a service; None where no line holds it."""
        found = self._of(BillingAssignment, service_id)
        return None if found is None or found.state is AssignmentState.ENDED else found

    def assigned_to(self, account_id: str) -> tuple[Assigned, ...]:
        """The services of a service account with their payers, by service_id."""
        family = (rows.ASSIGNED_TO, account_id)
        return tuple(rows.decode_assigned(row) for _, row in self.scan(family))

    def is_assigned(self, marked: str) -> bool:
        """Whether an assignment names an account (`a:` and its id) or a profile (`p:` and its id)."""
        family = (rows.NAMED_BY_ASSIGNMENT, marked)
        return next(self.scan(family), None) is not None

    def lines_naming(self, marked: str) -> tuple[LineRef, ...]:
        """Applied order lines that name an account or a profile, by line_id."""
        family = (rows.NAMED_BY_LINE, marked)
        return tuple(LineRef(order_id=order.decode(), line_id=line.decode()) for line, order in self.scan(family))

    def lines_on(self, account_id: str) -> tuple[str, ...]:
        """Applied order lines that ever said something of a service of an account, by line_id."""
        return tuple(self._ids_in(rows.STEP_ON, account_id))

    def lines_about(self, service_id: str) -> tuple[str, ...]:
        """Applied order lines that ever said who has a service or who pays for it, by line_id."""
        return tuple(self._ids_in(rows.STEP_FOR, service_id))

    def lines_gone(self, account_id: str, sequence: int) -> tuple[str, ...]:
        """Lines that were taken back, but said something of an account's services in a transaction, by line_id."""
        return tuple(self._ids_in(rows.STEP_GONE, account_id, str(sequence)))

    def first_use(self, marked: str) -> datetime | None:
        """Since when an account has held or paid for a service, or a profile has paid for one; None: never."""
        raw = self.index((charges.FIRST_USE,), marked.encode())
        return None if raw is None else charges.decode_moment(raw)

    def was_charged(self, marked: str) -> bool:
        """Whether a line was billed for it."""
        return self.index((charges.CHARGED,), marked.encode()) is not None

    def had_subscription(self, account_id: str) -> bool:
        """Whether a subscription is or was on an account."""
        return self.index((HAD_SUBSCRIPTION,), account_id.encode()) is not None

    # -- hierarchies

    def is_owned(self, owner: str, member: str, besides: str) -> bool:
        """Whether an assignment, another than that of one service, puts an account into an owner's group (LEG-5)."""
        mine = besides.encode()
        return any(found != mine for found, _ in self.scan((rows.OWNED, owner, member)))

    def group_of_owner(self, owner_account_id: str) -> CollectionsGroup | None:
        """An owner's collections group."""
        raw = self.index((rows.GROUP_OF_OWNER,), owner_account_id.encode())
        return None if raw is None else self._there(CollectionsGroup, raw.decode())

    def collections_group(self, collections_group_id: str) -> CollectionsGroup | None:
        """A collections group by its id, closed ones included."""
        return self._of(CollectionsGroup, collections_group_id)

    def corporate_hierarchy(self, corporate_account_id: str) -> CorporateHierarchy | None:
        """The tree under a corporate account."""
        return self._of(CorporateHierarchy, corporate_account_id)

    def corporate_of(self, account_id: str) -> str | None:
        """The corporate account whose tree has an account as a node."""
        raw = self.index((rows.CORPORATE_NODE,), account_id.encode())
        return None if raw is None else raw.decode()

    # -- payments

    def payment(self, payment_id: str) -> Payment | None:
        """A payment by its id."""
        return self._of(Payment, payment_id)

    def payments_of(self, order_id: str) -> tuple[Payment, ...]:
        """An order's payments, by id."""
        found = self._ids_in(rows.PAYMENT_OF, order_id)
        return tuple(self._there(Payment, payment_id) for payment_id in found)

    def has_payment(self, billing_profile_id: str) -> bool:
        """Whether a payment was ever recorded on a profile."""
        family = (rows.PAYMENT_ON, billing_profile_id)
        return next(self.scan(family), None) is not None

    def awaited_by(self, billing_profile_id: str) -> list[str]:
        """Orders in flight whose payment is to be booked on a profile, by id."""
        return self._ids_in(rows.AWAITED_BY, billing_profile_id)

    def completed_revision(self, order_id: str) -> int | None:
        """The revision whose synchronization was completed last (OrderAccountSyncCompleted comes once per revision)."""
        raw = self.index((rows.SYNC_COMPLETED,), order_id.encode())
        return None if raw is None else rows.decode_revision(raw)

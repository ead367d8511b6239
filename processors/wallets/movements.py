"""Money that comes into a wallet, and corrections by hand (WAL-13 to WAL-16)."""

from __future__ import annotations

from decimal import Decimal

from processors.acting import LIVE, author
from processors.context import Context
from processors.decision import Decision, Refused
from processors.referencing import recorded, said_before
from processors.view.customer import CustomerView
from processors.wallets.amounts import ZERO, as_given, fits, in_scale, minus, plus, scale_of
from processors.wallets.charging import insufficient
from processors.wallets.units import funded
from schemas.fields import Event
from schemas.refusals import Code, Violation, violation
from schemas.wallets import AdjustWallet, CreditKind, TopUpWallet, Wallet, WalletAdjusted, WalletCredited

BALANCE_LIMIT = Decimal(10) ** 18
"""No wallet holds as much; the contracts' amounts have room for it many times over."""


def top_up(view: CustomerView, command: TopUpWallet, context: Context) -> Decision:
    """Put money into a wallet; what stopped for want of it may start again (WAL-16, WAL-12)."""
    wallet = view.wallet(command.wallet_id)
    if wallet is None:
        return Refused((_unknown(command),))
    before = said_before(view, wallet.wallet_id, command, "WAL-14")
    if before is not None:
        return Refused((before,)) if isinstance(before, Violation) else before
    violations = (
        *(() if command.amount > 0 else (_amount(Code.AMOUNT_NOT_POSITIVE, wallet, command, context),)),
        *_amount_violations(wallet, command, context),
        *_ended(view, wallet, context),
    )
    if violations:
        return Refused(violations)

    amount = in_scale(command.amount, scale_of(wallet.currency, context.catalog))
    credited = WalletCredited(
        wallet_id=wallet.wallet_id,
        subscription_id=wallet.subscription_id,
        entry_number=wallet.entry_number + 1,
        amount=amount,
        currency=wallet.currency,
        balance_before=wallet.balance,
        balance_after=plus(wallet.balance, amount),
        kind=CreditKind.TOP_UP,
        reference=command.reference,
        effective_at=context.at,
    )
    return _moved(view, credited, context, recorded(command, context.command_id, wallet_id=wallet.wallet_id))


def adjust(view: CustomerView, command: AdjustWallet, context: Context) -> Decision:
    """Correct a wallet by hand, also one whose subscription has ended (WAL-16). More money is as a top-up (WAL-12)."""
    wallet = view.wallet(command.wallet_id)
    if wallet is None:
        return Refused((_unknown(command),))
    misfits = (
        *(() if command.amount != 0 else (_amount(Code.AMOUNT_ZERO, wallet, command, context),)),
        *_amount_violations(wallet, command, context),
    )
    violations = (
        *misfits,
        *_reason_violations(command, context),
        *(() if misfits else _overdrawn(wallet, command, context)),
    )
    if violations:
        return Refused(violations)

    amount = in_scale(command.amount, scale_of(wallet.currency, context.catalog))
    adjusted = WalletAdjusted(
        wallet_id=wallet.wallet_id,
        subscription_id=wallet.subscription_id,
        entry_number=wallet.entry_number + 1,
        amount=amount,
        currency=wallet.currency,
        balance_before=wallet.balance,
        balance_after=plus(wallet.balance, amount),
        reason=command.reason,
        performed_by=author(context),
        effective_at=context.at,
    )
    return _moved(view, adjusted, context)


def _moved(
    view: CustomerView, entry: WalletCredited | WalletAdjusted, context: Context, last: tuple[Event, ...] = ()
) -> Decision:
    """The entry, and where it brought money what starts again because of it (WAL-12)."""
    started: list[Event] = []
    if entry.amount > 0:
        after = view.draft()
        after.record(entry)
        started = funded(after, entry.wallet_id, context)
    return (entry, *started, *last)


def _unknown(command: TopUpWallet | AdjustWallet) -> Violation:
    return violation(Code.WALLET_UNKNOWN, "WAL-13", "wallet_id", wallet_id=command.wallet_id)


def _amount(code: Code, wallet: Wallet, command: TopUpWallet | AdjustWallet, context: Context) -> Violation:
    scale = scale_of(wallet.currency, context.catalog)
    return violation(code, "WAL-13", "amount", amount=as_given(command.amount, scale))


def _amount_violations(wallet: Wallet, command: TopUpWallet | AdjustWallet, context: Context) -> tuple[Violation, ...]:
    """More decimals than the currency has, or another currency: then that alone."""
    if command.currency != wallet.currency:
        return (
            violation(
                Code.CURRENCY_MISMATCH,
                "WAL-13",
                "currency",
                of="WALLET",
                given=command.currency,
                expected=wallet.currency,
            ),
        )
    scale = scale_of(wallet.currency, context.catalog)
    if not fits(command.amount, scale):
        amount = as_given(command.amount, scale)
        return (violation(Code.AMOUNT_SCALE, "WAL-13", "amount", amount=amount, scale=scale),)
    balance = plus(wallet.balance, command.amount)
    if balance >= BALANCE_LIMIT:
        return (
            violation(
                Code.LIMIT_EXCEEDED,
                "WALLET_BALANCE",
                "amount",
                limit_rule="WALLET_BALANCE",
                limit=BALANCE_LIMIT,
                found=in_scale(balance, scale),
            ),
        )
    return ()


def _ended(view: CustomerView, wallet: Wallet, context: Context) -> tuple[Violation, ...]:
    """A wallet whose subscription has ended takes no more money."""
    subscription = view.subscription(wallet.subscription_id)
    assert subscription is not None, f"wallet {wallet.wallet_id} has lost its subscription"
    if subscription.state in LIVE:
        return ()
    return (
        violation(
            Code.SUBSCRIPTION_STATE_INVALID,
            "WAL-13",
            "wallet_id",
            subscription_id=subscription.subscription_id,
            state=subscription.state,
            allowed=list(LIVE),
            projected=False,
            effective_at=context.at,
        ),
    )


def _reason_violations(command: AdjustWallet, context: Context) -> tuple[Violation, ...]:
    if command.reason in context.catalog.adjustment_reasons:
        return ()
    return (violation(Code.REASON_UNKNOWN, "WAL-15", "reason", reason=command.reason),)


def _overdrawn(wallet: Wallet, command: AdjustWallet, context: Context) -> tuple[Violation, ...]:
    if plus(wallet.balance, command.amount) >= 0:
        return ()
    return (insufficient(wallet, minus(ZERO, command.amount), (), "WAL-15", context, "amount"),)

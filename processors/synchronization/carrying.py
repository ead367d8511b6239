"""From the lines of an order to what they do to customer data; and what a cancelled order takes back.

1. What each line asks, compared with what it has in force (planning, matrix).
2. What is missing is made: trees, accounts, payment methods, profiles (CRP, CRE, SYS).
3. Payers, parents, groups and assignments follow (applying); what nothing needs any more goes (undoing).
4. Every line gets its answer (finishing).
Everything is tried in a draft, so that all that is wrong can be told at once. Knows nothing of processors/orders, which
asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from processors.context import Context
from processors.hierarchies import corporate
from processors.payments.reversing import reverse_all
from processors.synchronization import applying, creating, finishing, profiling, undoing
from processors.synchronization.brought import Brought
from processors.synchronization.demands import Demands
from processors.synchronization.planning import plan, to_undo
from processors.synchronization.work import Phase, Task, Work
from processors.view.customer import CustomerView
from schemas.fields import Event
from schemas.order_lines import OrderLine
from schemas.orders import OnSuperseded
from schemas.refusals import Violation


def carry_out(work: Work, brought: Brought, lines: Sequence[OrderLine]) -> list[Task]:
    """Plan the lines and do what they ask, in the draft; violations and events stand in `work`."""
    tasks = plan(work, brought, lines)
    work.cancelled_lines |= {task.line.line_id for task in tasks if task.is_cancelled and not task.ignored}
    depths = undoing.depths(work, tasks)
    in_order = sorted(tasks, key=lambda task: task.place)
    processed = [task for task in in_order if task.is_processed and not task.stopped]
    _provide(work, brought, creating.check_lines(work, brought, processed))
    applying.apply(work, tasks)
    undoing.undo(work, in_order, depths)
    finishing.say_lines(work, tasks)
    return tasks


def _provide(work: Work, brought: Brought, tasks: list[Task]) -> None:
    """See that everything is there that the lines name (CRE-15)."""
    if not tasks:
        return
    demands = Demands(work, brought, tasks)
    trees = corporate.find(work, brought, tasks, demands.systems)
    for tree in trees:
        for account_id, demand in corporate.demands(tree):
            creating.provide_account(work, brought, account_id, demands.accounts.get(account_id, demand))
    creating.use_accounts(work, brought, demands, tasks)
    profiling.use_profiles(work, brought, demands, tasks)
    for tree in trees:
        corporate.synchronize(work, tree)


def cancelled(
    draft: CustomerView,
    order_id: str,
    line_ids: Sequence[str],
    on_superseded: OnSuperseded,
    context: Context,
) -> tuple[list[Violation], list[Event]]:
    """Take back what a cancelled order has in force, and its payments if nothing was billed (REV-18, PAY-7).

    Called after the order's own events; what it decides is recorded in the draft. Lines that were gone before and
    never taken back go along: nothing will synchronize a cancelled order again (SYN-2).
    """
    order = draft.order(order_id)
    assert order is not None, "an order that is cancelled is there"
    work = Work(draft, order, context, on_superseded=on_superseded, only_takes_back=True)
    found = {line.line_id: line for line in draft.lines(order_id) if to_undo(line, strict=work.strict)}
    lines = [found.pop(line_id) for line_id in line_ids if line_id in found]
    lines += [found[line_id] for line_id in sorted(found)]
    if lines:
        carry_out(work, Brought(draft, context), lines)
    if not draft.order_tally(order_id).live and not draft.order_tally(order_id).billed:
        work.record(Phase.DONE, *reverse_all(draft, order_id, context))
    return list(work.violations()), list(work.events())

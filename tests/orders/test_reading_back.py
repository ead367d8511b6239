"""Orders as the topic tells them: what is folded from decoded transactions is what the worker has stored."""

from __future__ import annotations

from processors import fold
from processors.answering import Answered
from processors.view.customer import identity_of
from schemas import codec
from schemas.envelope import CommandOutcome
from schemas.fields import Entity
from schemas.remarks import Remarks
from schemas.shapes import fields_of
from tests.accounts.book import events
from tests.orders.counter import Counter, line


def test_lines_are_stored_alike_decided_or_read_back() -> None:
    counter = Counter()
    bundle = line("l-2", product="PBX", features=[{"product_id": "LINE_A"}, {"product_id": "QUEUE"}])
    answers: list[Answered] = [
        counter.ask(
            "SubmitOrder",
            order_id="o-1",
            custom={"cart": "7"},
            lines=[
                line("l-1", amount="49", attributes={"zone": "north"}, owner_account={"external_id": "X"}),
                bundle,
                line("l-3", prior_values={"billing_account": None, "service_account": {"account_id": "a-1"}}),
            ],
        ),
        counter.ask(
            "ModifyOrderLine",
            order_id="o-1",
            operation="CHANGE",
            line_id="l-1",
            set={
                "amount": "0.5",
                "attributes": None,
                "prior_values": {"owner_account": None},
                "subscription_kind": "PREPAID",
                "action": "UPDATE",
                "service_account": {"external_id": "later"},
            },
            custom_state="seen",
        ),
        counter.ask("SplitOrder", order_id="o-1", dimensions=["ATTRIBUTE"], attribute="attributes.zone"),
        counter.ask("UpdateBillingSystem", order_id="o-1", line_ids=["l-2"]),
        counter.ask("ReviseOrder", order_id="o-1", revision=4, lines=[bundle, line("l-3")]),
        counter.ask("CancelOrder", order_id="o-1", reason="enough"),
    ]
    entities: dict[tuple[str, str], Entity] = {}
    for answered in answers:
        events(answered)  # accepted
        for change in codec.TRANSACTION.decode(answered.transaction_payload).changes:
            identity = identity_of(change.event)
            if identity[0] in {"order", "line"}:
                entities[identity] = fold.evolve(entities.get(identity), change.event)
    assert len(entities) == 4
    for identity, entity in entities.items():
        assert counter.view().entity(*identity) == entity


def test_what_an_answer_names_is_named_again() -> None:
    counter = Counter()
    counter.submit(line("l-1"), line("l-2"))
    counter.accepted("UpdateBillingSystem", line_ids=["l-1"])
    answered = counter.ask("UpdateBillingSystem", order_id="o-1", line_ids=["l-1"])
    counter.asked -= 1
    repeated = counter.ask("UpdateBillingSystem", order_id="o-1", line_ids=["l-1"])
    assert answered.outcome is not None
    assert repeated.outcome is not None
    assert repeated.outcome.repeated
    assert [billed.line_id for billed in answered.outcome.already_billed] == ["l-1"]
    assert repeated.outcome.already_billed == answered.outcome.already_billed


def test_every_remark_is_a_field_of_the_outcome() -> None:
    fields = {field.name: field.shape for field in fields_of(CommandOutcome)}
    for name in Remarks.__struct_fields__:
        assert name in fields

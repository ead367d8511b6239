import json

from tests.engine.ledger import Ledger, wait_until


def test_every_command_is_answered_once_and_the_copy_on_disk_equals_the_changelog(ledger: Ledger) -> None:
    ledger.send(500)
    worker = ledger.worker()
    ledger.settled()
    ledger.send(500)
    ledger.send_one("k3", b"c3", amount=1)  # again
    ledger.settled()

    assert worker.stop() == 0
    ledger.check(answers=1000)


def test_a_scan_sees_disk_and_overlay_deletions_included(ledger: Ledger) -> None:
    worker = ledger.worker()
    for _ in range(4):
        ledger.send(40, customers=4)
        ledger.settled()

    seen = [entry[-1] for entry in ledger.transactions()]
    assert worker.stop() == 0
    assert max(seen) == 5  # each command adds a row and takes the fifth last away
    ledger.check(answers=160)


def test_a_record_with_more_items_than_a_turn_holds_heads_the_next_turns(ledger: Ledger) -> None:
    ledger.send(3, times=25, customers=1)
    ledger.send(20, customers=5)
    worker = ledger.worker(BILLFOLD_TURN_ITEMS="10")
    ledger.settled()

    assert worker.stop() == 0
    ledger.check(answers=95)


def test_a_split_record_goes_on_where_it_stood_when_the_worker_is_killed(ledger: Ledger) -> None:
    ledger.send(1, times=50)
    ledger.worker(BILLFOLD_TURN_ITEMS="10", FAULT="written:kill:2").ended()
    ledger.worker(BILLFOLD_TURN_ITEMS="10", FAULT="committed:kill:2").ended()
    worker = ledger.worker(BILLFOLD_TURN_ITEMS="10")
    ledger.settled()

    assert worker.stop() == 0
    ledger.check(answers=50)


def test_a_turn_closes_after_its_seconds_of_deciding(ledger: Ledger) -> None:
    ledger.send(1, times=10, slow=0.02)
    worker = ledger.worker(BILLFOLD_TURN_SECONDS="0.05")
    ledger.settled()

    assert worker.stop() == 0
    ledger.check(answers=10)
    entries = sum(
        1 for record in ledger.read(ledger.settings.topology.changelogs["state"]) if record.key() == b"\xff\xffsource"
    )
    assert entries >= 3


def test_a_bug_costs_its_own_command_only_and_leaves_a_dead_letter(ledger: Ledger) -> None:
    ledger.send(50)
    ledger.send_one("buggy", b"c1", amount=1, times=3, bug=2)
    ledger.send_raw(b"c2", b"not JSON")
    ledger.send(50)
    worker = ledger.worker()
    ledger.settled()

    assert worker.stop() == 0
    assert [json.loads(value or b"")["id"] for value in ledger.dead() if value != b"not JSON"] == ["buggy"]
    assert b"not JSON" in ledger.dead()
    ledger.check(answers=102)  # what the record answered before the bug stands


def test_bugs_in_a_row_stop_the_worker_before_their_turn_is_committed(ledger: Ledger) -> None:
    for number in range(5):
        ledger.send_one(f"bug{number}", b"c1", amount=1, bug=0)
    ledger.send(1)
    worker = ledger.worker(BILLFOLD_BUG_LIMIT="5")

    assert worker.ended() == 78
    assert worker.said("5 commands in a row met a bug")
    assert ledger.dead() == []
    assert ledger.worker(BILLFOLD_BUG_LIMIT="6", FAULT="written:kill:1").ended() == -9
    assert len(ledger.dead()) == 5


def test_a_halt_holds_one_partition_while_the_others_go_on(ledger: Ledger) -> None:
    ledger.send_one("waits", b"c1", amount=1, halt=1.5)
    ledger.send(30, customers=10)
    worker = ledger.worker()

    other = wait_until("the other partition goes on", lambda: {entry[0] for entry in ledger.transactions()})
    assert "waits" not in other
    ledger.settled()
    assert worker.said("halts before command") >= 3
    assert worker.stop() == 0
    ledger.check(answers=31)


def test_between_turns_the_tables_of_every_owned_partition_can_be_read(ledger: Ledger) -> None:
    found = ledger.folder / "between.json"
    ledger.send(20, customers=10)
    worker = ledger.worker(BETWEEN=str(found))
    ledger.settled()

    def customers() -> set[str]:
        rows = json.loads(found.read_text() or "{}") if found.exists() else {}
        return {key for keys in rows.values() for key in keys if "#" not in key}

    wait_until("all customers are seen", lambda: len(customers()) == 10)
    assert worker.stop() == 0


def test_a_stop_in_the_middle_of_a_long_record_ends_after_the_current_turn(ledger: Ledger) -> None:
    ledger.send(1, times=100_000)
    worker = ledger.worker(BILLFOLD_TURN_ITEMS="100")
    wait_until("it is under way", ledger.started)

    assert worker.stop() == 0
    assert 0 < len(ledger.transactions()) < 100_000
    ledger.check()

from streams.engine.consumer import Line
from streams.engine.turn import Halted


def test_a_halted_partition_is_left_out_and_comes_back_at_its_record_the_others_where_they_are() -> None:
    line = Line()
    line.begin({0: 5, 1: 7})
    assert line.change() == {0: 5, 1: 7}
    assert line.change() is None
    line.advance({0: 20}, {})
    assert line.change() is None
    line.advance({1: 8}, {1: Halted(8, 1000, "")})
    assert line.change() == {0: 20}
    line.advance({0: 30}, {1: Halted(8, 0, "")})
    assert line.change() == {0: 30, 1: 8}
    assert line.waited(1, 8) > 0
    assert line.waited(1, 9) == 0


def test_a_halt_that_is_over_at_once_still_takes_what_was_fetched_back() -> None:
    line = Line()
    line.begin({0: 5})
    line.change()
    line.advance({0: 5}, {0: Halted(5, 0, "")})
    assert line.change() == {0: 5}

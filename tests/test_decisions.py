"""The table of commands is whole, and each stands beside the function that takes it."""

import inspect
from typing import get_args, get_type_hints

import pytest

from processors.decisions import DECIDE
from schemas.fields import Command
from schemas.words import COMMANDS


def test_a_decision_for_every_command() -> None:
    assert DECIDE.keys() == set(COMMANDS.values())


@pytest.mark.parametrize("command", DECIDE, ids=lambda command: command.__name__)
def test_a_command_is_judged_by_the_function_that_takes_it(command: type[Command]) -> None:
    judges = DECIDE[command]
    taken = list(inspect.signature(judges).parameters)[1]
    told = get_type_hints(judges)[taken]
    assert issubclass(command, get_args(told) or told)

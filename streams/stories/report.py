"""What a person reads: one line a story; of a failing one the step, what was expected, what came, and all of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from streams.stories.matching import Difference
from streams.stories.paths import NOTHING
from streams.stories.runner import Failure
from streams.stories.shown import printable
from streams.stories.story import Story, StoryInvalid
from streams.stories.writing import yaml_text

SHOWN_MOST = 20
"""Elements of a list in a difference, and differences: a refusal may name a hundred of each."""
LINES_MOST = 10_000
"""What came is shown whole, but for the largest transactions there can be."""
CHARACTERS_MOST = 2000
"""Of one text, and of one value in a line."""


def passed(story: Story) -> str:
    """The line of a story that passed."""
    return f"ok    {_shortened(story.path)}  {story.title}"


def failed(story: Story, failure: Failure) -> str:
    """Everything about a story that failed. The first line names file and line of the step."""
    return "\n".join(_lines(story, failure))


def invalid(path: Path, mistakes: StoryInvalid) -> str:
    """A file that is no story: each mistake with its line."""
    first = mistakes.mistakes[0]
    head = f"FAIL  {_shortened(path)}:{first.line}  not a story"
    return "\n".join([head, *(f"    {_shortened(one.path)}:{one.line}: {one.expected}" for one in mistakes.mistakes)])


def total(passed_count: int, failed_count: int) -> str:
    """The last line."""
    return f"{passed_count} passed, {failed_count} failed"


def _lines(story: Story, failure: Failure) -> Iterator[str]:
    yield f"FAIL  {_shortened(story.path)}:{failure.line}  {story.title}"
    if failure.step is not None:
        yield f"    step {failure.step.number}, at {failure.step.at.isoformat()}:"
        yield _block(failure.step.written, SHOWN_MOST)
    if failure.sentence:
        yield textwrap.indent(_first_lines(failure.sentence.rstrip()), " " * 4)
    for found in failure.differences[:SHOWN_MOST]:
        yield from _difference(found)
    if len(failure.differences) > SHOWN_MOST:
        yield f"    ... and {len(failure.differences) - SHOWN_MOST} more differences"
    for hint in failure.hints:
        yield f"    {hint}"
    if failure.came is not None:
        yield "    all that came:"
        yield _block(failure.came)


def _difference(found: Difference) -> Iterator[str]:
    if found.path == "expect":
        yield f"    expected {found.expected}, came {found.came}" + (f": {found.why}" if found.why else "")
        return
    yield f"    {found.path}"
    yield f"        expected: {_inline(found.expected)}"
    yield f"        came:     {_inline(found.came)}"
    if found.why:
        yield f"        {found.why}"


def _inline(value: object) -> str:
    if value is NOTHING:
        return "nothing there"
    written = yaml_text([_bounded(printable(value), SHOWN_MOST)]).strip().removeprefix("- ")
    if written.startswith("[") and not isinstance(value, list | tuple):
        written = written[1:-1]
    return _cut(" ".join(line.strip() for line in written.splitlines()))


def _block(value: object, items: int | None = None) -> str:
    return textwrap.indent(_first_lines(yaml_text(_bounded(printable(value), items)).rstrip()), " " * 8)


def _bounded(value: Any, items: int | None) -> Any:
    """Cut long texts, and lists where a number of items is given; say how much more there is."""
    if isinstance(value, Mapping):
        return {name: _bounded(inner, items) for name, inner in value.items()}
    if isinstance(value, list):
        shown = [_bounded(inner, items) for inner in value[:items]]
        more = len(value) - len(shown)
        return [*shown, f"... and {more} more"] if more else shown
    return _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    more = len(text) - CHARACTERS_MOST
    return f"{text[:CHARACTERS_MOST]} ... and {more} more characters" if more > 0 else text


def _first_lines(text: str) -> str:
    lines = text.splitlines()
    more = [f"... and {len(lines) - LINES_MOST} more lines"] if len(lines) > LINES_MOST else []
    return "\n".join(lines[:LINES_MOST] + more)


def _shortened(path: Path) -> str:
    """The path from here, if it is below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)

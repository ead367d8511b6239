"""What a person reads: one line a story; of a failing one the step, what was expected, what came, and all of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from streams.stories.matching import Difference
from streams.stories.paths import NOTHING
from streams.stories.runner import Failure
from streams.stories.shown import printable
from streams.stories.story import Story, StoryInvalid
from streams.stories.writing import yaml_text


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
        yield textwrap.indent(yaml_text(printable(failure.step.written)).rstrip(), " " * 8)
    if failure.sentence:
        yield textwrap.indent(failure.sentence.rstrip(), " " * 4)
    for found in failure.differences:
        yield from _difference(found)
    if failure.came is not None:
        yield "    all that came:"
        yield textwrap.indent(yaml_text(printable(failure.came)).rstrip(), " " * 8)


def _difference(found: Difference) -> Iterator[str]:
    yield f"    {found.path}"
    yield f"        expected: {_inline(found.expected)}"
    yield f"        came:     {_inline(found.came)}"


def _inline(value: object) -> str:
    if value is NOTHING:
        return "nothing there"
    written = yaml_text([printable(value)]).strip().removeprefix("- ")
    if written.startswith("[") and not isinstance(value, list | tuple):
        written = written[1:-1]
    return " ".join(line.strip() for line in written.splitlines())


def _shortened(path: Path) -> str:
    """The path from here, if it is below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)

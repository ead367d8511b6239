"""Running many stories, and looking for rules that none of them shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from streams.stories import report
from streams.stories.format import read_story
from streams.stories.pure import PureStage
from streams.stories.rules import EXEMPT_FILE, RULES_FILE, coverage, read_exemptions, read_rules
from streams.stories.runner import play
from streams.stories.stage import Stage
from streams.stories.story import Mistake, Story, StoryInvalid


def story_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files of stories, folders searched to the bottom, in order of their names. A path that is not there is kept."""
    for path in paths:
        if path.is_dir():
            found = sorted(file for ending in ("*.yaml", "*.yml") for file in path.rglob(ending))
            yield from (file for file in found if file.name != EXEMPT_FILE)
        else:
            yield path


def check_stories(paths: Iterable[Path], *, live: bool, kafka: str | None) -> bool:
    """Run stories and print what became of each; answers whether all passed."""
    passed = failed = 0
    read, unread = _read(paths)
    for text in unread:
        failed += 1
        typer.echo(text)
    with _stages(live=live, kafka=kafka) as (stage_for, afterwards):
        for story in read:
            failure = play(story, stage_for(story))
            passed, failed = passed + (failure is None), failed + (failure is not None)
            typer.echo(report.passed(story) if failure is None else report.failed(story, failure))
        for disagreement in afterwards():
            passed, failed = passed - 1, failed + 1
            typer.echo(disagreement)
    typer.echo(report.total(passed, failed))
    return not failed


def show_gaps(domains: Sequence[str], folder: Path) -> bool:
    """Print the rules that no story shows, and those that a test shows instead; answers whether there are no gaps."""
    known = read_rules(folder / RULES_FILE)
    wanted = [name.replace("_", "-") for name in domains or known]
    strangers = [name for name in wanted if name not in known]
    if strangers:
        raise typer.BadParameter(f"expected one of {', '.join(known)}, found {', '.join(strangers)}")
    read, unread = _read([folder])
    try:
        exemptions = read_exemptions(folder / EXEMPT_FILE, Path.cwd())
    except StoryInvalid as mistakes:
        typer.echo(report.invalid(folder / EXEMPT_FILE, mistakes))
        return False
    found = coverage(known, read, exemptions)

    for text in unread:
        typer.echo(text)
    for name in wanted:
        shown = len(known[name]) - len(found.gaps[name])
        typer.echo(f"{name}: {shown} of {len(known[name])} rules are shown")
        for gap in found.gaps[name]:
            typer.echo(f"    {gap}")
        for exemption in found.exempt[name]:
            why = f" ({exemption.why})" if exemption.why else ""
            typer.echo(f"    {exemption.rule} exempt: {exemption.test}{why}")
    for path, rule in found.unknown:
        typer.echo(f"{path} names {rule}, which is no rule")
    return not (unread or found.unknown or any(found.gaps[name] for name in wanted))


def _read(paths: Iterable[Path]) -> tuple[list[Story], list[str]]:
    """The stories, and what is to be said of the files that are none. A folder without stories is one of these."""
    read: list[Story] = []
    unread: list[str] = []
    for path in paths:
        files = list(story_files([path]))
        if not files:
            nothing = StoryInvalid([Mistake(path, 1, "expected stories in this folder, found none")])
            unread.append(report.invalid(path, nothing))
        for file in files:
            try:
                read.append(read_story(file))
            except StoryInvalid as mistakes:
                unread.append(report.invalid(file, mistakes))
    return read, unread


@contextmanager
def _stages(*, live: bool, kafka: str | None) -> Iterator[tuple[Callable[[Story], Stage], Callable[[], Iterator[str]]]]:
    """A stage for each story; and afterwards one text per story that the warehouse tells otherwise."""
    if live:
        from streams.stories.live import LiveRun  # noqa: PLC0415  # `billfold --help` must not load Kafka

        with LiveRun(kafka) as run:
            yield run.stage, run.disagreements
    else:
        yield (lambda story: PureStage(str(story.path))), (lambda: iter(()))

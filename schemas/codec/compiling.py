"""Written source becomes functions: a contract's own at once, those of a union's branch when the branch is first met.

A contract has a hundred bodies, events and entities, and a process meets few of them. So starting costs the same,
however many words there are; the first record of a kind waits about a millisecond for its functions.
"""

from __future__ import annotations

import linecache
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Program:
    """Functions in one namespace, written and compiled part by part. Names are unique within it."""

    def __init__(self, title: str, names: dict[str, Any]) -> None:
        self.title = title
        self.names = names
        self.functions: set[str] = set()
        """Names of all functions that are written, or being written."""
        self.parts: list[str] = []
        """Source that is written and waits to be compiled."""
        self._lock = threading.Lock()

    def function(self, write: Callable[[], str]) -> Any:
        """The function whose name `write` answers, after it wrote its parts and those of all functions that it calls.

        Where `write` raises, nothing of it stays.
        """
        with self._lock:
            before = self.functions.copy()
            try:
                name = write()
                self._compile(name)
            except BaseException:
                self.functions = before
                raise
            finally:
                self.parts = []
            return self.names[name]

    def later(self, table: dict[Key, Any], key: Key, write: Callable[[], str], entry: Callable[[Any], Any]) -> Any:
        """A function that writes and compiles itself when it is called, and then stands aside.

        It puts `entry(function)` into the table, which is asked before every call: what runs often finds a plain dict.
        """

        def first(*arguments: Any) -> Any:
            function = self.function(write)
            table[key] = entry(function)
            return function(*arguments)

        return first

    def _compile(self, name: str) -> None:
        """Lines show in tracebacks under the title."""
        if self.parts:
            source = "\n\n".join(self.parts) + "\n"
            title = f"<{self.title}: {name}>"
            linecache.cache[title] = (len(source), None, source.splitlines(keepends=True), title)
            exec(compile(source, title, "exec"), self.names)  # noqa: S102 - our own text, made from our own structs

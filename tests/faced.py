"""One test for both faces: what runs under asyncio is used as if it blocked."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from posthouse.client import aio, sync
from scripted import trusting_context


class Patient:
    """An object of the face for asyncio, used without waiting."""

    def __init__(self, runner: asyncio.Runner, awaited: Any) -> None:
        self._runner = runner
        self._awaited = awaited

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._awaited, name)
        if not inspect.ismethod(member):
            return member

        def call(*args: Any, **kwargs: Any) -> Any:
            result = member(*args, **kwargs)
            if inspect.isasyncgen(result):
                return self._iterate(result)
            return self._runner.run(result) if inspect.iscoroutine(result) else result

        return call

    def _iterate(self, values: Any) -> Iterator[Any]:
        async def step() -> Any:
            return await anext(values, None)

        try:
            while (value := self._runner.run(step())) is not None:
                yield value
        finally:
            self._runner.run(values.aclose())


class Faced:
    """One of the faces; without a runner, the blocking one."""

    def __init__(self, runner: asyncio.Runner | None) -> None:
        self._runner = runner
        self.module: ModuleType = aio if runner else sync

    def patient(self, made: Any) -> Any:
        """Something of this face, or what a coroutine makes of it."""
        if self._runner is None:
            return made
        return Patient(self._runner, self._runner.run(made) if inspect.iscoroutine(made) else made)

    def smtp(self, url: str, **options: Any) -> Any:
        options.setdefault("context", trusting_context())
        return self.patient(self.module.SmtpClient.connect(url, **options))

    def imap(self, url: str, **options: Any) -> Any:
        options.setdefault("context", trusting_context())
        return self.patient(self.module.ImapClient.connect(url, **options))

    def account(self, address: str, **options: Any) -> Any:
        return self.patient(self.module.Account(address, context=trusting_context(), **options))

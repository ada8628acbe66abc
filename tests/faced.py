"""One test for both faces: what runs under asyncio is used as if it blocked."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from posthouse.client import aio, sync
from posthouse.client.changes import Delta, Event
from scripted import trusting_context


class Patient:
    """An object of the face for asyncio, used without waiting."""

    def __init__(self, runner: asyncio.Runner, awaited: Any) -> None:
        self._runner = runner
        self._awaited = awaited

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._awaited, name)
        if not inspect.ismethod(member):
            return self._result(member)
        return lambda *args, **kwargs: self._result(member(*map(_plain, args), **kwargs))

    def __getitem__(self, name: Any) -> Any:
        return self._result(self._awaited[name])

    def __iter__(self) -> Iterator[Any]:
        return self._iterate(aiter(self._awaited))

    def __enter__(self) -> Any:
        return self._result(self._awaited.__aenter__())

    def __exit__(self, *error: Any) -> None:
        self._runner.run(self._awaited.__aexit__(*error))

    def _result(self, result: Any) -> Any:
        if inspect.isasyncgen(result):
            return self._iterate(result)
        if inspect.iscoroutine(result):
            result = self._runner.run(result)
        if isinstance(result, tuple) and type(result) is tuple:
            return tuple(map(self._result, result))
        waits = isinstance(result, Delta | Event) or type(result).__module__.startswith(aio.__name__)
        return Patient(self._runner, result) if waits else result

    def _iterate(self, values: Any) -> Iterator[Any]:
        async def step() -> Any:
            return await anext(values, None)

        try:
            while (value := self._runner.run(step())) is not None:
                yield self._result(value)
        finally:
            self._runner.run(values.aclose())


def _plain(argument: Any) -> Any:
    return argument._awaited if isinstance(argument, Patient) else argument


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

    def pop3(self, url: str, **options: Any) -> Any:
        options.setdefault("context", trusting_context())
        return self.patient(self.module.Pop3Client.connect(url, **options))

    def account(self, address: str, **options: Any) -> Any:
        return self.patient(self.module.Account(address, context=trusting_context(), **options))

"""Sharing work out to forked processes, with the same result as doing it in one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from codex_evidence.errors import CodexError

Result = TypeVar("Result")


class WorkerDiedError(CodexError):
    """A worker process ended without an answer, as the kernel does to one that takes too much memory."""

    exit_code = 3


class _Failure(Generic[Result]):
    """An exception on its way from a worker to the parent."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def shared_out(work: Callable[[int], Result], weights: Sequence[int], jobs: int) -> list[Result]:
    """``[work(0), work(1), ...]`` for as many items as ``weights`` (bytes, say), by at most ``jobs`` processes.

    Workers are forked, so that ``work`` and all that it holds reach them without being copied; only
    results travel. What ``work`` raises is raised here.
    """
    shares = _shares(weights, jobs)
    if len(shares) < 2:
        return [work(index) for index in range(len(weights))]
    context = multiprocessing.get_context("fork")
    started = []
    for share in shares:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(work, share, sender), daemon=True)
        process.start()
        sender.close()
        started.append((process, receiver, share))
    results: dict[int, Result] = {}
    try:
        for _, receiver, share in started:
            results.update(zip(share, _answer(receiver), strict=True))
    finally:
        for process, receiver, _ in started:
            receiver.close()
            process.join(None if len(results) == len(weights) else 0)
            if process.is_alive():
                process.terminate()
    return [results[index] for index in range(len(weights))]


def _shares(weights: Sequence[int], jobs: int) -> list[list[int]]:
    """The indices in ``jobs`` shares of about the same weight, each in ascending order."""
    shares: list[list[int]] = [[] for _ in range(max(1, min(jobs, len(weights))))]
    loads = [0] * len(shares)
    for index in sorted(range(len(weights)), key=lambda item: (-weights[item], item)):
        lightest = loads.index(min(loads))
        shares[lightest].append(index)
        loads[lightest] += weights[index] + 1
    return [sorted(share) for share in shares]


def _serve(work: Callable[[int], Result], share: Sequence[int], sender: Connection) -> None:
    try:
        answer: list[Result] | _Failure[Result] = [work(index) for index in share]
    except Exception as error:  # noqa: BLE001 - it is raised again in the parent
        answer = _Failure(error)
    sender.send(answer)
    sender.close()


def _answer(receiver: Connection) -> list[Result]:
    try:
        answer = receiver.recv()
    except EOFError as error:
        raise WorkerDiedError(
            "a worker process died while reading files; run again with --jobs 1 to see which file it is"
        ) from error
    if isinstance(answer, _Failure):
        raise answer.error
    return list(answer)

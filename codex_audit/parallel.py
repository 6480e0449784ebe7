"""Sharing work out to forked processes, with the same result as doing it in one."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

from codex_evidence.errors import CodexError

Result = TypeVar("Result")

# How many batches there are for each process: the last ones to be worked on are small, so that all end together.
_BATCHES = 8


class WorkerDiedError(CodexError):
    """A worker process ended without an answer, as the kernel does to one that takes too much memory."""

    exit_code = 3


class WorkFailedError(CodexError):
    """Stands for what a worker raised and could not send; the message names it."""

    exit_code = 3


class _Failure:
    """An exception on its way from a worker to the parent."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


@dataclass(frozen=True, slots=True)
class _Worker(Generic[Result]):
    process: ForkProcess
    pipe: Connection


def shared_out(work: Callable[[int], Result], weights: Sequence[int], jobs: int) -> list[Result]:
    """``[work(0), work(1), ...]`` for as many items as ``weights`` (bytes, say), by at most ``jobs`` processes.

    Workers are forked, so that ``work`` and all that it holds reach them without being copied; only
    results travel. What ``work`` raises is raised here.
    """
    batches = _batches(weights, jobs)
    if min(jobs, len(batches)) < 2:
        return [work(index) for index in range(len(weights))]
    workers = [_start(work) for _ in range(min(jobs, len(batches)))]
    results: dict[int, Result] = {}
    try:
        for batch, answers in _collected(workers, batches):
            results.update(zip(batch, answers, strict=True))
    finally:
        _end(workers, finished=len(results) == len(weights))
    return [results[index] for index in range(len(weights))]


def _collected(
    workers: list[_Worker[Result]], batches: list[list[int]]
) -> Iterator[tuple[list[int], list[Result]]]:
    """Every batch with its answers, as they come; a worker gets another when it has answered."""
    waiting = iter(batches)
    given: dict[Connection, list[int]] = {}
    for worker in workers:
        given[worker.pipe] = next(waiting)
        _give(worker.pipe, given[worker.pipe])
    while given:
        ready = wait(list(given))
        for pipe in [pipe for pipe in given if pipe in ready]:
            yield given.pop(pipe), _answer(pipe)
            batch = next(waiting, None)
            if batch is not None:
                given[pipe] = batch
                _give(pipe, batch)


def _start(work: Callable[[int], Result]) -> _Worker[Result]:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(work, there, here), daemon=True)
    process.start()
    there.close()
    return _Worker(process, here)


def _end(workers: list[_Worker[Result]], *, finished: bool) -> None:
    """Closing the pipe ends a worker that waits for work; one that is at work is stopped."""
    for worker in workers:
        worker.pipe.close()
    for worker in workers:
        worker.process.join(1 if finished else 0)
        if worker.process.is_alive():
            worker.process.terminate()


def _batches(weights: Sequence[int], jobs: int) -> list[list[int]]:
    """The indices in batches of about the same weight, heavy items first."""
    most = sum(weights) / (max(jobs, 1) * _BATCHES)
    batches: list[list[int]] = []
    load = 0.0
    for index in sorted(range(len(weights)), key=lambda item: (-weights[item], item)):
        if not batches or load + weights[index] > most:
            batches.append([])
            load = 0
        batches[-1].append(index)
        load += weights[index]
    return batches


def _serve(work: Callable[[int], Result], pipe: Connection, parent: Connection) -> None:
    parent.close()  # the fork's copy: without this the worker would keep its own pipe open
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts all; the parent ends its workers
    with suppress(EOFError, ConnectionError):  # the parent is done, or gone
        _answer_batches(work, pipe)


def _answer_batches(work: Callable[[int], Result], pipe: Connection) -> None:
    while True:
        batch = pipe.recv()
        try:
            answer: list[Result] | _Failure = [work(index) for index in batch]
        except Exception as error:  # noqa: BLE001 - it is raised again in the parent
            answer = _Failure(error)
        pipe.send_bytes(_packed(answer))


def _packed(answer: object) -> bytes:
    """``answer`` as it travels; where it cannot, what says so."""
    try:
        packed = pickle.dumps(answer)
        if isinstance(answer, _Failure):
            pickle.loads(packed)  # noqa: S301 - our own bytes; many exceptions cannot be made again from theirs
    except Exception as error:  # noqa: BLE001 - pickling runs the code of whatever is pickled
        told = answer.error if isinstance(answer, _Failure) else error
        return pickle.dumps(
            _Failure(WorkFailedError(f"a worker process failed ({type(told).__name__}: {told})"))
        )
    return packed


def _give(pipe: Connection, batch: list[int]) -> None:
    with _died():
        pipe.send(batch)


def _answer(pipe: Connection) -> list[Result]:
    with _died():
        data = pipe.recv_bytes()
    answer = pickle.loads(data)  # noqa: S301 - from our own fork
    if isinstance(answer, _Failure):
        raise answer.error
    return list(answer)


@contextmanager
def _died() -> Iterator[None]:
    """Every way in which a pipe fails says the same: nobody is left at its other end."""
    try:
        yield
    except (EOFError, OSError) as error:
        raise WorkerDiedError(
            "a worker process died while reading files; run again with --jobs 1 to see which file it is"
        ) from error

"""The processes that share the work on a snapshot: stretch by stretch in turn, with the results in order.

Plain processes and pipes: the threads of an executor would wait for their turn behind this process, which is one of the crew.
"""

from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from scanner.errors import AtlascanError, WorkError
from scanner.stretches import Stretch

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

State = TypeVar("State")
Result = TypeVar("Result")
Work = Callable[[State, Stretch], Result]


def shared(jobs: int, work: Work[State, Result], state: State, stretches: Iterable[Stretch]) -> Iterator[Result]:
    """Yield what comes of the work on each stretch, in their order; each process has a state of its own, which starts as this one.

    Raises:
        WorkError: A process ended before its work.
        AtlascanError: As the work raises it.
    """
    if jobs == 1:
        yield from (work(state, stretch) for stretch in stretches)
        return
    listed = list(stretches)
    helpers = [_Helper(work, state, [each for each in listed[place::jobs] if each.part]) for place in range(1, jobs)]
    for helper in helpers:
        helper.listen()
    try:
        for number, stretch in enumerate(listed):
            place = number % jobs
            if place and stretch.part:
                yield helpers[place - 1].next()
            else:  # what is a stream, only this process can read
                yield work(state, stretch)
    finally:
        for helper in helpers:
            helper.end()


class _Helper:
    """Another process, which works on its share and sends what comes of it; a thread takes it, so that none has to wait."""

    def __init__(self, work: Work[Any, Any], state: Any, share: list[Stretch]) -> None:  # noqa: ANN401
        # Imported here: most snapshots are small.
        from multiprocessing import get_all_start_methods, get_context  # noqa: PLC0415

        # A forked process has the state; any other is sent it.
        context = get_context("fork" if "fork" in get_all_start_methods() else None)
        self._connection, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_help, args=(there, work, state, share), daemon=True)
        self._process.start()
        there.close()
        self._results: SimpleQueue[Any] = SimpleQueue()
        self._thread = Thread(target=self._receive, daemon=True)

    def listen(self) -> None:
        """Begin to take what it sends; all processes are started before any thread is."""
        self._thread.start()

    def next(self) -> Any:  # noqa: ANN401
        """Return what came of the next stretch of its share."""
        result = self._results.get()
        if isinstance(result, AtlascanError):
            raise result
        return result

    def end(self) -> None:
        """End it, whether or not it is done."""
        self._process.terminate()
        self._process.join()
        self._thread.join()
        self._connection.close()

    def _receive(self) -> None:
        try:
            while True:
                self._results.put(self._connection.recv())
        except (EOFError, OSError):
            hint = "is there memory enough? try --jobs 1"
            self._results.put(WorkError("a process that judges ended before its work", hint=hint))


def _help(connection: "Connection", work: Work[Any, Any], state: Any, share: list[Stretch]) -> None:  # noqa: ANN401
    try:
        for stretch in share:
            connection.send(work(state, stretch))
    except AtlascanError as error:
        connection.send(error)
    except (BrokenPipeError, KeyboardInterrupt):
        return  # nobody wants it any more

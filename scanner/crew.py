"""The processes that share the work on a snapshot: each takes the next stretch when it is done with one; results come in order.

Plain processes and pipes: the threads of an executor would wait for their turn behind this process, which is one of the crew.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from scanner.errors import AtlascanError, WorkError
from scanner.stretches import Stretch

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

State = TypeVar("State")
Result = TypeVar("Result")
Work = Callable[[State, Stretch], Result]


def shared(jobs: int, work: Work[State, Result], state: State, stretches: Iterable[Stretch]) -> Iterator[Result]:
    """Yield what comes of the work on each stretch, in their order; each process has a state of its own, which starts as this one.

    A state is inherited and never sent: where a system cannot fork, this process does all the work.

    Raises:
        WorkError: A process ended before its work.
        AtlascanError: As the work raises it.
    """
    if jobs == 1 or not _can_fork():
        yield from (work(state, stretch) for stretch in stretches)
        return
    crew = _Crew(jobs - 1, work, state, list(stretches))
    try:
        yield from crew.results()
    finally:
        crew.end()


def _can_fork() -> bool:
    from multiprocessing import get_all_start_methods  # noqa: PLC0415  see below

    return "fork" in get_all_start_methods()


# After so many seconds a thread gives way to another.
_INTERVAL = 0.0002


class _Crew(Generic[State, Result]):
    """This process and some others, at work on one list of stretches."""

    def __init__(self, others: int, work: Work[State, Result], state: State, stretches: list[Stretch]) -> None:
        # Imported here: most snapshots are small.
        from multiprocessing import get_context  # noqa: PLC0415

        context = get_context("fork")
        self._work, self._state, self._stretches = work, state, stretches
        self._next = context.Value("L", 0)
        self._arrived: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._connections: list[Connection] = []
        self._processes = []
        for _ in range(others):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_help, args=(there, work, state, stretches, self._next), daemon=True)
            process.start()
            there.close()
            self._connections.append(here)
            self._processes.append(process)
        # Whoever takes what the others send must not wait for its turn: a process that cannot send does not work.
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(_INTERVAL)
        # All processes are started before any thread is.
        self._threads = [Thread(target=self._receive, args=(each,), daemon=True) for each in self._connections]
        for thread in self._threads:
            thread.start()

    def results(self) -> Iterator[Result]:
        """Yield the results in the order of the stretches; while one is not there, work on the next that nobody has."""
        # What is a stream, only this process can read.
        done: dict[int, Any] = {
            number: self._work(self._state, stretch) for number, stretch in enumerate(self._stretches) if stretch.part is None
        }
        wanted = 0
        while wanted < len(self._stretches):
            if wanted in done:
                yield done.pop(wanted)
                wanted += 1
            elif (arrived := self._taken()) is not None:
                done[arrived[0]] = arrived[1]
            elif (number := _take(self._next, self._stretches)) is not None:
                done[number] = self._work(self._state, self._stretches[number])
            else:
                number, done[number] = self._arrived.get()
                self._refuse(done[number])

    def end(self) -> None:
        """End the others, whether or not they are done."""
        sys.setswitchinterval(self._interval)
        for process in self._processes:
            process.terminate()
            process.join()
        for thread, connection in zip(self._threads, self._connections, strict=True):
            thread.join()
            connection.close()

    def _taken(self) -> tuple[int, Any] | None:
        try:
            arrived = self._arrived.get_nowait()
        except Empty:
            return None
        self._refuse(arrived[1])
        return arrived

    def _refuse(self, result: object) -> None:
        if isinstance(result, AtlascanError):
            raise result

    def _receive(self, connection: "Connection") -> None:
        """Take what a process sends, so that it need not wait; one that ends before it says so is an error."""
        try:
            while (arrived := connection.recv()) is not None:
                self._arrived.put(arrived)
        except (EOFError, OSError):
            hint = "is there memory enough? try --jobs 1"
            self._arrived.put((-1, WorkError("a process that judges ended before its work", hint=hint)))


def _take(following: Any, stretches: list[Stretch]) -> int | None:  # noqa: ANN401  a number that processes share
    """Take the number of the next stretch that nobody has, or None if there is none."""
    with following.get_lock():
        while following.value < len(stretches):
            number: int = following.value
            following.value += 1
            if stretches[number].part:
                return number
    return None


def _help(connection: "Connection", work: Work[Any, Any], state: Any, stretches: list[Stretch], following: Any) -> None:  # noqa: ANN401
    """Work on what nobody has, and send what comes of it, with None at the end."""
    try:
        while (number := _take(following, stretches)) is not None:
            connection.send((number, work(state, stretches[number])))
    except AtlascanError as error:
        connection.send((-1, error))
    except (BrokenPipeError, KeyboardInterrupt):
        return  # nobody wants it any more
    connection.send(None)

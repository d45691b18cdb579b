"""The processes that share the work on a snapshot file: stretch by stretch, with the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from scanner.stretches import Stretch

State = TypeVar("State")
Result = TypeVar("Result")
Work = Callable[[State, Stretch, Any], Result]
# So many stretches are handed out ahead for each process: enough to keep it busy, few enough that results do not pile up.
_AHEAD = 2
_state: list[Any] = []


@contextmanager
def crew(jobs: int, state: State) -> Iterator[Callable[[Work[State, Result], Iterable[Stretch], Any], Iterator[Result]]]:
    """Open a crew that works on stretches with a state of its own each, which starts as the one given.

    With one job nothing is started: the work is done here, as its results are asked for.
    """
    if jobs == 1:
        yield lambda work, stretches, with_: (work(state, stretch, with_) for stretch in stretches)
        return
    # Imported here: most snapshots are small.
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from multiprocessing import get_all_start_methods, get_context  # noqa: PLC0415

    # A forked process has the state; any other is sent it.
    context = get_context("fork" if "fork" in get_all_start_methods() else None)
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(state,)) as pool:

        def each(work: Work[State, Result], stretches: Iterable[Stretch], with_: Any) -> Iterator[Result]:  # noqa: ANN401
            waiting: deque[Any] = deque()
            for stretch in stretches:
                waiting.append(None if stretch.part is None else pool.submit(_work, work, stretch, with_))
                if stretch.part is None:  # a stream, which only this process can read
                    waiting[-1] = work(state, stretch, with_)
                while len(waiting) > jobs * _AHEAD:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())

        try:
            yield each
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start(state: Any) -> None:  # noqa: ANN401
    _state[:] = [state]


def _work(work: Work[Any, Result], stretch: Stretch, with_: Any) -> Result:  # noqa: ANN401
    return work(_state[0], stretch, with_)


def _result(waiting: Any) -> Any:  # noqa: ANN401  a future, or what was done here
    return waiting.result() if hasattr(waiting, "result") else waiting

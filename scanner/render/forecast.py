"""What `atlascan snapshot --plan` says: what will be asked, as often as is known, and how long it takes."""

from collections.abc import Iterator

from scanner.model import Basis, Expected, Forecast
from scanner.render.text import Line, Page, visible

_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"


def page(forecast: Forecast) -> Page:
    """Return what is said, the sum last."""
    return Page(tuple(_lines(forecast)))


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(forecast: Forecast) -> Iterator[Line]:
    if forecast.earlier:
        taken = f"Estimated: as many as the snapshot of {forecast.earlier.taken_at:%Y-%m-%d %H:%M} UTC took"
        yield from _group(taken, "It is the one that a new one would replace.", forecast.of(Basis.EARLIER))
    yield from _group("At least", _LEAST, forecast.of(Basis.LEAST))
    yield from _not_asked(forecast.of(Basis.NOT_ASKED))
    yield from _sum(forecast)


_LEAST = "No earlier snapshot tells how much there is to ask about; and of a list, each page is a request."


def _group(title: str, why: str, rows: tuple[Expected, ...]) -> Iterator[Line]:
    if not rows:
        return
    yield Line(((title, _HEADING),))
    yield Line(((why, _ASIDE),))
    yield Line()
    for row in rows:
        yield Line(((visible(row.endpoint), _PLAIN),), indent=2, beside=(visible(_effort(row)), _ASIDE))
    yield Line()


def _effort(row: Expected) -> str:
    """Return how many requests, and what else there is to say; that there are none is said only if that is all."""
    counted = f"{_requests(row.requests)}, {_time(row.seconds)}" if row.requests else ""
    return "; ".join(filter(None, (counted, *row.notes))) or _requests(0)


def _not_asked(rows: tuple[Expected, ...]) -> Iterator[Line]:
    """Say what is not asked, together with all else that is not asked for the same reason."""
    if not rows:
        return
    yield Line((("Not asked", _HEADING),))
    yield Line()
    for notes in dict.fromkeys(row.notes for row in rows):
        yield Line(((visible("; ".join(notes)), _TITLE),), indent=2)
        for row in rows:
            if row.notes == notes:
                yield Line(((visible(row.endpoint), _PLAIN),), indent=4)
    yield Line()


def _sum(forecast: Forecast) -> Iterator[Line]:
    least = "at least " if forecast.of(Basis.LEAST) else ""
    alone = sum(row.seconds for row in forecast.expected)
    times = f"{_time(alone)} one after another, {_time(forecast.seconds)} with {forecast.concurrency} at a time"
    yield Line(((f"{least}{_requests(forecast.requests)}: {times}", _TITLE),))
    whence = "assumed" if forecast.is_assumed else "the mean of the earlier snapshot"
    yield Line(((f"{forecast.each:.2f} s for each request ({whence}); where Atlassian says to wait, it takes longer", _ASIDE),))
    yield Line((("nothing was sent", _ASIDE),))


def _requests(number: int) -> str:
    return "1 request" if number == 1 else f"{number:,} requests"


def _time(seconds: float) -> str:
    """Return a span of time as a person would say it."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes = round(seconds / _MINUTE)
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


_MINUTE = 60

"""The times that somebody was inside, by what the log tells and what the record says."""

from datetime import UTC, datetime, timedelta

import msgspec

from scanner.trace.stays import Told, told
from scanner.tracing import Occurrence, Party, Sense

DAY = timedelta(days=1)
BEGIN = datetime(2026, 6, 1, 9, tzinfo=UTC)
ADA = Party(id="ada", name="Ada Admin")


def came(day: float, way: str) -> Occurrence:
    return happened(day, Sense.CAME, way)


def came_by(day: float, *ways: str) -> Occurrence:
    return msgspec.structs.replace(came(day, ""), way=None, ways=ways)


def left(day: float) -> Occurrence:
    return happened(day, Sense.LEFT, None)


def happened(day: float, sense: Sense, way: str | None) -> Occurrence:
    time = BEGIN + day * DAY
    return Occurrence(event=f"org.event/{day}", log="org.event", time=time, action="", actor=ADA, own=False, sense=sense, way=way)


def shape(stays: tuple[Told, ...]) -> list[tuple[float | None, float | None, list[str | None]]]:
    return [(days(each.since), days(each.until), [event.way for event in each.began]) for each in stays]


def days(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - BEGIN) / DAY


def test_of_somebody_of_whom_no_log_tells_there_is_one_stay_from_when_the_record_says() -> None:
    assert shape(told([], BEGIN)) == [(0, None, [])]
    assert shape(told([], None)) == [(None, None, [])]


def test_an_invitation_and_its_acceptance_are_one_coming_in_however_late() -> None:
    assert shape(told([came(0, "invited"), came(9, "invited")], None)) == [(0, None, ["invited", "invited"])]


def test_who_was_put_out_and_comes_again_has_a_second_stay() -> None:
    events = [came(0, "invited"), left(4), came(5, "approved-domain")]

    assert shape(told(events, BEGIN)) == [(0, 4, ["invited"]), (5, None, ["approved-domain"])]


def test_who_joins_again_without_a_removal_was_out_though_no_log_says_when() -> None:
    assert shape(told([came(0, "link"), came(30, "approved-domain")], None)) == [
        (0, None, ["link"]),
        (30, None, ["approved-domain"]),
    ]


def test_what_an_insider_is_given_later_is_no_coming_in() -> None:
    assert shape(told([came(0, "synced"), came(30, "added-by-admin")], None)) == [(0, None, ["synced"])]
    assert shape(told([came(30, "default-group")], BEGIN)) == [(0, None, [])]


def test_what_may_be_given_to_an_insider_is_no_coming_in() -> None:
    either = ("invited", "added-by-admin")

    assert shape(told([came(0, "synced"), came_by(30, *either)], None)) == [(0, None, ["synced"])]
    assert shape(told([came(0, "invited"), came_by(9, *either)], None)) == [(0, None, ["invited", None])]
    assert shape(told([came_by(30, *either)], BEGIN)) == [(0, None, [])]


def test_who_is_let_in_again_by_a_way_that_is_not_told_comes_in_again() -> None:
    assert shape(told([came(0, "link"), left(4), came_by(5)], None)) == [(0, 4, ["link"]), (5, None, [None])]


def test_a_removal_ends_a_stay_that_began_before_the_log() -> None:
    events = [left(4), came(5, "link")]

    assert shape(told(events, BEGIN - 400 * DAY)) == [(-400, 4, []), (5, None, ["link"])]
    assert shape(told(events, None)) == [(None, 4, []), (5, None, ["link"])]


def test_a_joining_long_after_the_record_begins_is_another_coming_in() -> None:
    assert shape(told([came(0, "link")], BEGIN - 400 * DAY)) == [(-400, None, []), (0, None, ["link"])]


def test_who_was_put_out_and_is_inside_came_back_though_no_log_says_when() -> None:
    assert shape(told([came(0, "link"), left(1)], None, inside=True)) == [(0, 1, ["link"]), (None, None, [])]
    assert shape(told([came(0, "link"), left(1), came(2, "link")], None, inside=True))[1:] == [(2, None, ["link"])]
    assert shape(told([], BEGIN, inside=True)) == [(0, None, [])]


def test_a_second_removal_of_somebody_outside_changes_nothing() -> None:
    assert shape(told([came(0, "link"), left(1), left(2)], None)) == [(0, 1, ["link"])]

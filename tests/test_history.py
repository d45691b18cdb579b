"""A history says when something began to fail, when it ended, and what nobody saw; it never closes what was not looked at."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import html as lxml_html

from scanner import history, store
from scanner.cli.past import looks
from scanner.errors import InputError
from scanner.model import Finding, Gap, History, Reason, Report, Severity, Source, Standing, Timeline, Verdict
from scanner.render import json as result_json
from scanner.render.history import formats, told
from scanner.render.history.html import MOST
from tests import samples
from tests.conftest import Atlascan

BEGIN = datetime(2026, 7, 1, 6, tzinfo=UTC)
POLICY, OTHER = "access/no-open-domain-signup", "access/no-invites-allowed"
DOOR = "org.access_domain/partner.example"
GAP = "org.access_domain"
FAIL, PASS, UNKNOWN, NOTAPPLICABLE = Verdict.FAIL, Verdict.PASS, Verdict.UNKNOWN, Verdict.NOTAPPLICABLE


def finding(verdict: Verdict = FAIL, address: str = DOOR, policy: str = POLICY, **more: Any) -> Finding:  # noqa: ANN401
    return Finding(
        **{
            "policy": policy,
            "address": address,
            "name": "partner.example",
            "verdict": verdict,
            "severity": Severity.HIGH,
            "message": f"it is {verdict}",
            **more,
        }
    )


def refused() -> Finding:
    return finding(UNKNOWN, GAP, reason=Reason.FORBIDDEN, message="refused (403)")


def judged(policy: str = POLICY, **more: Any) -> Any:  # noqa: ANN401
    shown = samples.report().policies[0]
    return msgspec.structs.replace(shown, **{"id": policy, "version": 1, "unlisted": {}, "kind": "org.access_domain", **more})


def look(day: int, *findings: Finding, policies: Iterable[Any] = (judged(),), **more: Any) -> Report:  # noqa: ANN401
    empty = samples.empty_report()
    header = msgspec.structs.replace(
        samples.report().snapshot, **{"id": f"{day:08}-0", "taken_at": BEGIN + timedelta(days=day), **more.pop("header", {})}
    )
    return msgspec.structs.replace(empty, snapshot=header, policies=tuple(policies), findings=findings, **more)


def told_of(*reports: Report) -> History:
    return history.history("t", looks.in_pairs(reports))


def only(*reports: Report) -> Timeline:
    [timeline] = [each for each in told_of(*reports).timelines if each.address == DOOR]
    return timeline


def story(timeline: Timeline) -> list[tuple[int, str]]:
    return [((moment.at - BEGIN).days, moment.effect.value) for moment in timeline.moments]


def openings(timeline: Timeline) -> list[tuple[int, Any, Any, bool, bool]]:
    return [
        (
            (each.since - BEGIN).days,
            each.until and (each.until - BEGIN).days,
            each.end and each.end.value,
            each.at_least,
            each.unseen,
        )
        for each in timeline.openings
    ]


# --------------------------------------------------------------------------------------------------------------- what is told


def test_a_door_that_opens_and_closes_stood_open_between_the_looks_that_show_it() -> None:
    seen = only(look(0, finding(PASS)), look(3, finding()), look(5, finding()), look(9, finding(PASS)))
    assert story(seen) == [(3, "opened"), (9, "closed")]
    assert openings(seen) == [(3, 9, "closed", False, False)]
    assert [(moment.was, moment.became, moment.after) for moment in seen.moments] == [
        ("pass", "fail", BEGIN),
        ("fail", "pass", BEGIN + timedelta(days=5)),
    ]
    assert (seen.now, seen.open_since) == ("pass", None)


def test_what_fails_in_the_first_look_may_have_failed_for_long() -> None:
    seen = only(look(0, finding()), look(5, finding()))
    assert (story(seen), openings(seen)) == ([(0, "still-open")], [(0, None, None, True, False)])
    assert told.stood(seen.openings[0], BEGIN + timedelta(days=5)) == "open for at least 5 d: since 2026-07-01"


def test_what_closes_within_a_second_is_not_called_open() -> None:
    same = {"header": {"taken_at": BEGIN}}
    seen = only(look(0, finding(), **same), look(1, finding(PASS), **same))
    assert told.stood(seen.openings[0], BEGIN) == "open for at least 0 min: 2026-07-01 to 2026-07-01, then closed"


def test_what_opens_again_is_told_twice() -> None:
    seen = only(look(0, finding()), look(1, finding(PASS)), look(2, finding()))
    assert openings(seen) == [(0, 1, "closed", True, False), (2, None, None, False, False)]
    assert seen.open_since == BEGIN + timedelta(days=2)


def test_what_is_out_of_sight_is_not_closed_and_goes_on_when_it_is_seen_again() -> None:
    lost = only(look(0, finding()), look(2, refused()), look(3, refused()))
    assert (story(lost), openings(lost)) == ([(0, "still-open"), (2, "sight-lost")], [(0, None, None, True, True)])
    assert told.found(lost) == "not seen in the last look"
    again = only(look(0, finding()), look(2, refused()), look(3, finding()))
    assert openings(again) == [(0, None, None, True, True)]
    closed = only(look(0, finding()), look(2, refused()), look(3, finding(PASS)))
    assert openings(closed) == [(0, 3, "sight-gained", True, True)]


def test_what_is_found_open_when_sight_is_gained_has_been_so_for_nobody_knows_how_long() -> None:
    whole = told_of(look(0, refused()), look(1, finding()))
    door = next(each for each in whole.timelines if each.address == DOOR)
    assert (story(door), openings(door)) == ([(1, "sight-gained")], [(1, None, None, True, False)])


def test_what_is_not_listed_any_more_is_gone_only_where_everything_is_listed() -> None:
    assert story(only(look(0, finding()), look(1))) == [(0, "still-open"), (1, "gone")]
    partly = only(look(0, finding()), look(1, policies=[judged(unlisted={"pass": 9})]))
    assert story(partly) == [(0, "still-open"), (1, "closed")]
    assert partly.moments[-1].because == "it passes or is gone: not all that passes is listed in the result"
    blind = told_of(look(0, finding()), look(1, refused(), policies=[judged(unlisted={"pass": 9})]))
    assert story(next(each for each in blind.timelines if each.address == DOOR)) == [(0, "still-open"), (1, "sight-lost")]


FILTER = "jira.filter/acme/1"
ACME, BETA, OF_FILTERS = "https://acme.atlassian.net", "https://beta.atlassian.net", {"kind": "jira.filter"}
FILTERS, PARTLY = judged(**OF_FILTERS), judged(unlisted={"pass": 900}, **OF_FILTERS)
SITES = {"target": msgspec.structs.replace(samples.report().snapshot.target, sites={"acme": ACME, "beta": BETA})}


def refused_on(site: str) -> Finding:
    return finding(UNKNOWN, f"jira.site/{site}", reason=Reason.FORBIDDEN, message="refused (403)")


def last_of(address: str, *reports: Report) -> tuple[str, str]:
    [timeline] = [each for each in told_of(*reports).timelines if each.address == address]
    return timeline.moments[-1].effect.value, timeline.moments[-1].because


@pytest.mark.parametrize(
    ("refusing", "effect", "because"),
    [
        ("beta", "closed", "it passes or is gone: not all that passes is listed in the result"),
        ("acme", "sight-lost", "not all of its kind could be read: refused (403)"),
    ],
)
def test_a_refusal_hides_what_lies_on_its_own_site_and_no_other(refusing: str, effect: str, because: str) -> None:
    before = look(0, finding(address=FILTER), refused_on(refusing), policies=[PARTLY], header=SITES)
    after = look(1, refused_on(refusing), policies=[PARTLY], header=SITES)
    assert last_of(FILTER, before, after) == (effect, because)


def test_what_a_policy_that_is_not_applied_any_more_found_is_not_gone() -> None:
    other = judged(OTHER, unlisted={"pass": 900})
    before = look(0, finding(), finding(policy=OTHER), policies=[judged(), other])
    whole = told_of(before, look(1, policies=[other]))
    assert {each.policy: each.moments[-1].effect.value for each in whole.timelines} == {POLICY: "incomparable", OTHER: "closed"}


HIDDEN = finding(UNKNOWN, "jira.site/acme", missing=FILTER, reason=Reason.FORBIDDEN, message="refused (403)")
WHOLLY, LISTED_PARTLY = {"policies": [FILTERS], "header": SITES}, {"policies": [PARTLY], "header": SITES}


@pytest.mark.parametrize("unseen", [refused_on("acme"), HIDDEN], ids=["with all of its kind", "by a gap of its own"])
def test_what_is_not_there_any_more_when_sight_is_gained_is_gone_and_not_closed(unseen: Finding) -> None:
    before = look(0, finding(address=FILTER), **WHOLLY), look(1, unseen, **WHOLLY)
    gone = "gone", "it is not there, and all of its kind was read"
    assert last_of(FILTER, *before, look(2, **WHOLLY)) == gone
    passes_or_gone = "sight-gained", "it passes or is gone: not all that passes is listed in the result"
    assert last_of(FILTER, *before, look(2, **LISTED_PARTLY)) == passes_or_gone
    assert last_of(FILTER, *before, look(2, refused_on("acme"), **WHOLLY))[0] == "sight-lost"
    assert last_of(FILTER, *before, look(2, finding(PASS, FILTER), **WHOLLY)) == ("sight-gained", "it is pass")


def test_the_gap_of_a_whole_kind_is_no_thing_that_could_be_gone() -> None:
    seen = look(0, refused_on("acme"), **WHOLLY), look(1, finding(PASS, FILTER), **WHOLLY)
    assert last_of("jira.site/acme", *seen) == ("sight-gained", "nothing is unknown there any more")


def test_what_another_policy_still_finds_there_is_not_gone() -> None:
    both = [judged(), judged(OTHER)]
    seen = told_of(look(0, finding(), policies=both), look(1, finding(PASS, policy=OTHER), policies=both))
    assert [story(each) for each in seen.timelines] == [[(0, "still-open"), (1, "closed")]]


def test_another_version_of_a_policy_is_incomparable_from_there() -> None:
    bumped = [judged(version=2)]
    seen = only(look(0, finding()), look(1, finding(), policies=bumped), look(2, finding(PASS), policies=bumped))
    assert story(seen) == [(0, "still-open"), (1, "incomparable"), (2, "closed")]
    assert openings(seen) == [(0, 1, "incomparable", True, False), (1, 2, "closed", True, False)]


def test_a_site_that_is_not_scanned_or_a_policy_that_is_not_applied_closes_nothing() -> None:
    seen = told_of(look(0, finding()), look(1, policies=()), look(2, finding()))
    assert openings(seen.timelines[0]) == [(0, 1, "incomparable", True, False), (2, None, None, True, False)]
    assert [limit.because for limit in seen.limits] == [f"not applied now: {POLICY}", f"not applied before: {POLICY}"]
    assert seen.courses[0].standings[1] is None
    passes = told_of(look(0, finding()), look(1, policies=()), look(2, finding(PASS))).timelines[0]
    assert [moment.because for moment in passes.moments[1:]] == [
        "the policy was not applied",
        "the policy was not applied; it does not fail now",
    ]


def test_what_is_attested_again_and_passes_is_closed() -> None:
    stated: dict[str, Any] = {
        "address": "attestation/org.user_invites/jira",
        "policy": "attestation/in-date",
        "source": Source.ATTESTED,
    }
    applied = [judged("attestation/in-date", kind="attestation")]
    whole = told_of(look(0, finding(**stated), policies=applied), look(1, finding(PASS, **stated), policies=applied))
    assert [story(each) for each in whole.timelines] == [[(0, "still-open"), (1, "closed")]]


def test_what_only_seems_to_be_mended_is_closed_when_it_is_seen_and_not_before() -> None:
    hidden = Gap(kind="org.access_domain", id="partner.example", reason=Reason.NO_PUBLIC_API, detail="d")
    settled = [look(day, finding(PASS), gaps=(hidden,)) for day in (1, 2)]
    lost = only(look(0, finding()), *settled)
    assert (story(lost), openings(lost)) == ([(0, "still-open"), (1, "sight-lost")], [(0, None, None, True, True)])
    assert told.found(lost) == "not seen in the last look"
    seen = only(look(0, finding()), *settled, look(3, finding(PASS)))
    assert story(seen) == [(0, "still-open"), (1, "sight-lost"), (3, "closed")]
    assert openings(seen) == [(0, 3, "closed", True, True)]


LEFT, OTHERS, OPEN = "Open or unknown, as far as it could be compared", "Not open any more, or seen again", "Open, the oldest first"


@pytest.mark.parametrize(
    ("later", "group"),
    [
        ([look(1, policies=())], LEFT),
        ([look(1, policies=()), look(2, policies=())], LEFT),
        ([look(1, policies=()), look(2, refused())], LEFT),
        ([look(1, policies=()), look(2, finding(PASS))], OTHERS),
        ([look(1, policies=()), look(2, finding())], OPEN),
        ([look(1, finding(UNKNOWN), policies=[judged(version=2)])], LEFT),
        ([look(1, finding(PASS), policies=[judged(version=2)])], OTHERS),
    ],
)
def test_what_cannot_be_compared_any_more_is_told_apart_until_it_is_seen_to_be_fine(later: list[Report], group: str) -> None:
    whole = told_of(look(0, finding()), *later)
    text, page = formats.load("text")(whole), formats.load("html")(whole)
    before = text.partition(f"{POLICY}  {DOOR}")[0]
    assert max((before.rfind(f"\n{each}"), each) for each in (LEFT, OTHERS, OPEN))[1] == group
    assert DOOR in page.partition(f">{group}<")[2].partition("</section>")[0]
    assert len(told.left_open(whole)) == (group == LEFT)
    assert told.ended(whole) == (group == OTHERS)


def test_what_failed_was_mended_and_failed_again_is_not_counted_as_mended() -> None:
    assert told.ended(told_of(look(0, finding()), look(1, finding(PASS)), look(2, finding()))) == 0


def test_a_waiver_excuses_and_closes_nothing() -> None:
    waiver = samples.report().findings
    waived = next(each.waiver for each in waiver if each.waiver)
    seen = only(look(0, finding()), look(1, finding(waiver=waived)), look(2, finding()))
    assert story(seen) == [(0, "still-open"), (1, "still-open"), (2, "still-open")]
    assert openings(seen) == [(0, None, None, True, False)]


def test_what_was_never_seen_has_no_story_but_is_counted() -> None:
    whole = told_of(look(0, refused()), look(1, refused()))
    assert whole.timelines == ()
    assert whole.courses[0].standings == (Standing(version=1, fail=0, waived=0, unknown=1, judged=0),) * 2
    assert told.spark(whole.courses[0]) == "??"
    assert told.nothing_open(whole) == "nothing is seen to fail in the last look, and 1 unknown"


def test_what_is_open_comes_first_and_the_oldest_before_all() -> None:
    doors = [f"org.access_domain/{name}" for name in "abc"]
    whole = told_of(
        look(0, finding(address=doors[2]), finding(address=doors[0])),
        look(1, finding(PASS, address=doors[0]), finding(address=doors[1]), finding(address=doors[2])),
    )
    assert [each.address[-1] for each in whole.timelines] == ["c", "b", "a"]
    assert [each.address[-1] for each in whole.open] == ["c", "b"]


def test_results_of_two_organizations_are_no_history() -> None:
    target = msgspec.structs.replace(samples.report().snapshot.target, org="another")
    with pytest.raises(InputError, match="an earlier result is of the organization"):
        told_of(look(0), look(1, header={"target": target}))


VERDICTS = st.lists(st.sampled_from([FAIL, PASS, UNKNOWN, NOTAPPLICABLE, None, "refused"]), min_size=1, max_size=8)


@given(VERDICTS)
def test_an_opening_ends_only_where_the_door_was_seen_not_to_fail(verdicts: list[Any]) -> None:
    reports = [
        look(day, *([] if each is None else [refused()] if each == "refused" else [finding(each)]))
        for day, each in enumerate(verdicts)
    ]
    for timeline in told_of(*reports).timelines:
        if timeline.address != DOOR:
            continue
        fails = [day for day, each in enumerate(verdicts) if each is FAIL]
        covered = [
            day for since, until, *_ in openings(timeline) for day in range(since, len(verdicts) if until is None else until)
        ]
        assert set(fails) <= set(covered)
        assert {verdicts[day] for day in covered} <= {FAIL, UNKNOWN, "refused"}
        assert all(verdicts[until] not in (FAIL, UNKNOWN, "refused") for _, until, *_ in openings(timeline) if until is not None)
        assert all(one.until is not None and one.until <= two.since for one, two in pairwise(timeline.openings))


# ------------------------------------------------------------------------------------------------------------------- formats


def hostile() -> History:
    every = " ".join(samples.HOSTILE)
    findings = [finding(address=f"jira.project/acme/{text}", name=text, message=text) for text in (*samples.HOSTILE, samples.LONG)]
    return told_of(look(0), look(1, *findings, profile=every), look(2, *findings[:4], policies=[judged(version=2, title=every)]))


HISTORIES = {
    "closed": told_of(look(0, finding(PASS)), look(3, finding()), look(9, finding(PASS))),
    "open": told_of(look(0, finding()), look(2, refused())),
    "one look": told_of(look(0, finding())),
    "nothing": told_of(look(0, policies=())),
    "hostile": hostile(),
}


@pytest.fixture(params=HISTORIES, name="whole")
def _whole(request: pytest.FixtureRequest) -> History:
    return HISTORIES[str(request.param)]


def test_the_json_is_as_its_schema_promises_and_holds_everything(whole: History) -> None:
    schema = json.loads((Path(history.__file__).parent / "schemas" / "history.schema.json").read_text(encoding="utf-8"))
    document = json.loads(formats.load("json")(whole))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    assert [len(document[name]) for name in ("looks", "policies", "timelines", "limits")] == [
        len(whole.looks),
        len(whole.courses),
        len(whole.timelines),
        len(whole.limits),
    ]


def test_the_page_runs_nothing_fetches_nothing_and_shows_text_as_text(whole: History) -> None:
    page = formats.load("html")(whole)
    document: Any = lxml_html.document_fromstring(page)  # lxml's types allow what no page of HTML has
    assert [element.tag for element in document.iter("script", "iframe", "object", "embed", "base", "form", "img", "a")] == []
    for element in document.iter("*"):
        assert not [name for name in element.attrib if name.startswith("on") or name in ("style", "src")]
        assert element.get("href", "#").startswith("#")
    [csp] = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert csp.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in csp
    ids = [element.get("id") for element in document.iter("*") if element.get("id")]
    assert len(ids) == len(set(ids))
    assert {element.get("href")[1:] for element in document.iter("use")} <= set(ids)


def test_a_long_page_has_an_end_and_says_what_it_leaves_out() -> None:
    many = told_of(look(0, *(finding(address=f"org.access_domain/{number}") for number in range(MOST + 7))))
    page = formats.load("html")(many)
    assert page.count('class="story"') == MOST
    assert "and 7 more, which are in the JSON history." in page
    text = formats.load("text")(many)
    assert re.search(r"and \d+ more; -f json has them all", text)


def test_the_text_holds_no_control_character_of_anybody_elses() -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", formats.load("text")(HISTORIES["hostile"]))


@pytest.mark.parametrize(
    ("numbers", "signs"),
    [
        ([(0, 0, 0), (1, 0, 0), (7, 0, 0), (3, 1, 0)], "▁▂█▅"),
        ([(0, 0, 2), (1, 0, 5), None], "?█·"),
        ([(0, 3, 0), (0, 0, 0)], "█▁"),
    ],
)
def test_a_sparkline_keeps_unknown_and_not_applied_apart_from_nothing(numbers: list[Any], signs: str) -> None:
    standings = tuple(each and Standing(version=1, fail=each[0], waived=each[1], unknown=each[2], judged=9) for each in numbers)
    course = msgspec.structs.replace(HISTORIES["open"].courses[0], standings=standings)
    assert told.spark(course) == signs


# ------------------------------------------------------------------------------------------------------------------ a folder


def kept(folder: Path, *reports: Report) -> Path:
    folder.mkdir(exist_ok=True)
    for report in reports:
        (folder / (store.named(report.snapshot).result or "")).write_text(result_json.render(report), encoding="utf-8")
    return folder


def listed() -> tuple[Report, ...]:
    return look(0, finding(PASS)), look(3, finding()), look(9, finding(PASS))


def test_a_folder_of_results_is_told_without_snapshots_or_configuration(tmp_path: Path, atlascan: Atlascan) -> None:
    kept(tmp_path / "store", *listed())
    done = atlascan("history", "store", "-f", "html=h.html", "-f", "json=h.json")
    assert (done.code, done.err) == (0, "")
    assert "open for 6 d: 2026-07-04 to 2026-07-10, then closed" in done.out
    assert json.loads((tmp_path / "h.json").read_text(encoding="utf-8"))["timelines"][0]["openings"][0]["end"] == "closed"
    assert (tmp_path / "h.html").exists()
    assert atlascan("history", "show", "store").out == done.out


def test_a_window_leaves_out_the_days_before_and_after(tmp_path: Path, atlascan: Atlascan) -> None:
    kept(tmp_path / "store", *listed())
    done = atlascan("history", "store", "--since", "2026-07-04", "--until", "2026-07-04", "-f", "json=-")
    assert [each["taken_at"] for each in json.loads(done.out)["looks"]] == ["2026-07-04T06:00:00Z"]
    none = atlascan("history", "store", "--since", "2027-01-01")
    assert (none.code, none.out) == (2, "")
    assert none.err.startswith("error: store: there is neither snapshot nor result of that time\n")


def test_files_under_other_names_count_and_what_is_neither_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = kept(tmp_path / "store", listed()[0])
    (folder / "b.json").write_text(result_json.render(listed()[1]), encoding="utf-8")
    (folder / "c.json").write_text(result_json.render(listed()[1]), encoding="utf-8")
    (folder / "package.json").write_text('{"name": "x"}', encoding="utf-8")
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    found = looks.found(store.opened(str(folder)))
    assert [each.result for each in found] == [store.named(listed()[0].snapshot).result, "b.json"]
    assert capsys.readouterr().err == (
        "warning: c.json is passed over: b.json is of the same snapshot\n"
        "warning: package.json is passed over: it is no result of atlascan\n"
    )


def test_a_file_that_is_of_another_day_than_its_name_says_is_refused(tmp_path: Path) -> None:
    folder = kept(tmp_path / "store", *listed())
    first, *_ = sorted(folder.iterdir())
    first.rename(folder / "2026-05-01T060000Z-00000000.result.json")
    where = store.opened(str(folder))
    with pytest.raises(InputError, match="it is of another snapshot than its name says, taken at 2026-07-01T06:00:00Z"):
        list(looks.reports(where, looks.found(where), looks.Judge(None)))


def test_a_damaged_result_is_an_error_and_not_a_gap_in_the_story(tmp_path: Path, atlascan: Atlascan) -> None:
    folder = kept(tmp_path / "store", *listed())
    [_, second, _] = sorted(folder.iterdir())
    second.write_text(second.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    done = atlascan("history", "store")
    assert (done.code, done.out) == (2, "")
    assert second.name in done.err


def test_two_results_are_in_memory_at_a_time_and_no_more() -> None:
    alive = 0
    most = 0

    class Counted(Report, frozen=True, kw_only=True, weakref=True):
        pass

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def stream() -> Iterable[Report]:
        nonlocal alive, most
        import weakref  # noqa: PLC0415

        for day in range(6):
            report = Counted(**{name: getattr(look(day), name) for name in Report.__struct_fields__})
            weakref.finalize(report, gone)
            alive += 1
            most = max(most, alive)
            yield report
            del report

    history.history("t", looks.in_pairs(stream()))
    assert most <= 3  # the two that are compared, and the one that is being read

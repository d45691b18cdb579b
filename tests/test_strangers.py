"""Who is inside and should not be: every sign true, false and untold, the gate, the formats, a large organization."""

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from benchmarks import snapshot as generator
from benchmarks.measuring import WEIGHED
from scanner import evaluate, policies, snapshots, strangers
from scanner.cli import collection
from scanner.conditions import parse_time
from scanner.config import Collect, Config, Declaration, Site
from scanner.documents import schema
from scanner.doors import DOORS
from scanner.model import Coverage, Gap, Header, Reason, Record, Resource, Snapshot, Source, Target, Verdict, sort_key
from scanner.people import SIGNS, Person, Strangers
from scanner.render.strangers import csv as as_csv
from scanner.render.strangers import json as as_json
from scanner.render.strangers import text as as_text
from scanner.strangers import KINDS_READ, LEFT, Terms
from tests import incident
from tests.conftest import Atlascan
from tests.fake_atlassian.server import StandIn, running
from tests.sites import credentials

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
TERMS = Terms(frozenset({"acme.example"}), frozenset({"partner.example"}), frozenset({"glass@acme.example"}))
# The facts of somebody who may be here.
ADA: dict[str, Any] = {
    "email": "ada@acme.example",
    "account_type": "atlassian",
    "status": "active",
    "claim_status": "managed",
    "management_source": "synced",
    "added_to_org": "2024-05-01T08:00:00Z",
    "platform_roles": [],
    "product_access": [{"key": "jira-software", "resource_id": "ari:jira", "last_active": None}],
    "groups": ["staff"],
}
STRANGER = ADA | {"email": "otto@gmail.example", "claim_status": "unmanaged", "management_source": None}
LEAVER = ADA | {"status": "deactivated", "product_access": []}
GUESTS = Resource(
    kind="org.group",
    id="guests",
    name="guests",
    facts={"role_assignments": [{"resource_id": "ari:confluence", "roles": ["atlassian/guest"]}]},
    source=Source.API,
)


def of(kind: str, id_: str, **facts: Any) -> Resource:  # noqa: ANN401
    return Resource(kind=kind, id=id_, name=id_, facts=facts, source=Source.API)


def person(facts: dict[str, Any], id_: str = "712020:p", name: str = "Pat") -> Resource:
    return Resource(kind="org.user", id=id_, name=name, facts=facts, source=Source.API)


def gap(kind: str, id_: str | None = None, parent: str | None = None) -> Gap:
    return Gap(kind=kind, reason=Reason.FORBIDDEN, detail="403", id=id_, parent=parent)


def token(**facts: Any) -> Resource:  # noqa: ANN401
    return of("org.api_token", "t1", **({"user_id": "712020:p", "status": "ALLOWED", "expires_at": None} | facts))


def group(id_: str, app: str) -> Resource:
    """Return a group that makes users of an app."""
    return of("org.group", id_, role_assignments=[{"resource_id": f"ari:{app}", "roles": ["atlassian/user"], "default_role": None}])


def by_name(app: str, role: str) -> Resource:
    each = {"key": "k", "resource_id": f"ari:{app}", "role": f"atlassian/{role}", "methods": ["direct"]}
    return of("org.user_role_assignments", "712020:p", explained_by_groups=False, assignments=[each])


def snapshot(*records: Record, covered: Sequence[str] = KINDS_READ) -> Snapshot:
    coverage = tuple(Coverage(kind=kind, requests=1, resources=1, gaps=0, complete=True) for kind in covered)
    header = Header(id="s", taken_at=AS_OF, tool="test", target=Target(org="o", sites={}, org_name="Acme"), coverage=coverage)
    ordered = sorted(records, key=sort_key)
    return Snapshot(header, lambda: ordered)


def people(taken: Snapshot, terms: Terms = TERMS) -> list[Person]:
    with strangers.found("test", taken, terms) as found:
        return list(found.everybody())


def signs(*records: Record, covered: Sequence[str] = KINDS_READ) -> tuple[set[str], set[str]]:
    """Return the signs that the one person shows, and those of which that could not be told."""
    looked_at = people(snapshot(*records, covered=covered))
    shown = {each.sign for one in looked_at for each in one.signs}
    return shown, {each.sign for one in looked_at for each in one.untold}


# ------------------------------------------------------------------------------------------------------------------- signs


def test_whoever_the_identity_provider_brought_shows_no_sign() -> None:
    assert people(snapshot(person(ADA))) == []


OUTSIDE = {"outside-domain", "unmanaged", "unsynced"}


@pytest.mark.parametrize(
    ("facts", "others", "shown"),
    [
        pytest.param({"management_source": "invited"}, [], {"invited"}, id="invited"),
        pytest.param({"management_source": "invited", "email": "glass@acme.example"}, [], set(), id="kept for emergencies"),
        pytest.param({"management_source": "invited", "status": "suspended"}, [], set(), id="invited, and suspended"),
        pytest.param({"management_source": "invited", "product_access": []}, [], set(), id="invited, and can do nothing"),
        pytest.param(
            {"management_source": "invited", "product_access": [], "platform_roles": ["atlassian/org-admin"]},
            [],
            {"invited"},
            id="invited, and administers",
        ),
        pytest.param(STRANGER, [], OUTSIDE, id="a stranger"),
        pytest.param(STRANGER | {"email": "Otto@GMAIL.Example."}, [], OUTSIDE, id="a stranger, spelled otherwise"),
        pytest.param(STRANGER | {"email": "pia@partner.example"}, [], set(), id="of a partner"),
        pytest.param(STRANGER | {"email": "pia@PARTNER.example."}, [], set(), id="of a partner, spelled otherwise"),
        pytest.param(STRANGER | {"email": "otto@sub.partner.example"}, [], OUTSIDE, id="below a partner's domain"),
        pytest.param(STRANGER | {"email": "quin@acme.example"}, [], {"unsynced"}, id="of the company, and not claimed"),
        pytest.param(
            STRANGER | {"email": "rosa@labs.example"},
            [of("org.domain", "labs.example", name="labs.example", claim_status="verified")],
            {"unsynced"},
            id="of a verified domain, and not claimed",
        ),
        pytest.param(
            STRANGER | {"email": "rosa@labs.example"},
            [of("org.domain", "labs.example", name="labs.example", claim_status="unverified")],
            OUTSIDE,
            id="of a domain that was never proven",
        ),
        pytest.param({"email": "ada@elsewhere.example"}, [], {"outside-domain"}, id="managed, of another domain"),
        pytest.param(STRANGER | {"product_access": []}, [], set(), id="a stranger who can do nothing"),
        pytest.param(STRANGER | {"account_type": "app"}, [], set(), id="a program"),
        pytest.param(
            STRANGER, [of("jsm.customer", "acme/712020:p", active=True)], OUTSIDE | {"customer-with-licence"}, id="a customer"
        ),
        pytest.param(STRANGER, [of("jsm.customer", "acme/712020:p", active=False)], OUTSIDE, id="no active customer"),
        pytest.param({}, [of("jsm.customer", "acme/712020:p", active=True)], set(), id="an employee who is a customer"),
        pytest.param({"groups": ["guests"]}, [GUESTS], {"guest"}, id="a guest by a group"),
        pytest.param(
            {},
            [
                of(
                    "org.user_role_assignments",
                    "712020:p",
                    explained_by_groups=False,
                    assignments=[{"key": "k", "resource_id": "ari:confluence", "role": "atlassian/guest", "methods": ["direct"]}],
                )
            ],
            {"guest"},
            id="a guest by a role of the person",
        ),
        pytest.param(
            {"groups": ["both"]},
            [of("org.group", "both", role_assignments=[{"resource_id": "a", "roles": ["atlassian/guest", "atlassian/user"]}])],
            set(),
            id="a user, and a guest besides",
        ),
        pytest.param({"groups": ["guests", "users"]}, [GUESTS, group("users", "confluence")], set(), id="a user by another group"),
        pytest.param({"groups": ["guests", "users"]}, [GUESTS, group("users", "jira")], {"guest"}, id="a user of another app"),
        pytest.param(
            {"groups": ["guests"]}, [GUESTS, by_name("confluence", "user")], set(), id="a guest by a group, a user by name"
        ),
        pytest.param({"groups": ["guests"]}, [GUESTS, by_name("jira", "user")], {"guest"}, id="by name a user of another app"),
        pytest.param(
            {"groups": ["users"]},
            [group("users", "confluence"), by_name("confluence", "guest")],
            set(),
            id="by name a guest besides",
        ),
        pytest.param(LEAVER, [token()], {"leaver-with-token"}, id="a leaver with a token"),
        pytest.param(LEAVER, [token(expires_at="2027-01-01T00:00:00Z")], {"leaver-with-token"}, id="a token that ends later"),
        pytest.param(LEAVER, [token(expires_at="2026-11-21T00:00:00Z")], set(), id="a token that has ended"),
        pytest.param(LEAVER, [token(status="BLOCKED")], set(), id="a blocked token"),
        pytest.param(LEAVER, [token(user_id="712020:q")], set(), id="somebody else's token"),
        pytest.param({}, [token()], set(), id="a token of somebody who is here"),
    ],
)
def test_a_sign_is_shown_where_the_facts_make_it_and_nowhere_else(
    facts: dict[str, Any], others: list[Resource], shown: set[str]
) -> None:
    assert signs(person(ADA | facts), *others) == (shown, set())


@pytest.mark.parametrize(
    ("facts", "others", "untold"),
    [
        pytest.param({"management_source": None}, [], {"invited"}, id="whence it came"),
        pytest.param({"claim_status": None}, [], {"unsynced"}, id="who manages it"),
        pytest.param({"email": None}, [], {"outside-domain"}, id="its address"),
        pytest.param({"email": "no address at all"}, [], {"outside-domain"}, id="an address that is none"),
        pytest.param({"status": None}, [token()], {"leaver-with-token"}, id="whether it is active"),
        pytest.param({"groups": None}, [], {"guest"}, id="its groups"),
        pytest.param({"groups": ["gone"]}, [gap("org.group", "gone")], {"guest"}, id="a group of its"),
        pytest.param({"groups": ["dim"]}, [of("org.group", "dim", name="dim")], {"guest"}, id="what a group of its gives"),
        pytest.param({"groups": ["guests", "gone"]}, [GUESTS, gap("org.group", "gone")], {"guest"}, id="a group beside the guests"),
        pytest.param(
            {"groups": ["guests", "dim"]},
            [GUESTS, of("org.group", "dim", name="dim")],
            {"guest"},
            id="what a group beside them gives",
        ),
        pytest.param(
            {"groups": ["guests"]},
            [GUESTS, gap("org.user_role_assignments", "712020:p")],
            {"guest"},
            id="the roles of a guest by group",
        ),
        pytest.param(
            {"groups": ["dim"]},
            [of("org.group", "dim", role_assignments=[{"roles": ["atlassian/guest"]}])],
            {"guest"},
            id="of what a group makes guests",
        ),
        pytest.param(
            {},
            [of("org.user_role_assignments", "712020:p", assignments=[{"resource_id": "ari:confluence", "methods": ["direct"]}])],
            {"guest"},
            id="which role it has",
        ),
        pytest.param({}, [gap("org.user_role_assignments", None, "org.user/712020:p")], {"guest"}, id="its roles"),
        pytest.param(LEAVER, [gap("org.api_token", "t9")], {"leaver-with-token"}, id="a token"),
        pytest.param(LEAVER, [token(expires_at="soon")], {"leaver-with-token"}, id="when its token ends"),
        pytest.param(LEAVER, [of("org.api_token", "t1", status="ALLOWED")], {"leaver-with-token"}, id="whose token it is"),
    ],
)
def test_what_is_not_known_is_untold_and_says_so(facts: dict[str, Any], others: list[Record], untold: set[str]) -> None:
    known = {name: value for name, value in (ADA | facts).items() if value is not None}
    assert signs(person(known), *others) == (set(), untold)


@pytest.mark.parametrize("kind", sorted(set(KINDS_READ) - {"org.user"}))
@pytest.mark.parametrize("how", ["refused", "not collected"])
def test_what_could_not_be_read_takes_no_sign_away_in_silence(kind: str, how: str) -> None:
    """Without a kind a sign stays, or is untold; what was no sign is none still, or untold."""
    everything: list[Record] = [
        person(STRANGER | {"groups": ["guests"]}),
        GUESTS,
        of("jsm.customer", "acme/712020:p", active=True),
        person(LEAVER, "712020:q"),
        of("org.api_token", "t1", user_id="712020:q", status="ALLOWED", expires_at=None),
        person(STRANGER | {"email": "rosa@labs.example"}, "712020:r"),
        of("org.domain", "labs.example", name="labs.example", claim_status="verified"),
    ]
    whole = {each.id: {sign.sign for sign in each.signs} for each in people(snapshot(*everything))}
    rest = [record for record in everything if record.kind != kind]
    left = (
        snapshot(*rest, gap(kind)) if how == "refused" else snapshot(*rest, covered=[each for each in KINDS_READ if each != kind])
    )
    partly = {each.id: each for each in people(left)}
    for id_, shown in whole.items():
        kept, untold = {each.sign for each in partly[id_].signs}, {each.sign for each in partly[id_].untold}
        assert kept <= shown <= kept | untold
    with strangers.found("test", left, TERMS) as found:
        [limit] = found.limits
        assert kind in limit or "could not be read" in limit


def test_a_person_of_whom_only_the_id_is_known_is_listed_as_untold() -> None:
    with strangers.found("test", snapshot(person(ADA), gap("org.user", "712020:x")), TERMS) as found:
        [hidden] = found.everybody()
        assert (found.looked_at, found.strangers, found.uncertain) == (1, 0, 1)
    assert (hidden.id, {each.sign for each in hidden.untold}) == ("712020:x", set(SIGNS))


# ------------------------------------------------------------------------------------------------------- numbers and order


def test_the_oldest_come_first_and_whose_day_is_not_known_comes_last() -> None:
    days = {"712020:c": "2020-01-01T00:00:00Z", "712020:a": "2023-01-01T00:00:00Z", "712020:b": "2019-12-31T23:00:00-05:00"}
    records = [person(STRANGER | {"added_to_org": day}, id_) for id_, day in days.items()]
    undated = person({name: value for name, value in STRANGER.items() if name != "added_to_org"}, "712020:0")
    with strangers.found("test", snapshot(*records, undated), TERMS) as found:
        expected = ["712020:c", "712020:b", "712020:a", "712020:0"]
        assert [each.id for each in found.everybody()] == expected
        assert [each.id for each in found.at("identity", 2)] == expected[:2]


@pytest.mark.parametrize(
    ("since", "expected"),
    [(date(2024, 5, 1), {"712020:p", "712020:n", "712020:z"}), (date(2024, 5, 2), {"712020:n", "712020:z"})],
)
def test_since_leaves_out_who_was_added_before_and_nobody_whose_day_is_unknown(since: date, expected: set[str]) -> None:
    undated = {name: value for name, value in STRANGER.items() if name != "added_to_org"}
    taken = snapshot(
        person(STRANGER),
        person(STRANGER | {"added_to_org": "2026-11-01T00:00:00Z"}, "712020:n"),
        person(undated, "712020:z"),
        person(STRANGER | {"added_to_org": "2020-01-01T00:00:00Z"}, "712020:old"),
    )
    with strangers.found("test", taken, TERMS, since) as found:
        assert {each.id for each in found.everybody()} == expected


@pytest.mark.parametrize(
    ("records", "since", "allowed", "code"),
    [
        ([person(STRANGER)], None, False, 0),
        ([person(STRANGER)], date(2024, 1, 1), False, 1),
        ([person(STRANGER)], date(2024, 1, 1), True, 1),
        ([person(STRANGER)], date(2025, 1, 1), False, 0),
        ([person(STRANGER | {"email": None})], date(2024, 1, 1), False, 3),
        ([person(ADA | {"email": None})], None, False, 0),
        ([person(ADA | {"email": None})], date(2024, 1, 1), False, 3),
        ([person(ADA | {"email": None})], date(2024, 1, 1), True, 0),
        ([person(ADA | {"email": None})], date(2025, 1, 1), False, 0),
        ([person(ADA), gap("org.user")], None, False, 3),
        ([person(ADA), gap("org.user")], None, True, 0),
        ([person(STRANGER), gap("org.user")], date(2024, 1, 1), False, 1),
        ([gap("org.user", "712020:x")], date(2024, 1, 1), False, 3),
    ],
)
def test_the_gate_is_shut_by_a_stranger_who_is_new_and_by_what_nobody_could_see(
    records: list[Record], since: date | None, allowed: bool, code: int
) -> None:
    with strangers.found("test", snapshot(*records), TERMS, since, allow_unknown=allowed) as found:
        assert found.gate.exit_code == code


def test_people_whom_nobody_collected_are_no_empty_list() -> None:
    with strangers.found("test", snapshot(covered=()), TERMS) as found:
        assert found.gate.exit_code == 3
        assert "not all people could be read" in found.gate.because


# ----------------------------------------------------------------------------------------------------------------- formats

HOSTILE = '=HYPERLINK("http://evil.example")\x1b[2J\u202e</script>'


@pytest.fixture
def found() -> Iterator[Strangers]:
    taken = snapshot(
        *(person(STRANGER, f"712020:{number:04}", HOSTILE) for number in range(1_200)),
        person(LEAVER | {"name": HOSTILE}, "712020:l"),
        person(ADA | {"management_source": None}, "712020:u"),
        token(user_id="712020:l"),
        gap("jsm.customer"),
    )
    with strangers.found("test", taken, TERMS) as found:
        yield found


def test_json_keeps_its_promise_and_tells_the_same_numbers_as_the_people_in_it(found: Strangers) -> None:
    document = json.loads("".join(as_json.render(found)))
    jsonschema.validate(document, schema("strangers"))
    told = Counter(sign["sign"] for each in document["people"] for sign in each["signs"])
    assert told == Counter({each["id"]: each["people"] for each in document["signs"] if each["people"]})
    untold = Counter(sign["sign"] for each in document["people"] for sign in each["untold"])
    assert untold == Counter({each["id"]: each["untold"] for each in document["signs"] if each["untold"]})
    doors = Counter(door for each in document["people"] for door in each["doors"])
    assert doors == Counter({each["id"]: each["people"] for each in document["doors"]})
    assert document["counts"] == {"looked_at": 1_202, "strangers": 1_201, "uncertain": 1}


def test_json_of_nobody_is_whole() -> None:
    with strangers.found("test", snapshot(), TERMS) as nobody:
        document = json.loads("".join(as_json.render(nobody)))
    jsonschema.validate(document, schema("strangers"))
    assert document["people"] == []


def test_csv_has_a_row_for_each_sign_and_no_formula(found: Strangers) -> None:
    rows = list(csv.DictReader(StringIO("".join(as_csv.render(found)), newline="")))
    assert Counter((row["sign"], row["verdict"]) for row in rows) == Counter(
        {(sign, "fail"): number for sign, number in found.signs.items() if number}
        | {(sign, "unknown"): number for sign, number in found.untold.items() if number}
    )
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@"))]
    assert not [value for row in rows for value in row.values() if "\x1b" in value or "\u202e" in value]


def test_the_text_cuts_a_long_list_short_and_says_so(found: Strangers) -> None:
    text = "".join(as_text.render(found))
    assert text.count("712020:0") == 2 * as_text.MOST
    assert "1,180 more; -f csv=FILE writes them all" in text
    assert text.isprintable() is False
    assert {each for each in text if not each.isprintable()} == {"\n"}
    for id_ in found.doors:
        assert DOORS[id_].title in text
    assert text.splitlines()[-1].startswith("exit code 0: 1,201 strangers")


def test_the_text_is_as_reviewed() -> None:
    records: list[Record] = [
        person(STRANGER | {"email": "otto@gmail.example"}, "557058:otto", "Otto Outsider"),
        person(ADA | {"management_source": "invited", "email": "ivy@acme.example"}, "712020:ivy", "Ivy Invited"),
        person(LEAVER | {"email": "lea@acme.example"}, "712020:lea", "Lea Leaver"),
        person({**ADA, "management_source": None, "email": "mo@acme.example"}, "712020:mo", "Mo Mystery"),
        person(ADA, "712020:ada", "Ada Admin"),
        token(user_id="712020:lea"),
        gap("jsm.customer", parent="jira.site/acme"),
    ]
    with strangers.found("atlascan 0.0.0", snapshot(*records), TERMS, date(2024, 1, 1)) as found:
        text = "".join(as_text.render(found))
    assert text == (Path(__file__).parent / "golden" / "strangers.txt").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------- the command


def collected(site: StandIn, file: Path) -> Path:
    sites = tuple(Site(name, url) for name, url in site.sites.items())
    config = Config(sites=sites, api_url=site.api_url, collect=Collect(undocumented=True))
    with credentials():
        collection.take(config, str(file), now=AS_OF)
    return file


def configure(folder: Path, more: str = "") -> None:
    text = f"sites: [{{url: 'https://acme.atlassian.net'}}]\ncompany_domains: [acme.example]\n{more}"
    (folder / "atlascan.yaml").write_text(text, encoding="utf-8")


def test_the_command_lists_gates_and_writes_files(open_site: StandIn, atlascan: Atlascan, tmp_path: Path) -> None:
    configure(tmp_path)
    collected(open_site, tmp_path / "open.ndjson")
    listed = atlascan("strangers", "open.ndjson", "-f", "csv=out.csv", "-f", "json=-")
    assert listed.code == 0
    assert listed.err.splitlines()[-1].startswith("exit code 0: ")
    names = {each["name"] for each in json.loads(listed.out)["people"]}
    assert {"Otto Outsider", "Olga Outside", "Ivy Invited"} <= names
    assert "otto@gmail.example" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert atlascan("strangers", "open.ndjson", "--since", "2025-01-01").code == 1
    assert atlascan("strangers", "open.ndjson", "--since", "2026-01-01").code == 0
    assert atlascan("strangers", "open.ndjson", "--since", "yesterday").code == 2


def test_the_command_goes_by_what_the_configuration_trusts(open_site: StandIn, atlascan: Atlascan, tmp_path: Path) -> None:
    rules = {"access/no-unmanaged-users": {"trusted_domains": ["gmail.example"]}}
    rules["access/no-invited-users"] = {"break_glass_accounts": ["ivy@acme.example"]}
    collected(open_site, tmp_path / "open.ndjson")
    for more in ("", "disable: {access/no-unmanaged-users: for the test, access/no-invited-users: for the test}\n"):
        configure(tmp_path, f"params: {json.dumps(rules)}\n{more}")
        outcome = atlascan("strangers", "open.ndjson", "-f", "json=-")
        shown = {each["name"]: {sign["sign"] for sign in each["signs"]} for each in json.loads(outcome.out)["people"]}
        assert "Ivy Invited" not in shown
        assert "Otto Outsider" not in shown
        assert shown["Olga Outside"] == OUTSIDE


@pytest.mark.parametrize("log", ["whole", "refused"])
def test_on_the_incident_everybody_from_outside_is_found_whatever_the_log_tells(log: incident.Log, tmp_path: Path) -> None:
    taken = snapshots.load(str(incident.snapshot(tmp_path, log)))
    with strangers.found("test", taken, Terms(frozenset({"acme.example"}))) as found:
        shown = {each.id: {sign.sign for sign in each.signs} for each in found.everybody()}
    inside = {each.id: each for each in taken.of("org.user") if isinstance(each, Resource) and each.facts["status"] == "active"}
    outsiders = {each.id for each in incident.expected() if each.id in inside and not each.email.endswith("@acme.example")}
    assert len(outsiders) > 15
    assert outsiders == {id_ for id_, each in shown.items() if "outside-domain" in each}


def test_the_page_tells_of_every_sign_and_of_its_door() -> None:
    page = (Path(__file__).parents[1] / "docs" / "strangers.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \| ([a-z-]+) \|", page, re.MULTILINE) == [(id_, sign.door) for id_, sign in SIGNS.items()]
    assert {sign.door for sign in SIGNS.values()} <= DOORS.keys()


# -------------------------------------------------------------------------------------------------------------------- scale

LARGE = "large:sites=1,users=50000,groups=30,projects=20,spaces=1,filters=1,dashboards=1,events=1,audit_records=1"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with running(LARGE) as site:
        return collected(site, tmp_path_factory.mktemp("large") / "large.ndjson")


def by_brute_force(file: Path) -> tuple[Counter[str], Counter[str]]:
    """Count signs in all lines of a snapshot, held in memory: the ones shown, and the ones of which that cannot be told."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()[1:-1]]
    facts: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["type"] == "resource":
            facts.setdefault(line["kind"], {})[line["id"]] = line["facts"]
    assert not [line for line in lines if line["type"] == "gap" and line["kind"] in KINDS_READ and line["kind"] != "org.user"]
    own = {"acme.example"} | {id_ for id_, each in facts["org.domain"].items() if each["claim_status"] == "verified"}
    tokens = [each for each in facts["org.api_token"].values() if each["status"] == "ALLOWED"]
    live = {each["user_id"] for each in tokens if "expires_at" in each and _lasts(each["expires_at"])}
    perhaps = {each["user_id"] for each in tokens if "expires_at" not in each} - live
    shown, untold = Counter[str](), Counter[str]()
    for id_, each in facts["org.user"].items():
        domain = each["email"].rpartition("@")[2]
        if each["status"] in LEFT:
            shown["leaver-with-token"] += id_ in live
            untold["leaver-with-token"] += id_ in perhaps
        if each["status"] != "active" or not (each["product_access"] or each["platform_roles"]):
            continue
        if each["claim_status"] == "managed":
            source = each.get("management_source")
            shown["invited"] += source == "invited"
            untold["invited"] += source is None
        else:
            shown["unsynced"] += 1
            shown["unmanaged"] += bool(each["product_access"]) and domain not in own
        shown["outside-domain"] += domain not in own
    return +shown, +untold


def _lasts(expires_at: str | None) -> bool:
    end = parse_time(expires_at)
    return end is None or end > AS_OF


def test_the_numbers_of_fifty_thousand_people_are_those_of_counting_one_by_one(large: Path) -> None:
    shown, untold = by_brute_force(large)
    assert set(shown) == {"invited", "outside-domain", "unmanaged", "unsynced", "leaver-with-token"}
    with strangers.found("test", snapshots.load(str(large)), Terms(frozenset({"acme.example"}))) as found:
        assert found.looked_at == 50_000
        assert Counter(found.signs) == shown
        assert Counter(found.untold) == untold
        everybody = list(found.everybody())
        assert found.strangers == sum(1 for each in everybody if each.signs)
        assert {door: sum(door in each.doors for each in everybody) for door in found.doors} == found.doors
        days = [each.added_to_org for each in everybody if each.added_to_org]
        assert days == sorted(days)


def test_fifty_thousand_people_are_read_in_less_than_a_hundred_mebibytes(large: Path) -> None:
    configure(large.parent)
    program = [sys.executable, "-m", "scanner", "strangers", str(large), "-f", "csv=all.csv", "-f", "json=all.json"]
    weigh = [sys.executable, "-S", "-c", WEIGHED, str(large.parent / "out.txt"), *program]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""}
    weighed = subprocess.run(weigh, check=True, stdout=subprocess.PIPE, cwd=large.parent, env=environment)  # noqa: S603
    _, _, mebibytes = json.loads(weighed.stdout)
    assert mebibytes < 100


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshots.load(str(generator.write(tmp_path_factory.mktemp("tenants"), 80_000)))


def test_an_account_that_nobody_manages_is_one_that_the_policy_fails(tenant: Snapshot) -> None:
    """So is one that was invited, where the account can do anything at all."""
    rules = policies.select(policies.load(), "it-controlled", {"company_domains": [generator.COMPANY_DOMAIN]}, {}, None)
    chosen = [rule for rule in rules if rule.policy.id in ("access/no-unmanaged-users", "access/no-invited-users")]
    wanted = {"access/no-unmanaged-users": "unmanaged", "access/no-invited-users": "invited"}
    judged: dict[str, dict[str, Verdict]] = {id_: {} for id_ in wanted}
    for finding in evaluate.evaluate(chosen, tenant, Declaration({})):
        if finding.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            judged[finding.policy][finding.address.partition("/")[2]] = finding.verdict
    with strangers.found("test", tenant, Terms(frozenset({generator.COMPANY_DOMAIN}))) as found:
        everybody = {each.id: each for each in found.everybody()}
    for policy, sign in wanted.items():
        failed = {id_ for id_, verdict in judged[policy].items() if verdict is Verdict.FAIL}
        shown = {id_ for id_, each in everybody.items() if sign in {one.sign for one in each.signs}}
        assert shown
        if sign == "unmanaged":
            assert shown == failed
        else:
            assert shown <= failed
            assert all(everybody.get(id_) is None or not everybody[id_].apps for id_ in failed - shown)


def test_a_kind_that_was_refused_in_the_large_leaves_numbers_that_are_not_smaller_together(tenant: Snapshot) -> None:
    """What is shown and what is untold, together, never get fewer when a list was not read."""
    terms = Terms(frozenset({generator.COMPANY_DOMAIN}))
    blind = replace(tenant, read=lambda: (each for each in tenant if each.kind != "org.api_token"), parts=None)
    refused = gap("org.api_token")
    records = sorted([*blind.read(), refused], key=sort_key)
    with (
        strangers.found("test", tenant, terms) as whole,
        strangers.found("test", replace(blind, read=lambda: records), terms) as partly,
    ):
        for sign in SIGNS:
            assert partly.signs[sign] + partly.untold[sign] >= whole.signs[sign]
        assert partly.untold["leaver-with-token"] > whole.untold["leaver-with-token"]

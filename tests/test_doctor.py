"""`atlascan doctor` names what can be proven and what is missing, scope by scope, and agrees with what a scan then finds."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from jsonschema import Draft202012Validator
from requests.auth import HTTPBasicAuth

from scanner import documents, policies, snapshots
from scanner.cli import collection, doctor, hinges, pipeline
from scanner.collect import checkup, pace
from scanner.collect.api import Surface
from scanner.collect.endpoint import Endpoint
from scanner.collect.tables import DERIVED, ENDPOINTS, OMITTED, UNREADABLE
from scanner.conditions import AllOf, AnyOf, Condition, Constant, Not, Related, Test
from scanner.kinds import DECLARED, KINDS
from scanner.model import Diagnosis, Examined, Lack, Outcome, Prospect, Resource
from scanner.render import diagnosis as rendered
from scanner.render.text import plain
from tests.conftest import Atlascan
from tests.fake_atlassian import faces, promises, site
from tests.fake_atlassian.outdoors import OWN
from tests.fake_atlassian.scenario import SCENARIOS
from tests.fake_atlassian.server import StandIn, running
from tests.sites import ADMIN, credentials

SCENES = ("open", "locked")
ORG_KEY, ACCOUNT = "ATLASCAN_ORG_API_KEY", "ATLASCAN_EMAIL and ATLASCAN_API_TOKEN"
AGENT = {**ADMIN, "ATLASCAN_EMAIL": "agent@acme.example", "ATLASCAN_API_TOKEN": "stand-in-agent-token"}
NARROW = {**ADMIN, ORG_KEY: "stand-in-narrow-key"}
WRONG_KEY = {**ADMIN, ORG_KEY: "wrong-secret-key"}
WRONG_TOKEN = {**ADMIN, "ATLASCAN_API_TOKEN": "wrong-secret-token"}
CLIENT = "ATLASCAN_CLIENT_ID and ATLASCAN_CLIENT_SECRET"
ORG_SCOPES = sorted({each.scope for each in ENDPOINTS if each.surface is Surface.ADMIN and each.scope})
SITE_SCOPES = sorted({each.scope for each in ENDPOINTS if each.surface is Surface.SITE and each.scope})
# One policy of our own for each kind: so every endpoint is needed by some policy.
OF_KIND = {f"own/{kind.replace('.', '-')}": kind for kind in KINDS if kind != "attestation"}
OF_SUPPLIED = {kind for each in ENDPOINTS for kind in each.kinds}
# What no endpoint supplies, and what a person has to state therefore.
ATTESTED_ONLY = {id_ for id_, kind in OF_KIND.items() if kind not in OF_SUPPLIED}
# The shipped policies that nothing but a person's word can prove: of such a kind, or of such a fact of another.
STATED_BY_PEOPLE = {
    "access/no-invitation-links",
    "access/no-invites-allowed",
    "identity/api-token-creation-restricted",
    "identity/external-users-verified",
    "identity/session-duration",
    "identity/sso-enforced",
    "identity/two-step-required",
    "jira/team-managed-projects-private",
    "jsm/automatic-email-filtered",
    "jsm/email-account-creation-limited",
    "jsm/help-center-needs-login",
}


# Counts groups by what their list tells. Of its own it can be proven; where another policy has their roles asked for and these are
# refused, the scan takes the list for incomplete.
BLURRED = {"identity/provisioned-by-scim"}


@dataclass(frozen=True, slots=True)
class Setup:
    """What a test has doctor look at."""

    site: StandIn
    secrets: Mapping[str, str] = field(default_factory=lambda: ADMIN)
    auth: str = "basic"
    undocumented: bool = True
    probe: bool = True
    own: bool = True
    more: str = ""


@pytest.fixture(scope="module", params=SCENES)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Play a scenario with keys that lack a scope each, and such tokens and clients of an administrator."""
    scenario = msgspec.yaml.decode((SCENARIOS / f"{request.param}.yaml").read_bytes())
    for lacking in ORG_SCOPES:
        scenario["org_keys"].append({"token": f"key without {lacking}", "scopes": without(lacking, ORG_SCOPES)})
    for each in scenario["sites"]:
        account = next(one for one in each["accounts"] if one.get("administer"))
        for lacking in ("nothing", *SITE_SCOPES):
            scopes = without(lacking, SITE_SCOPES)
            each["accounts"].append({**account, "token": f"token without {lacking}", "scopes": scopes})
            client = {"id": f"client without {lacking}", "secret": "client-secret", "acts_as": account["email"], "scopes": scopes}
            each["clients"].append(client)
    file = tmp_path_factory.mktemp("scenario") / "narrow.yaml"
    file.write_bytes(msgspec.yaml.encode(scenario))
    with running(str(file)) as at:
        yield at


@pytest.fixture(scope="module")
def full(played: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    return diagnosed(tmp_path_factory.mktemp("full"), Setup(played))


@dataclass(frozen=True, slots=True)
class AtGateway:
    """What doctor says of an administrator who may do all, and how that credential is known: by a token or as a client."""

    auth: str
    known_as: str
    full: Diagnosis


@pytest.fixture(scope="module", params=["scoped", "oauth"])
def at_gateway(request: pytest.FixtureRequest, played: StandIn, tmp_path_factory: pytest.TempPathFactory) -> AtGateway:
    of = Setup(played, narrow(request.param, "nothing"), auth=request.param)
    return AtGateway(of.auth, {"scoped": ACCOUNT, "oauth": CLIENT}[of.auth], diagnosed(tmp_path_factory.mktemp("full"), of))


def without(lacking: str, scopes: list[str]) -> list[str]:
    return [scope for scope in scopes if scope != lacking]


def key_without(scope: str) -> dict[str, str]:
    return {**ADMIN, ORG_KEY: f"key without {scope}"}


def narrow(auth: str, scope: str) -> dict[str, str]:
    """Return credentials for the gateway that lack a scope."""
    if auth == "oauth":
        client = {"ATLASCAN_CLIENT_ID": f"client without {scope}", "ATLASCAN_CLIENT_SECRET": "client-secret"}
        return {ORG_KEY: ADMIN[ORG_KEY], **client}
    return {**ADMIN, "ATLASCAN_API_TOKEN": f"token without {scope}"}


def written(folder: Path, of: Setup) -> Path:
    """Write a configuration, with a policy of our own for each kind."""
    config = {
        "api_url": of.site.api_url,
        "login_url": of.site.api_url,
        "sites": [{"name": name, "url": url, "auth": of.auth} for name, url in of.site.sites.items()],
        "company_domains": ["acme.example"],
        "collect": {"undocumented": of.undocumented, "probe": of.probe},
        **({"policies": ["policies"]} if of.own else {}),
    }
    for id_, kind in OF_KIND.items() if of.own else ():
        file = folder / "policies" / f"{id_}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.yaml.encode(policy(kind)))
    path = folder / "atlascan.yaml"
    path.write_text(msgspec.yaml.encode(config).decode() + of.more, encoding="utf-8")
    return path


def policy(kind: str) -> dict[str, Any]:
    """Return a policy that looks at all facts of a kind."""
    return {
        "version": 1,
        "title": f"Everything about {kind} is known",
        "severity": "high",
        "kind": kind,
        "require": {"path": "id", "not_equals": "nobody"},
        "failure": "it is nobody",
        "rationale": "Made for a test.",
        "remediation": ["None."],
        "console": "https://admin.atlassian.com",
        "controls": {"iso-27001-2022": False, "nist-800-53-r5": False, "soc-2": False, "cis-v8": False},
        "references": ["https://example.com"],
        "evidence": list(KINDS[kind].facts),
        "examples": [{"name": name, "verdict": verdict, "id": id_, "facts": {}} for name, verdict, id_ in _EXAMPLES],
    }


_EXAMPLES = (("somebody", "pass", "a/b"), ("nobody", "fail", "nobody"))


def diagnosed(folder: Path, of: Setup) -> Diagnosis:
    config = pipeline.load_config(written(folder, of))
    with credentials(of.secrets):
        return doctor.diagnose(config, pipeline.criteria(config))


def lacking(diagnosis: Diagnosis) -> dict[str, set[str]]:
    """Return what each policy lacks, by policy; those that lack nothing are left out."""
    return {each.policy: {said(need) for need in each.needs} for each in diagnosis.prospects if each.needs}


def said(need: Examined) -> str:
    return f"{need.lack}: {need.wants if need.lack is not Lack.ANSWER else need.detail} on {need.credential}"


def readable(prospect: Prospect) -> set[str | None]:
    return {each.endpoint for each in prospect.examined if each.outcome is Outcome.READABLE}


def needing(full: Diagnosis, scope: str) -> set[str]:
    """Return the policies that look at something that a scope opens."""
    opened = {each.name for each in ENDPOINTS if each.scope == scope}
    return {each.policy for each in full.prospects if readable(each) & opened}


# ----------------------------------------------------------------------------------------------------------- what is readable


def test_with_full_credentials_all_is_readable_but_what_only_people_can_state(full: Diagnosis) -> None:
    found = lacking(full)
    assert found.keys() == ATTESTED_ONLY | STATED_BY_PEOPLE
    assert all(need.startswith("attestation: ") for needs in found.values() for need in needs)
    assert full.exit_code == 3
    assert {each.endpoint for each in full.examined if each.endpoint} == {each.name for each in ENDPOINTS}


def test_each_endpoint_is_asked_for_one_page_at_most(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    written(tmp_path, Setup(open_site))
    asked = [line.split(" ?")[0] for line in atlascan("doctor", "-v").err.splitlines() if line.startswith("  ")]

    besides = 1 + sum(bool(each.detail) for each in ENDPOINTS)  # which organization it is
    assert 0 < len(asked) <= len(ENDPOINTS) + besides


@pytest.mark.parametrize("scope", ORG_SCOPES)
def test_a_scope_that_the_organizations_key_lacks_is_named_for_just_the_policies_that_want_it(
    tmp_path: Path, played: StandIn, full: Diagnosis, scope: str
) -> None:
    narrow = lacking(diagnosed(tmp_path, Setup(played, key_without(scope))))

    assert needing(full, scope)
    assert narrow == with_(f"scope: {scope} on {ORG_KEY}", lacking(full), needing(full, scope))


@pytest.mark.parametrize("scope", SITE_SCOPES)
def test_a_scope_that_a_sites_token_or_client_lacks_is_named_for_just_the_policies_that_want_it(
    tmp_path: Path, played: StandIn, at_gateway: AtGateway, scope: str
) -> None:
    found = lacking(diagnosed(tmp_path, Setup(played, narrow(at_gateway.auth, scope), auth=at_gateway.auth)))

    missing, full = f"scope: {scope} on {at_gateway.known_as}", lacking(at_gateway.full)
    concerned = needing(at_gateway.full, scope)
    assert {id_ for id_, needs in found.items() if missing in needs} == concerned
    assert {id_: found[id_] for id_ in found.keys() - concerned} == {id_: full[id_] for id_ in full.keys() - concerned}


def test_a_client_and_a_token_with_the_same_scopes_can_prove_the_same(tmp_path: Path, played: StandIn) -> None:
    found = [diagnosed(tmp_path, Setup(played, narrow(auth, "nothing"), auth=auth)) for auth in ("scoped", "oauth")]

    by_token, by_client = ({each.policy for each in diagnosis.prospects if each.is_provable} for diagnosis in found)
    assert by_token == by_client
    assert by_client >= {"own/jira-project", "own/confluence-space"}


def test_a_client_that_lacks_a_scope_logs_in_anew_just_once_for_each_endpoint_that_refuses_it(
    tmp_path: Path, played: StandIn, atlascan: Atlascan
) -> None:
    written(tmp_path, Setup(played, auth="oauth"))
    requests.post(f"{played.api_url}{OWN}reset", timeout=10)
    # One that is asked for each group, among others.
    atlascan("snapshot", "--all", credentials=narrow("oauth", "manage:jira-configuration"))

    refused = {each.path for each in ENDPOINTS if each.scope == "manage:jira-configuration"}
    visits = requests.get(f"{played.api_url}{OWN}requests", timeout=10).json()
    assert 1 < visits["requests"]["POST /oauth/token"] <= 1 + len(refused)


def with_(missing: str, found: Mapping[str, set[str]], concerned: set[str]) -> dict[str, set[str]]:
    """Return what policies lack once something is missing that concerns some of them."""
    return {id_: found.get(id_, set()) | ({missing} if id_ in concerned else set()) for id_ in {*found, *concerned}}


def test_the_scenarios_play_every_way_to_ask_so_that_each_scope_opens_something() -> None:
    played = [msgspec.yaml.decode((SCENARIOS / f"{name}.yaml").read_bytes()) for name in SCENES]
    ways = {value for each in ENDPOINTS if each.given for value in each.given.values}

    assert {scenario["sites"][0]["confluence"]["role_mode"] for scenario in played} == ways


# ------------------------------------------------------------------------------------------------------------ what is missing


def test_without_any_credential_each_is_named_once_for_each_policy(tmp_path: Path, open_site: StandIn) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site, {}, probe=False))

    for prospect in diagnosis.prospects:
        named = [need.credential for need in prospect.needs if need.lack is Lack.CREDENTIAL]
        interfaces = {each.interface for each in prospect.examined if each.interface in ("admin", "site")}
        assert sorted(filter(None, named)) == sorted({"admin": ORG_KEY, "site": ACCOUNT}[each] for each in interfaces), (
            prospect.policy
        )
    assert diagnosis.exit_code == 3


@pytest.mark.parametrize(("secrets", "wrong"), [(WRONG_KEY, ORG_KEY), (WRONG_TOKEN, ACCOUNT)])
def test_a_wrong_credential_is_told_from_one_that_lacks_a_scope(
    tmp_path: Path, open_site: StandIn, secrets: Mapping[str, str], wrong: str
) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site, secrets))

    lacks = {(need.lack, need.credential) for each in diagnosis.prospects for need in each.needs}
    assert lacks == {(Lack.CREDENTIAL, wrong), (Lack.ATTESTATION, None)}


def test_an_account_that_may_too_little_is_told_which_permission_it_lacks(tmp_path: Path, open_site: StandIn) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site, AGENT))

    assert "permission: Administer Jira (global permission) on " + ACCOUNT in lacking(diagnosis)["own/jira-project"]
    assert not any(need.lack is Lack.SCOPE for each in diagnosis.prospects for need in each.needs)


def test_what_is_opt_in_is_not_asked_and_says_so(tmp_path: Path, open_site: StandIn) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site, undocumented=False, probe=False))

    off = {each.name for each in ENDPOINTS if each.opt_in}
    assert {each.endpoint for each in diagnosis.examined if each.outcome is Outcome.OPT_IN_OFF} == off
    assert any("opt-in: undocumented" in need for need in lacking(diagnosis)["jsm/public-signup-off"])


@pytest.mark.parametrize("role_mode", ["PRE_ROLES", "ROLES", "ROLES_TRANSITION"])
def test_access_to_spaces_is_provable_only_where_some_way_to_ask_shows_all_of_it(tmp_path: Path, role_mode: str) -> None:
    scenario = msgspec.yaml.decode((SCENARIOS / "open.yaml").read_bytes())
    scenario["sites"][0]["confluence"]["role_mode"] = role_mode
    (tmp_path / "mode.yaml").write_bytes(msgspec.yaml.encode(scenario))
    with running(str(tmp_path / "mode.yaml")) as at:
        diagnosis = diagnosed(tmp_path, Setup(at, probe=False))

    assert ("own/confluence-space" in lacking(diagnosis)) == (role_mode == "ROLES_TRANSITION")


def test_an_app_that_the_site_does_not_have_is_not_missing_if_the_organization_says_so(tmp_path: Path) -> None:
    scenario = msgspec.yaml.decode((SCENARIOS / "open.yaml").read_bytes()) | {"page_size": 50}
    del scenario["sites"][0]["confluence"]
    apps = scenario["workspaces"]
    found = {}
    for listed in (True, False):
        scenario["workspaces"] = [each for each in apps if listed or each["type_key"] != "confluence"]
        (tmp_path / "without.yaml").write_bytes(msgspec.yaml.encode(scenario))
        with running(str(tmp_path / "without.yaml")) as at:
            found[listed] = lacking(diagnosed(tmp_path, Setup(at, probe=False)))

    needing = {"confluence/no-anonymous-spaces", "confluence/no-unlicensed-spaces", "own/confluence-site", "own/confluence-space"}
    assert found[False].keys() - found[True].keys() == set()
    assert found[True].keys() - found[False].keys() == needing


def test_a_site_that_cannot_be_reached_is_asked_once_and_says_so(
    tmp_path: Path, open_site: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "RETRIES", 0)
    nowhere = StandIn(open_site.api_url, {"acme": "http://127.0.0.1:9"})
    diagnosis = diagnosed(tmp_path, Setup(nowhere, probe=False, own=False))

    answers = {need.detail for each in diagnosis.prospects for need in each.needs if need.lack is Lack.ANSWER}
    assert answers == {"no answer from 127.0.0.1:9: the connection failed"}
    assert not lacking(diagnosis).keys() & {"access/no-open-domain-signup"}


def test_a_client_whose_secret_is_wrong_is_named(tmp_path: Path, open_site: StandIn) -> None:
    secrets = {**narrow("oauth", "nothing"), "ATLASCAN_CLIENT_SECRET": "wrong-secret"}
    diagnosis = diagnosed(tmp_path, Setup(open_site, secrets, auth="oauth", undocumented=False, probe=False))

    lacks = {(need.lack, need.credential) for each in diagnosis.prospects for need in each.needs}
    assert {lack for lack in lacks if lack[1] == CLIENT} == {(Lack.CREDENTIAL, CLIENT), (Lack.OPT_IN, CLIENT)}


def test_what_people_attest_today_needs_no_interface_where_one_page_tells_what_there_is(tmp_path: Path) -> None:
    scenario = msgspec.yaml.decode((SCENARIOS / "open.yaml").read_bytes()) | {"page_size": 50}
    (tmp_path / "roomy.yaml").write_bytes(msgspec.yaml.encode(scenario))
    of_invites = {"own/org-user_invites", "access/no-invites-allowed", "access/no-invitation-links"}
    with running(str(tmp_path / "roomy.yaml")) as roomy:
        today = attesting(tmp_path, roomy, ("jira", "jira-service-management", "confluence"), "2999-01-01")
        partly = attesting(tmp_path, roomy, ("jira", "confluence"), "2999-01-01")
        late = attesting(tmp_path, roomy, ("jira", "jira-service-management", "confluence"), "2020-01-01")

    assert {each.policy for each in today.prospects if each.attested} == of_invites
    assert not lacking(today).keys() & of_invites
    assert lacking(partly).keys() >= of_invites
    assert lacking(late).keys() >= of_invites


def test_what_more_than_one_page_might_hold_is_not_taken_for_attested(tmp_path: Path, open_site: StandIn) -> None:
    diagnosis = attesting(tmp_path, open_site, ("jira", "jira-service-management", "confluence"), "2999-01-01")

    assert "access/no-invites-allowed" in lacking(diagnosis)


def attesting(folder: Path, at: StandIn, apps: tuple[str, ...], expires: str) -> Diagnosis:
    told = {"facts": {"user_invites": "not_allowed"}, "attested_by": "kim@acme.example", "attested_on": "2019-01-01"}
    entries = [{"kind": "org.user_invites", "id": app, "expires": expires, **told} for app in apps]
    (folder / "attestations.yaml").write_bytes(msgspec.yaml.encode({"attestations": entries}))
    return diagnosed(folder, Setup(at, more="attestations: attestations.yaml\n"))


@pytest.mark.parametrize("secrets", [ADMIN, NARROW, AGENT, {}], ids=["admin", "narrow", "agent", "nobody"])
@pytest.mark.parametrize("undocumented", [True, False])
def test_a_policy_that_doctor_calls_provable_meets_no_gap_in_a_scan(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan, secrets: Mapping[str, str], *, undocumented: bool
) -> None:
    written(tmp_path, Setup(open_site, undocumented=undocumented, probe=False))
    examined = json.loads(atlascan("doctor", "--format", "json", credentials=secrets).out)
    scanned = json.loads(atlascan("scan", "-f", "json", credentials=secrets).out)

    provable = {each["id"] for each in examined["policies"] if each["provable"]}
    # What is odd in one answer among many, or left out of it, is not a matter of credentials.
    unknown = (each for each in scanned["findings"] if each["verdict"] == "unknown" and each["reason"] not in (None, "malformed"))
    in_the_dark = {each["policy"] for each in unknown}
    assert provable & in_the_dark <= BLURRED
    # Where a policy looks at what follows from several kinds, what is known of one may decide it.
    derived = {f"own/{each.kind.replace('.', '-')}" for each in DERIVED}
    assert OF_KIND.keys() - provable - derived == OF_KIND.keys() & in_the_dark - derived


# ------------------------------------------------------------------------------------------------ facts that no endpoint tells


def test_the_facts_that_endpoints_omit_are_those_that_nothing_collected_ever_has(tmp_path: Path) -> None:
    seen = {fact for scene in ("open", "locked", "demo") for fact in collected(tmp_path, scene)}

    no_endpoint = KINDS.keys() - OF_SUPPLIED
    untold = {(kind, fact) for kind in KINDS.keys() - no_endpoint for fact in KINDS[kind].facts.keys() - DECLARED} - seen
    # The search leaves archived projects out, so the stand-in has none to tell of.
    assert untold - {("jira.project", "archived")} == OMITTED


def collected(folder: Path, scene: str) -> set[tuple[str, str]]:
    """Return every fact, with its kind, that a collection of all there is has of a scenario."""
    with running(scene) as at, credentials():
        config, target = pipeline.load_config(written(folder, Setup(at, own=False))), str(folder / f"{scene}.ndjson")
        collection.take(config, target, needs=None, how=collection.How(), now=pipeline.utc_now())
        return {(each.kind, fact) for each in snapshots.load(target) if isinstance(each, Resource) for fact in each.facts}


_LOGIN = Test("login_required", "equals", (Constant(value=True),))
_MAIL = Test("accounts_from_mail_headers", "equals", (Constant("agents"),))
_SWITCH = Test("public_signup", "equals", (Constant(value=False),))
_LOGIN_FACT, _MAIL_FACT = ("jsm.customer_access", "login_required"), ("jsm.customer_access", "accounts_from_mail_headers")


@pytest.mark.parametrize(
    ("condition", "facts"),
    [
        (_SWITCH, set()),
        (_LOGIN, {_LOGIN_FACT}),
        (AllOf((_LOGIN, _SWITCH)), {_LOGIN_FACT}),
        (AllOf((_LOGIN, _MAIL)), {_LOGIN_FACT, _MAIL_FACT}),
        (AnyOf((_LOGIN, _SWITCH)), set()),
        (AnyOf((AllOf((_LOGIN, _MAIL)), _MAIL)), {_MAIL_FACT}),
        (Not(AllOf((_LOGIN, _SWITCH))), set()),
        (Not(AnyOf((_LOGIN, _SWITCH))), {_LOGIN_FACT}),
        (Not(Not(AnyOf((_LOGIN, _SWITCH)))), set()),
        (Related("jsm.customer_access", (), "some", AnyOf((_LOGIN, _SWITCH))), set()),
        (Related("jsm.customer_access", (), "none", AnyOf((_LOGIN, _SWITCH))), {_LOGIN_FACT}),
    ],
)
def test_a_policy_hinges_on_a_fact_that_no_endpoint_tells_where_nothing_else_can_make_it_pass(
    condition: Condition, facts: set[tuple[str, str]]
) -> None:
    shipped = policies.load()["jsm/help-center-needs-login"]
    assert hinges.of(dataclasses.replace(shipped, require=condition), OMITTED) == facts
    assert not hinges.of(dataclasses.replace(shipped, require=condition), frozenset())


def test_nothing_shipped_hinges_on_such_a_fact_but_what_people_are_known_to_have_to_state() -> None:
    by_kind = {each.id for each in policies.load().values() if each.kind not in OF_SUPPLIED | {"attestation"}}
    assert {each.id for each in policies.load().values() if hinges.of(each, OMITTED)} == STATED_BY_PEOPLE - by_kind


@pytest.mark.parametrize("undocumented", [True, False])
def test_an_opt_in_does_not_help_where_people_have_to_state_a_fact(
    tmp_path: Path, open_site: StandIn, *, undocumented: bool
) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site, undocumented=undocumented, own=False))

    [need] = next(each.needs for each in diagnosis.prospects if each.policy == "jsm/help-center-needs-login")
    assert (need.lack, need.wants, need.fact) == (Lack.ATTESTATION, KINDS["jsm.customer_access"].console, "login_required")
    text = " ".join(plain(rendered.page(diagnosis)).split())
    assert f"- an attestation of login_required: {need.wants}" in text
    assert "no public interface reads the customer access setting: login_required" in text


@pytest.mark.parametrize(("facts", "lacks"), [({"login_required": True}, False), ({"external_accounts": "nobody"}, True)])
def test_only_an_attestation_of_the_fact_itself_stands_in_for_it(tmp_path: Path, facts: dict[str, Any], *, lacks: bool) -> None:
    scenario = msgspec.yaml.decode((SCENARIOS / "open.yaml").read_bytes()) | {"page_size": 50}
    (tmp_path / "roomy.yaml").write_bytes(msgspec.yaml.encode(scenario))
    told = {"kind": "jsm.customer_access", "id": "acme", "facts": facts, "attested_by": "kim@acme.example"}
    entry = {**told, "attested_on": "2019-01-01", "expires": "2999-01-01"}
    (tmp_path / "attestations.yaml").write_bytes(msgspec.yaml.encode({"attestations": [entry]}))
    with running(str(tmp_path / "roomy.yaml")) as at:
        diagnosis = diagnosed(tmp_path, Setup(at, own=False, more="attestations: attestations.yaml\n"))

    of = next(each for each in diagnosis.prospects if each.policy == "jsm/help-center-needs-login")
    assert (bool(of.needs), of.attested) == (lacks, not lacks)


def test_a_scan_says_of_a_fact_that_no_endpoint_tells_how_to_attest_it(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    written(tmp_path, Setup(open_site, own=False))
    findings = json.loads(atlascan("scan", "-f", "json").out)["findings"]

    [found] = [each for each in findings if each["policy"] == "jsm/help-center-needs-login"]
    assert (found["verdict"], found["message"]) == ("unknown", "cannot be judged: login_required is not known")
    assert KINDS["jsm.customer_access"].console in found["hint"]
    assert "`atlascan attest`" in found["hint"]


# ----------------------------------------------------------------------------------------------------- what is said, and how


@cache
def schema() -> dict[str, Any]:
    return documents.schema("diagnosis")


@pytest.mark.parametrize("secrets", [ADMIN, {}, NARROW, WRONG_KEY, AGENT], ids=["admin", "none", "narrow", "wrong", "agent"])
def test_the_json_is_what_its_schema_promises(tmp_path: Path, open_site: StandIn, secrets: Mapping[str, str]) -> None:
    Draft202012Validator.check_schema(schema())
    document = json.loads(rendered.render(diagnosed(tmp_path, Setup(open_site, secrets))))

    assert list(Draft202012Validator(schema()).iter_errors(document)) == []
    assert list(document) == list(schema()["properties"])


def test_the_schema_knows_every_word_of_the_model() -> None:
    words = schema()["$defs"]

    assert words["outcome"]["enum"] == [each.value for each in Outcome]
    assert words["lack"]["enum"] == [each.value for each in Lack]


def test_text_and_json_end_with_the_same_exit_code(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    written(tmp_path, Setup(open_site, own=False))
    text, machine = atlascan("doctor"), atlascan("doctor", "--format", "json")

    diagnosis = json.loads(machine.out)
    provable = sum(each["provable"] for each in diagnosis["policies"])
    known = f"{provable} of {len(diagnosis['policies'])} policies can be proven with these credentials"
    assert text.out.splitlines()[-1] == f"exit code 3: {known}"
    assert (text.code, machine.code, json.loads(machine.out)["exit_code"]) == (3, 3, 3)


def test_when_all_can_be_proven_it_exits_with_0(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    written(tmp_path, Setup(open_site, own=False, more="profile: baseline\n"))
    done = atlascan("doctor")

    assert done.code == 0
    number = done.out.count("\nreadable  ")
    assert number == len(policies.select(policies.load(), "baseline", {}, {}, None))
    assert done.out.splitlines()[-1] == f"exit code 0: {number} of {number} policies can be proven with these credentials"


def test_the_least_privileges_are_named_though_nothing_can_be_reached(tmp_path: Path, atlascan: Atlascan) -> None:
    written(tmp_path, Setup(StandIn("http://127.0.0.1:9", {"acme": "http://127.0.0.1:9"}), own=False))
    done = atlascan("doctor", credentials={})

    assert done.code == 3
    for scope in ("read:app-access-settings:admin", "read:domains:admin", "read:jira-work", "read:servicedesk-request"):
        assert f" {scope}\n" in done.out
    assert "Administer Jira (global permission)\n" in done.out


def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path, open_site: StandIn) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site, NARROW, own=False))
    text = " ".join(plain(rendered.page(diagnosis)).split())

    assert f"- the scope read:app-access-settings:admin on {ORG_KEY}" in text
    assert (
        "what to do: give an organization admin API key (ATLASCAN_ORG_API_KEY) with the scope read:app-access-settings:admin"
        in text
    )


@pytest.mark.parametrize("secrets", [ADMIN, NARROW, WRONG_KEY, WRONG_TOKEN], ids=["admin", "narrow", "wrong key", "wrong token"])
@pytest.mark.parametrize("format_", doctor.FORMATS)
def test_no_secret_is_in_any_output(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan, secrets: Mapping[str, str], format_: str
) -> None:
    written(tmp_path, Setup(open_site))
    done = atlascan("doctor", "-v", "--format", format_, credentials=secrets)

    assert done.code == 3
    for secret in (secrets[ORG_KEY], secrets["ATLASCAN_API_TOKEN"], secrets["ATLASCAN_EMAIL"]):
        assert secret not in done.out + done.err


def test_a_sites_own_credential_is_called_by_its_own_name(tmp_path: Path, open_site: StandIn) -> None:
    secrets = {**ADMIN, "ATLASCAN_ACME_API_TOKEN": "wrong"}
    diagnosis = diagnosed(tmp_path, Setup(open_site, secrets, own=False))

    assert "credential: None on ATLASCAN_EMAIL and ATLASCAN_ACME_API_TOKEN" in lacking(diagnosis)["jsm/public-signup-off"]
    assert [each.credential for each in diagnosis.least] == [ORG_KEY, "ATLASCAN_EMAIL and ATLASCAN_ACME_API_TOKEN"]


# -------------------------------------------------------------------------------------------------- what the tables promise


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.surface} {endpoint.name}"


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.surface is Surface.SITE], ids=named)
def test_an_endpoint_of_a_site_says_what_its_account_has_to_be_allowed(endpoint: Endpoint) -> None:
    # Atlassian wants nothing to be allowed who asks a site what it is.
    assert endpoint.role or endpoint.path == "/rest/api/3/serverInfo"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_a_scope_is_named_in_its_own_field(endpoint: Endpoint) -> None:
    assert not any(f"{verb}:" in endpoint.hint for verb in ("read", "manage"))
    assert not endpoint.scope or endpoint.scope in endpoint.remedy


@pytest.mark.parametrize(
    "path", [f"{faces.GATEWAY_PREFIX}/{{}}/rest/api/3/project/search", f"{faces.CONFLUENCE_GATEWAY_PREFIX}/{{}}/wiki/api/v2/spaces"]
)
def test_the_gateway_of_the_stand_in_says_that_a_scope_is_missing_as_atlassians_does(played: StandIn, path: str) -> None:
    cloud_id = requests.get(f"{played.sites['acme']}/_edge/tenant_info", timeout=10).json()["cloudId"]
    wanted = next(route.scope for route in PROMISED if route.template in path)
    token = HTTPBasicAuth("admin@acme.example", f"token without {wanted}")
    answer = requests.get(played.api_url + path.format(cloud_id), auth=token, timeout=10)

    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "Unauthorized; scope does not match"})


def test_a_site_of_the_stand_in_takes_no_token_with_scopes_at_its_own_address(played: StandIn) -> None:
    token = HTTPBasicAuth("admin@acme.example", "token without nothing")

    assert requests.get(f"{played.sites['acme']}/rest/api/3/project/search", auth=token, timeout=10).status_code == 401


PROMISED = [each for each in site.ROUTES if each.promised_by]


@pytest.mark.parametrize("route", PROMISED, ids=[each.template for each in PROMISED])
def test_the_stand_in_wants_at_the_gateway_the_scope_that_atlassian_documents(route: Any) -> None:  # noqa: ANN401  any call
    if not promises.SPECS.is_dir():
        pytest.skip(f"NOT TESTED: Atlassian's OpenAPI documents are not in {promises.SPECS}")
    assert route.scope == documented_scope(route.promised_by, route.template)


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.surface is Surface.SITE], ids=named)
def test_the_scope_of_an_endpoint_is_the_one_that_opens_it_at_the_gateway(endpoint: Endpoint) -> None:
    wanted = {route.scope for route in PROMISED if matches(route.template, endpoint.path)}

    assert wanted <= {endpoint.scope}


def matches(template: str, path: str) -> bool:
    """Tell whether two templates are of one path, however they call what stands for an id."""
    ours, theirs = path.split("/"), template.split("/")
    return len(ours) == len(theirs) and all(
        one == other or one[:1] == other[:1] == "{" for one, other in zip(ours, theirs, strict=True)
    )


def documented_scope(document: str, template: str) -> str | None:
    operation = promises.patched_document(document)["paths"][template.removeprefix(promises.BELOW.get(document, ""))]["get"]
    scopes = [scopes for way in operation["security"] for scheme, scopes in way.items() if "oauth" in scheme.lower()]
    return next((scope for each in scopes for scope in each), None)


def test_the_least_privileges_hold_the_scopes_of_all_that_is_asked() -> None:
    for surface in (Surface.ADMIN, Surface.SITE):
        least = checkup.least(ENDPOINTS, surface, "a credential")
        mine = [each for each in ENDPOINTS if each.surface is surface]

        assert set(least.scopes) == {each.scope for each in mine if each.scope}
        assert least.endpoints == tuple(each.name for each in mine)


def test_what_the_account_may_do_is_asked_before_the_lists_that_it_tells_to_be_whole() -> None:
    order = list(ENDPOINTS)
    question = next(each for each in order if "account_permissions" in each.adds)

    assert all(order.index(question) < order.index(each) for each in ENDPOINTS if each.whole_with)


def test_every_kind_that_no_interface_reads_is_examined(tmp_path: Path, open_site: StandIn) -> None:
    diagnosis = diagnosed(tmp_path, Setup(open_site))

    examined = {kind for each in diagnosis.examined if each.outcome is Outcome.NO_ENDPOINT for kind in each.kinds}
    assert {each.kind for each in UNREADABLE} <= examined

"""The main job, as a user meets it: the program in its own process, against the stand-in site over real HTTP."""

import base64
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import Atlascan, Outcome
from tests.fake_atlassian.server import StandIn
from tests.sites import ADMIN

DATA = Path(__file__).parent / "data"
HEADLINES = {
    "access/no-invites-allowed",
    "access/no-open-domain-signup",
    "jsm/public-signup-off",
    "jsm/separate-support-email-domain",
}
INVITES = "org.user_invites"


def configured(folder: Path, site: StandIn, *, undocumented: bool = True, attestations: str = "", more: str = "") -> None:
    """Write a configuration that points at a stand-in site, and judges by the headline policies: they do not go by the date."""
    profile = f"title: Headlines.\npolicies: [{', '.join(sorted(HEADLINES | {'attestation/in-date'}))}]\n"
    (folder / "headlines.yaml").write_text(profile, encoding="utf-8")
    lines = [
        "profile: headlines.yaml",
        f"api_url: {site.api_url}",
        f"sites: [{{name: acme, url: '{site.sites['acme']}'}}]",
        "company_domains: [acme.example]",
        f"collect: {{undocumented: {'true' if undocumented else 'false'}}}",
        "desks: {HR: closed, IT: employees, SUP: closed}",
        more,
    ]
    if attestations:
        (folder / "attestations.yaml").write_text(attestations, encoding="utf-8")
        lines.append("attestations: attestations.yaml")
    (folder / "atlascan.yaml").write_text("\n".join(lines), encoding="utf-8")


def stated(user_invites: str) -> str:
    """Return attestations of one answer for every app."""
    entry = (
        "  - {{kind: org.user_invites, id: {app}, facts: {{user_invites: {answer}}}, attested_by: kim,"
        " attested_on: 2026-01-10, expires: 2099-12-31, evidence: x.png}}"
    )
    apps = ("jira", "jira-service-management", "confluence")
    return "\n".join(["attestations:", *(entry.format(app=app, answer=user_invites) for app in apps)])


def findings(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / "result.json").read_text(encoding="utf-8"))["findings"]
    return found


def of(verdict: str, folder: Path) -> list[dict[str, object]]:
    return [finding for finding in findings(folder) if finding["verdict"] == verdict]


def test_open_exits_1_and_each_failure_names_resource_values_source_and_remediation(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site, attestations=stated("anyone"))
    done = atlascan("scan", "-f", "json=result.json", "-f", "html=report.html", "-f", "junit=junit.xml")
    assert done.code == 1, done.err
    failures = of("fail", tmp_path)
    assert {failure["policy"] for failure in failures} == HEADLINES
    for failure in failures:
        assert str(failure["address"]).count("/") >= 1
        clauses = failure["clauses"]
        assert isinstance(clauses, list)
        assert all(clause["known"] and clause["wanted"] for clause in clauses)
        assert failure["source"] in {"attested", "api-experimental", "undocumented"}
        assert str(failure["address"]) in done.out
    assert done.out.count("What to do") == 1
    for policy in HEADLINES:
        assert f"  {policy}\n    1. " in done.out
    assert "exit code 1: " in done.out
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_locked_with_complete_attestations_exits_0(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site, attestations=stated("not_allowed"))
    done = atlascan("scan", "-f", "json=result.json")
    assert done.code == 0, done.out + done.err
    assert {finding["policy"] for finding in of("pass", tmp_path)} == HEADLINES | {"attestation/in-date"}


def test_locked_without_any_opt_in_exits_0_when_everything_is_attested(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    attestations = (DATA / "locked-attestations.yaml").read_text(encoding="utf-8")
    configured(tmp_path, locked_site, undocumented=False, attestations=attestations)
    done = atlascan("scan", "-f", "json=result.json")
    assert done.code == 0, done.out + done.err
    assert {finding["policy"] for finding in of("pass", tmp_path)} == HEADLINES | {"attestation/in-date"}


@pytest.mark.parametrize("undocumented", [True, False])
def test_locked_without_attestations_exits_3_and_says_what_would_make_each_unknown_known(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan, undocumented: bool
) -> None:
    configured(tmp_path, locked_site, undocumented=undocumented)
    done = atlascan("scan", "-f", "json=result.json")
    assert done.code == 3, done.out
    unknown = of("unknown", tmp_path)
    assert not of("fail", tmp_path)
    assert "access/no-invites-allowed" in {finding["policy"] for finding in unknown}
    for finding in unknown:
        assert "atlascan attest" in str(finding["hint"]), finding
    assert ("jsm/public-signup-off" in {finding["policy"] for finding in unknown}) is not undocumented


@pytest.mark.parametrize("scenario", ["open_site", "locked_site"])
def test_wrong_credentials_exit_3_with_forbidden_gaps_and_hints_and_never_0(
    tmp_path: Path, atlascan: Atlascan, scenario: str, request: pytest.FixtureRequest
) -> None:
    site: StandIn = request.getfixturevalue(scenario)
    configured(tmp_path, site, attestations=stated("not_allowed"))
    wrong = {name: f"wrong-{value}" for name, value in ADMIN.items()}
    done = atlascan("scan", "-f", "json=result.json", "--fail-on", "info", credentials=wrong)
    assert done.code == 3, done.out
    unknown = of("unknown", tmp_path)
    assert {finding["policy"] for finding in unknown} >= HEADLINES
    assert {finding["reason"] for finding in unknown} == {"forbidden"}
    assert all(finding["hint"] for finding in unknown)


def test_no_credentials_at_all_exit_3(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    done = atlascan("scan", "-f", "json=result.json", credentials={})
    assert done.code == 3
    assert {finding["reason"] for finding in of("unknown", tmp_path)} == {"no-credential"}


def test_unknown_can_be_allowed_but_failures_cannot(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    assert atlascan("scan", "--allow-unknown").code == 0
    configured(tmp_path, locked_site, attestations=stated("anyone"))
    assert atlascan("check", "--allow-unknown").code == 1
    assert atlascan("check", "--allow-unknown", "--fail-on", "critical").code == 0


def test_a_gate_that_judged_nothing_is_not_green(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    done = atlascan("scan", "--allow-unknown", credentials={})
    assert done.code == 3
    assert "exit code 3: nothing was judged" in done.out


def test_a_waiver_excuses_a_failure_and_shows_it(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    expires = datetime.now(UTC).date() + timedelta(days=300)
    waivers = "\n".join(
        [
            "waivers:",
            *(
                f"  - {{policy: {policy}, address: '*', reason: known, owner: sam, approved_by: kim, expires: {expires}}}"
                for policy in sorted(HEADLINES)
            ),
        ]
    )
    (tmp_path / "waivers.yaml").write_text(waivers, encoding="utf-8")
    configured(tmp_path, open_site, attestations=stated("anyone"), more="waivers: waivers.yaml")
    done = atlascan("scan", "-f", "json=result.json")
    assert done.code == 0, done.out
    assert {finding["policy"] for finding in of("fail", tmp_path)} == HEADLINES
    assert done.out.count(f"waived until {expires}") == len(of("fail", tmp_path))


def test_an_interface_that_contradicts_an_attestation_wins_if_worse_and_the_contradiction_fails_too(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    contradicting = (
        "\n  - {kind: jsm.customer_permissions, id: acme/HR, facts: {public_signup: false}, attested_by: kim,"
        " attested_on: 2026-01-10, expires: 2099-12-31, evidence: x.png}"
    )
    configured(tmp_path, open_site, attestations=stated("not_allowed") + contradicting)
    atlascan("scan", "-f", "json=result.json")
    failed = {(finding["policy"], finding["address"]) for finding in of("fail", tmp_path)}
    assert ("jsm/public-signup-off", "jsm.customer_permissions/acme/HR") in failed
    assert ("attestation/in-date", "attestation/jsm.customer_permissions/acme/HR") in failed


def test_the_snapshot_is_the_owners_alone_and_can_be_checked_again_and_piped(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site, attestations=stated("anyone"))
    scanned = atlascan("scan", "-o", "kept.ndjson")
    kept = tmp_path / "kept.ndjson"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert atlascan("check", "kept.ndjson") == Outcome(1, scanned.out, "")
    assert atlascan("check", "-", stdin=kept.read_text(encoding="utf-8")) == Outcome(1, scanned.out, "")


def test_a_saved_result_renders_into_every_format_without_the_snapshot(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site, attestations=stated("anyone"))
    scanned = atlascan("scan", "-f", "json=result.json", "-f", "html=first.html", "-f", "junit=first.xml")
    (tmp_path / "atlascan-snapshot.ndjson").unlink()
    (tmp_path / "atlascan.yaml").unlink()
    again = atlascan("report", "result.json", "-f", "html=second.html", "-f", "junit=second.xml")
    assert (again.code, again.out) == (0, scanned.out)
    assert (tmp_path / "first.html").read_bytes() == (tmp_path / "second.html").read_bytes()
    assert (tmp_path / "first.xml").read_bytes() == (tmp_path / "second.xml").read_bytes()


def test_a_recording_replays_to_the_same_verdicts_without_credentials_or_network(
    tmp_path: Path, open_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, open_site, attestations=stated("anyone"))
    recorded = atlascan("scan", "--record", "recording", "-f", "json=recorded.json")
    replayed = atlascan("scan", "--replay", "recording", "-f", "json=replayed.json", credentials={})
    assert (recorded.code, replayed.code) == (1, 1), replayed.err
    first, second = (json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("recorded.json", "replayed.json"))
    assert first["findings"] == second["findings"]
    assert second["snapshot"]["recorded"]


def test_no_credential_appears_in_any_file_log_or_error(tmp_path: Path, open_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, open_site, attestations=stated("anyone"))
    formats = ["-f", "json=result.json", "-f", "html=report.html", "-f", "junit=junit.xml", "-f", "text=report.txt"]
    said = [
        atlascan("scan", "-v", "--record", "recording", *formats),
        atlascan("scan", "-v", "-o", "atlascan.yaml/x", *formats),
        atlascan("snapshot", "-v", credentials={**ADMIN, "ATLASCAN_ORG_API_KEY": "unsendable-\x07-secret"}),
        atlascan("snapshot", "-v", credentials={name: f"wrong-{value}-secret" for name, value in ADMIN.items()}),
    ]
    assert "GET" in said[0].err
    secrets = ["stand-in-org-key", "stand-in-api-token", "unsendable", "-secret"]
    pair = f"{ADMIN['ATLASCAN_EMAIL']}:{ADMIN['ATLASCAN_API_TOKEN']}".encode()
    secrets += [base64.b64encode(pair).decode(), base64.urlsafe_b64encode(pair).decode()]
    secrets += [quote(secret) for secret in secrets]
    written = [file.read_text(encoding="utf-8") for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 8
    for text in [*written, *(each for outcome in said for each in (outcome.out, outcome.err))]:
        assert not [secret for secret in secrets if secret in text]

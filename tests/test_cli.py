"""The command line: what a user types first, and what it answers."""

import json
import tomllib
from pathlib import Path

import pytest

from scanner import causes
from scanner.cli import COMMANDS
from scanner.collect import walk
from tests.conftest import Atlascan
from tests.fake_atlassian.server import StandIn
from tests.test_scan import configured

ROOT = Path(__file__).parent.parent


def test_help_names_every_command_and_the_exit_codes(atlascan: Atlascan) -> None:
    done = atlascan("--help")
    assert (done.code, done.err) == (0, "")
    for name, (_, line) in COMMANDS.items():
        assert name in done.out
        assert line in " ".join(done.out.split())
    assert "Exit codes: 0 " in done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(atlascan: Atlascan, name: str) -> None:
    done = atlascan(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: atlascan {name}")


def test_the_version_is_the_packages(atlascan: Atlascan) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert atlascan("--version").out == f"atlascan, version {version}\n"


def test_a_mistyped_command_or_format_is_exit_2_with_the_nearest_name(atlascan: Atlascan) -> None:
    command = atlascan("scna")
    assert (command.code, command.out) == (2, "")
    assert "there is no command 'scna'; did you mean 'scan'?" in command.err
    format_ = atlascan("check", "-f", "htm=x.html")
    assert (format_.code, format_.out) == (2, "")
    assert "there is no format 'htm'; did you mean 'html'?" in format_.err


def test_without_a_configuration_the_error_says_how_to_get_one(atlascan: Atlascan) -> None:
    done = atlascan("scan")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: there is no atlascan.yaml in this folder\n hint: write one with `atlascan init`, or name one with --config\n"
    )


# Whom the audit log of the locked site names as somebody who logged in as another user.
SUPPORT_STAFF = "params: {audit/no-impersonation: {support_staff: [ben@acme.example]}}\n"


def test_init_writes_a_configuration_that_scans(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    done = atlascan("init", "--site", locked_site.sites["acme"], "--company-domain", "acme.example", "--undocumented")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("wrote atlascan.yaml\nwrote attestations.yaml\nwrote waivers.yaml\nnext: ")
    text = (tmp_path / "atlascan.yaml").read_text(encoding="utf-8")
    (tmp_path / "atlascan.yaml").write_text(f"{text}\napi_url: {locked_site.api_url}\n{SUPPORT_STAFF}", encoding="utf-8")
    assert atlascan("scan").code == 3


def test_init_asks_for_what_is_left_out_and_adds_https(tmp_path: Path, atlascan: Atlascan) -> None:
    done = atlascan("init", stdin="acme.atlassian.net\nacme.com acme.org\n")
    assert done.code == 0, done.err
    text = (tmp_path / "atlascan.yaml").read_text(encoding="utf-8")
    assert "url: https://acme.atlassian.net" in text
    assert "company_domains:\n- acme.com\n- acme.org\n" in text


def test_a_new_user_gets_from_nothing_to_green_by_what_the_program_says(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    begun = atlascan("init", "--site", locked_site.sites["acme"], "--company-domain", "acme.example", "--undocumented")
    assert begun.err.endswith("set ATLASCAN_ORG_API_KEY, ATLASCAN_EMAIL and ATLASCAN_API_TOKEN, then run `atlascan doctor`\n")
    with (tmp_path / "atlascan.yaml").open("a", encoding="utf-8") as file:
        file.write(f"\napi_url: {locked_site.api_url}\n{SUPPORT_STAFF}")
    # The stand-in's address has no first label to name the site by.
    text = (tmp_path / "atlascan.yaml").read_text(encoding="utf-8")
    (tmp_path / "atlascan.yaml").write_text(text.replace("- url:", "- name: acme\n  url:"), encoding="utf-8")
    bare = atlascan("doctor", credentials={})
    assert bare.code == 3
    assert "a credential: ATLASCAN_ORG_API_KEY" in bare.out
    assert "a credential: ATLASCAN_EMAIL and ATLASCAN_API_TOKEN (site acme)" in bare.out
    armed = atlascan("doctor")
    assert armed.code == 3
    assert "a credential" not in armed.out
    assert "an attestation: Atlassian Administration > Apps > App access settings > User invites" in armed.out
    assert armed.err == "next: run `atlascan scan`; what cannot be proven will be reported as unknown\n"
    scanned = atlascan("scan")
    assert scanned.code == 3
    assert "state what you see with `atlascan attest`" in " ".join(scanned.out.split())
    assert "11 attested\n" in atlascan("attest", "--by", "kim", stdin=AS_IT_SHOULD_BE).err
    assert atlascan("doctor").code == 0
    assert atlascan("check").code == 0


# What a person answers who sees each door closed in the console: each time what the program asks for, and last the evidence.
AS_IT_SHOULD_BE = "\n".join(
    (
        *("0", "proof.png"),  # a visitor's view of Confluence
        *("none", "0", "0", "0", "false", "proof.png"),  # and of Jira
        *("private", "admins", "proof.png"),  # team-managed projects
        *(
            "no-reply, noreply, do-not-reply, donotreply, mailer-daemon, postmaster, support, servicedesk",
            "none",
            "none",
            "proof.png",
        ),
        *("Staff", "true", "everyone", "true", "required", "480", "blocked", "blocked", "proof.png", ""),  # authentication policies
        *("required", "30", "blocked", "proof.png"),  # people of other companies
        *("blocked", "30", "proof.png"),  # API tokens
        *("not_allowed", "disabled", "proof.png") * 3,  # user invites of each app
        *("nobody", "true", "agents", "proof.png"),  # customer access
        "",
    )
)


def test_attest_asks_again_for_what_was_attested_in_part(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    partly = "attestations:\n" + "\n".join(
        f"- {{kind: org.user_invites, id: {app}, facts: {{invitation_links: disabled}}, attested_by: kim, attested_on: 2026-01-10,"
        " expires: 2099-12-31, evidence: x.png}"
        for app in ("jira", "jira-service-management", "confluence")
    )
    configured(tmp_path, locked_site, attestations=partly)
    assert atlascan("scan").code == 3
    done = atlascan("attest", "--by", "kim", stdin="not_allowed\ndisabled\nproof.png\n" * 3)
    assert "3 attested" in done.err, done.err
    assert atlascan("check").code == 0


def test_init_never_overwrites_and_refuses_what_is_no_address(tmp_path: Path, atlascan: Atlascan) -> None:
    bad = atlascan("init", "--site", "http://acme.atlassian.net", "--company-domain", "acme.com")
    assert bad.code == 2
    assert "in the clear" in bad.err
    assert not (tmp_path / "atlascan.yaml").exists()
    (tmp_path / "atlascan.yaml").write_text("mine", encoding="utf-8")
    assert atlascan("init", "--site", "https://x.example", "--company-domain", "x.example").code == 2
    assert (tmp_path / "atlascan.yaml").read_text(encoding="utf-8") == "mine"


def test_attest_asks_the_open_questions_and_makes_a_locked_site_green(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, locked_site)
    assert atlascan("scan").code == 3
    answers = "kim@acme.example\n" + "not_allowed\ndisabled\nevidence/invites.png\n" * 3
    attested = atlascan("attest", stdin=answers)
    assert (attested.code, attested.out) == (0, "")
    assert attested.err.count("look at: Atlassian Administration > Apps > App access settings > User invites") == 3
    assert "wrote attestations.yaml: 3 attested; add `attestations: attestations.yaml` to the configuration" in attested.err
    with (tmp_path / "atlascan.yaml").open("a", encoding="utf-8") as file:
        file.write("\nattestations: attestations.yaml\n")
    assert atlascan("check").code == 0
    again = atlascan("attest")
    assert (again.code, again.err) == (0, "nothing is open that a person could attest\n")


def test_attest_asks_for_desks_and_addresses_too_and_again_for_what_is_no_address(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, locked_site, undocumented=False)
    atlascan("scan")
    access = "nobody\ntrue\nagents\nproof.png\n"
    permissions = "restricted\norganization\nproof.png\n" * 3
    channels = (
        "not an address\nhr@acme.atlassian.net\nproof.png\nit@help.acme.example\nproof.png\nSUPPORT@help.acme.example\nproof.png\n"
    )
    invites = "not_allowed\ndisabled\nproof.png\n" * 3
    done = atlascan("attest", "--by", "kim", stdin=access + permissions + channels + invites)
    assert done.code == 0, done.err
    assert "'not an address' is not an e-mail address" in done.err
    assert "10 attested" in done.err
    with (tmp_path / "atlascan.yaml").open("a", encoding="utf-8") as file:
        file.write("\nattestations: attestations.yaml\n")
    checked = atlascan("check")
    assert checked.code == 0, checked.out


def test_attest_keeps_what_was_answered_before_it_was_stopped_and_what_was_there_before(
    tmp_path: Path, locked_site: StandIn, atlascan: Atlascan
) -> None:
    configured(tmp_path, locked_site)
    atlascan("scan")
    (tmp_path / "attestations.yaml").write_text(
        "# ours\nattestations:\n- {kind: org.user_invites, id: jira, facts: {user_invites: anyone}, attested_by: kim,"
        " attested_on: 2026-01-10, expires: 2026-01-11}\n",
        encoding="utf-8",
    )
    done = atlascan("attest", "--by", "kim", stdin="not_allowed\ndisabled\nproof.png\n")
    assert "stopped" in done.err
    text = (tmp_path / "attestations.yaml").read_text(encoding="utf-8")
    assert text.count("kind: org.user_invites") == 2
    assert "expires: '2026-01-11'" in text
    assert (tmp_path / "attestations.yaml.bak").read_text(encoding="utf-8").startswith("# ours\n")


@pytest.mark.parametrize("scenario", ["open_site", "locked_site"])
def test_everything_there_is_can_be_collected_whole(
    tmp_path: Path, atlascan: Atlascan, scenario: str, request: pytest.FixtureRequest
) -> None:
    configured(tmp_path, request.getfixturevalue(scenario))
    done = atlascan("snapshot", "--all")
    assert done.code == 0, done.err
    lines = (tmp_path / "atlascan-snapshot.ndjson").read_text(encoding="utf-8").splitlines()
    coverage = {each["kind"]: each for each in json.loads(lines[0])["header"]["coverage"]}
    by_hand = {each.kind for each in walk.UNREADABLE}
    by_hand |= {kind for each in walk.ENDPOINTS if each.opt_in not in {None, "undocumented"} for kind in each.kinds}
    assert {kind for kind, each in coverage.items() if not each["complete"]} == by_hand
    assert coverage.keys() >= {"org.user", "jira.permission_scheme", "jsm.customer", "confluence.space"}
    assert all(each["resources"] for kind, each in coverage.items() if kind not in by_hand)
    assert atlascan("check").code in (1, 3)


@pytest.mark.parametrize("command", ["scan", "snapshot"])
def test_what_is_collected_besides_what_the_policies_need_is_chosen(
    tmp_path: Path, atlascan: Atlascan, open_site: StandIn, command: str
) -> None:
    configured(tmp_path, open_site)

    def collected(*flags: str) -> set[str]:
        assert atlascan(command, *flags).code in (0, 1)
        header = json.loads((tmp_path / "atlascan-snapshot.ndjson").read_text(encoding="utf-8").splitlines()[0])["header"]
        return {each["kind"] for each in header["coverage"] if each["resources"]}

    plain, logs, everything = collected(), collected("--logs"), collected("--all")
    assert logs - plain >= {"jira.audit_record"}
    assert logs == plain | {kind for kind, _ in causes.NEEDS}
    assert everything > logs


def test_everything_can_be_collected_whatever_is_wrong_with_a_policy(
    tmp_path: Path, atlascan: Atlascan, open_site: StandIn
) -> None:
    configured(tmp_path, open_site)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "bad.yaml").write_text("id: bad\n", encoding="utf-8")
    with (tmp_path / "atlascan.yaml").open("a", encoding="utf-8") as config:
        config.write("policies: [ours]\n")
    assert atlascan("snapshot").code == 2
    assert atlascan("snapshot", "--all").code == 0


def test_a_snapshot_of_something_else_is_refused_and_a_site_that_is_not_in_it_is_no_success(
    tmp_path: Path, atlascan: Atlascan, locked_site: StandIn
) -> None:
    configured(tmp_path, locked_site)
    assert atlascan("snapshot").code == 0
    config = tmp_path / "atlascan.yaml"
    ours = config.read_text(encoding="utf-8")
    alone = atlascan("check", "--allow-unknown", "--fail-on", "critical")
    assert alone.code == 0, alone.out
    config.write_text(ours.replace("sites: [", "sites: [{name: emea, url: 'https://emea.atlassian.net'}, "), encoding="utf-8")
    more = atlascan("check", "--fail-on", "critical")
    assert (more.code, "of emea nothing is in the snapshot" in more.out) == (3, True)
    assert "warning: the snapshot holds nothing of emea; take a new one\n" in more.err
    for other, why in (("org: {id: another}\n", "of the organization another"), ("", "the site acme is ")):
        config.write_text(f"{other}{ours}" if other else ours.replace("127.0.0.1", "localhost"), encoding="utf-8")
        refused = atlascan("check")
        assert (refused.code, refused.out) == (2, "")
        assert why in refused.err
        assert "hint: name the right configuration with --config, or take a new snapshot" in refused.err


def test_policies_can_be_listed_and_shown(atlascan: Atlascan) -> None:
    listed = atlascan("policy", "list")
    assert listed.code == 0
    assert "* jsm/public-signup-off" in listed.out
    shown = atlascan("policy", "show", "jsm/public-signup-off")
    assert shown.code == 0
    assert shown.out.startswith("jsm/public-signup-off: Strangers cannot make themselves customers of a service desk\n")
    for part in ("Why", "What to do\n  1. ", "Controls", "soc-2: CC6.1"):
        assert part in shown.out
    missing = atlascan("policy", "show", "jsm/public-signup")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err == "error: there is no policy 'jsm/public-signup'\n hint: did you mean 'jsm/public-signup-off'?\n"


@pytest.mark.parametrize("name", ["config", "attestations", "waivers", "policy", "profile", "result", "drift", "diagnosis"])
def test_the_schema_of_every_file_can_be_had(atlascan: Atlascan, name: str) -> None:
    done = atlascan("schema", name)
    assert done.code == 0
    assert json.loads(done.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_two_recordings_at_once_are_refused(atlascan: Atlascan) -> None:
    done = atlascan("scan", "--record", "a", "--replay", "b")
    assert done.code == 2
    assert "exclude each other" in done.err


def test_where_nobody_answers_it_is_exit_2(tmp_path: Path, locked_site: StandIn, atlascan: Atlascan) -> None:
    configured(tmp_path, locked_site)
    assert atlascan("scan").code == 3
    for args in (("init", "-o", "n.yaml"), ("attest",)):
        done = atlascan(*args)
        assert done.code == 2
        assert done.err.splitlines()[-2:] == [
            "error: there is a question, and nobody answers it",
            " hint: answer it on a terminal, or by an option (see --help)",
        ]


LONG = "x" * 300


@pytest.mark.parametrize(
    "args", [("init", "-o", LONG), ("report", "r.json", "--templates", LONG), ("report", "r.json", "-f", f"html={LONG}")]
)
def test_a_name_that_is_too_long_is_exit_2(atlascan: Atlascan, args: tuple[str, ...]) -> None:
    done = atlascan(*args)
    assert (done.code, done.out) == (2, "")
    assert "File name too long" in " ".join(done.err.split())


def test_a_report_that_cannot_be_written_is_an_error_for_people(tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    done = atlascan("demo", "-o", "file/below")
    assert done.code == 3
    assert done.err.startswith("error: file/below/")
    assert "Traceback" not in done.err

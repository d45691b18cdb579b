"""`atlascan waive`: writes a waiver that will be honoured, and nothing else; the file keeps its comments and its order."""

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from scanner import policies, waivers
from scanner.model import Finding, Severity, Verdict, Waiver
from scanner.render import json as json_format
from tests import samples
from tests.conftest import Atlascan

SIGNUP, DESK = samples.PUBLIC_SIGNUP, "jsm.customer_permissions/acme/HR"
EVENTS = "jsm.customer_permissions/acme/EVENTS*"
TODAY = datetime.now(UTC).date()
WHO = ("--reason", "being closed", "--owner", "sam@acme.example", "--approved-by", "kim@acme.example")
OLD = f"""\
# Reviewed each quarter.
waivers:
  # Agreed in the board of May.
  - policy: {SIGNUP}
    address: {EVENTS}   # the fair
    reason: Guests register by themselves
    owner: events@acme.example
    approved_by: dana@acme.example
    expires: {TODAY + timedelta(days=10)}
# The end.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a configuration that names a waivers file, and a result."""
    (tmp_path / "atlascan.yaml").write_text("sites: [{url: https://acme.atlassian.net}]\nwaivers: waivers.yaml\n")
    (tmp_path / "waivers.yaml").write_text(OLD)
    (tmp_path / "result.json").write_text(json_format.render(samples.report()), encoding="utf-8")
    return tmp_path


def written(folder: Path, name: str = "waivers.yaml") -> tuple[Waiver, ...]:
    return waivers.load(folder / name, policies.load())


# ---------------------------------------------------------------------------------------------------------------- writing


def test_a_waiver_is_appended_and_nothing_else_changes(folder: Path, atlascan: Atlascan) -> None:
    last = TODAY + timedelta(days=60)
    done = atlascan("waive", SIGNUP, DESK, *WHO, "--expires", last.isoformat(), "--ticket", "SEC-9")
    assert (done.code, done.out) == (0, ""), done.err
    assert done.err == f"wrote waivers.yaml: {SIGNUP} at {DESK} is waived until {last} (60 days)\n"
    assert (folder / "waivers.yaml").read_text().startswith(OLD)
    assert written(folder)[1] == Waiver(SIGNUP, DESK, "being closed", "sam@acme.example", "kim@acme.example", last, "SEC-9")


def test_without_a_date_it_counts_for_thirty_days_and_says_so(folder: Path, atlascan: Atlascan) -> None:
    done = atlascan("waive", SIGNUP, DESK, *WHO)
    assert written(folder)[1].expires in (TODAY + timedelta(days=30), TODAY + timedelta(days=31)), "it may be midnight"
    assert f"is waived until {written(folder)[1].expires} (30 days)" in done.err


def test_a_file_that_is_not_there_is_made_and_the_configuration_is_to_name_it(folder: Path, atlascan: Atlascan) -> None:
    (folder / "waivers.yaml").unlink()
    (folder / "atlascan.yaml").write_text("sites: [{url: https://acme.atlassian.net}]\n")
    done = atlascan("waive", SIGNUP, DESK, *WHO)
    assert done.err.endswith("; add `waivers: waivers.yaml` to the configuration\n")
    assert [each.address for each in written(folder)] == [DESK]


def test_the_file_keeps_its_permissions_and_a_link_stays_one(folder: Path, atlascan: Atlascan) -> None:
    (folder / "waivers.yaml").rename(folder / "kept.yaml")
    (folder / "kept.yaml").chmod(0o644)
    (folder / "waivers.yaml").symlink_to("kept.yaml")
    assert atlascan("waive", SIGNUP, DESK, *WHO).code == 0
    assert (folder / "waivers.yaml").is_symlink()
    assert (folder / "kept.yaml").stat().st_mode & 0o777 == 0o644
    assert len(written(folder, "kept.yaml")) == 2


def test_what_it_writes_excuses_the_failure(folder: Path, atlascan: Atlascan) -> None:
    atlascan("waive", SIGNUP, DESK, *WHO)
    terms = waivers.Terms(datetime.now(UTC), {SIGNUP: "jsm.customer_permissions"})
    [failure] = [each for each in samples.report().findings if each.address == DESK and each.verdict is Verdict.FAIL]
    assert waivers.Excuses(written(folder), terms)(failure).waiver


# ---------------------------------------------------------------------------------------------------------------- refusing


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (
            ("jsm/public-signup-of", DESK, *WHO),
            "there is no policy 'jsm/public-signup-of'",
            "did you mean 'jsm/public-signup-off'?",
        ),
        (
            (SIGNUP, "org.user_invites/jira", *WHO),
            f"this waiver would not be honoured: {SIGNUP} judges jsm.customer_permissions, and this address never names one",
            "",
        ),
        (
            (SIGNUP, DESK, "--reason", "r", "--owner", "Sam", "--approved-by", "sam "),
            "this waiver would not be honoured: Sam approves it for themselves",
            "",
        ),
        (
            (SIGNUP, DESK, *WHO, "--expires", str(TODAY + timedelta(days=400))),
            "this waiver would not be honoured: it ends 400 days after the snapshot, and 366 are allowed",
            "",
        ),
        (
            (SIGNUP, DESK, *WHO, "--expires", "2020-01-01"),
            "this waiver would have expired already, after 2020-01-01",
            "",
        ),
        (
            (SIGNUP, "jsm.customer_permissions/acme/EVENTS-2", *WHO),
            f"{SIGNUP} at {EVENTS} is waived already, until {TODAY + timedelta(days=10)} (owner events@acme.example)",
            "to renew it, change that waiver's `expires`; to replace it, take it out first",
        ),
    ],
    ids=["no policy", "never matches", "own approval", "too long", "expired", "waived already"],
)
def test_what_would_not_be_honoured_is_not_written(
    folder: Path, atlascan: Atlascan, args: tuple[str, ...], error: str, hint: str
) -> None:
    done = atlascan("waive", *args)
    assert (done.code, done.err) == (2, f"error: {error}\n" + (f" hint: {hint}\n" if hint else ""))
    assert (folder / "waivers.yaml").read_text() == OLD


@pytest.mark.parametrize(
    ("given", "said"),
    [(("--reason", " "), "reason"), (("--ticket", "\udcff"), "invalid Unicode"), (("--owner", "\n"), "owner")],
)
def test_what_could_not_be_read_again_is_not_written(folder: Path, atlascan: Atlascan, given: tuple[str, ...], said: str) -> None:
    done = atlascan("waive", SIGNUP, DESK, *WHO, *given)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert said in done.err
    assert (folder / "waivers.yaml").read_text() == OLD


def test_an_expired_waiver_does_not_stand_in_the_way_of_a_new_one(folder: Path, atlascan: Atlascan) -> None:
    expired = OLD.replace(str(TODAY + timedelta(days=10)), "2020-01-01")
    (folder / "waivers.yaml").write_text(expired)
    assert atlascan("waive", SIGNUP, EVENTS, *WHO).code == 0
    assert [each.expires > TODAY for each in written(folder)] == [False, True]


@pytest.mark.parametrize("left_out", ["--reason", "--owner", "--approved-by"])
def test_without_a_terminal_what_is_missing_is_named(folder: Path, atlascan: Atlascan, left_out: str) -> None:
    at = WHO.index(left_out)
    done = atlascan("waive", SIGNUP, DESK, *WHO[:at], *WHO[at + 2 :])
    assert done.code == 2
    assert f"Error: give {left_out}\n" in done.err
    assert (folder / "waivers.yaml").read_text() == OLD


@pytest.mark.parametrize("given", ["2026-02-30", "tomorrow"])
def test_a_date_that_is_none_is_refused(folder: Path, atlascan: Atlascan, given: str) -> None:
    done = atlascan("waive", SIGNUP, DESK, *WHO, "--expires", given)
    assert done.code == 2
    assert f"'{given}' does not match the format '%Y-%m-%d'" in done.err
    assert (folder / "waivers.yaml").read_text() == OLD


# ---------------------------------------------------------------------------------------------------------- with a result


def test_with_a_result_it_says_how_many_failures_that_excuses(folder: Path, atlascan: Atlascan) -> None:
    done = atlascan("waive", samples.MAIL_DOMAIN, "jsm.email_channel/acme/*", *WHO, "--result", "result.json")
    assert done.err.endswith("(30 days); in result.json that is 2 failures\n")
    assert len(written(folder)) == 2


@pytest.mark.parametrize(
    ("about", "error", "hint"),
    [
        (
            (SIGNUP, "jsm.customer_permissions/acme/HT"),
            f"{SIGNUP} has no failure at jsm.customer_permissions/acme/HT in result.json",
            f"did you mean '{DESK}'?",
        ),
        (
            (samples.MAIL_DOMAIN, "jsm.email_channel/acme/suport@acme.example"),
            f"{samples.MAIL_DOMAIN} has no failure at jsm.email_channel/acme/suport@acme.example in result.json",
            "did you mean 'jsm.email_channel/acme/support@acme.example'? Near it fail too: jsm.email_channel/acme/hr@acme.example",
        ),
        (
            (SIGNUP, "jsm.customer_permissions/acme-support/FIELD"),
            f"jsm.customer_permissions/acme-support/FIELD could not be judged by {SIGNUP} in result.json",
            "only a failure can be waived: nobody can accept what nobody has seen",
        ),
        (
            (SIGNUP, "org.user_invites/jira"),
            f"{SIGNUP} has no failure at org.user_invites/jira in result.json",
            f"what fails there is {samples.INVITES}",
        ),
        ((SIGNUP, "?"), f"{SIGNUP} has no failure at ? in result.json", f"by this policy fails: {DESK}"),
        (
            ("jira/no-public-filters", "?"),
            "jira/no-public-filters has no failure at ? in result.json",
            "nothing fails by this policy",
        ),
    ],
)
def test_a_failure_that_the_result_does_not_have_is_not_waived(
    folder: Path, atlascan: Atlascan, about: tuple[str, str], error: str, hint: str
) -> None:
    done = atlascan("waive", *about, *WHO, "--result", "result.json")
    assert (done.code, done.err) == (2, f"error: {error}\n hint: {hint}\n")
    assert (folder / "waivers.yaml").read_text() == OLD


def test_of_very_many_near_ones_a_few_are_named(folder: Path, atlascan: Atlascan) -> None:
    findings = tuple(
        Finding(policy=SIGNUP, address=f"k/{number}", name="n", verdict=Verdict.FAIL, severity=Severity.HIGH, message="m")
        for number in range(50)
    )
    many = msgspec.structs.replace(samples.report(), findings=findings)
    (folder / "result.json").write_text(json_format.render(many))
    done = atlascan("waive", SIGNUP, "elsewhere", *WHO, "--result", "result.json")
    assert done.err.endswith(" hint: by this policy fails: k/0, k/1, k/10, k/11, k/12 and 45 more\n")


# ----------------------------------------------------------------------------------------------------------- on a terminal


def on_a_terminal(folder: Path, *args: str, typed: str) -> str:
    """Run the program with a terminal to ask on, type answers, and return what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "scanner", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        os.write(ours, typed.encode())
        _, shown = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return shown.decode()


def test_on_a_terminal_it_asks_for_what_is_missing_and_shows_the_last_day(folder: Path) -> None:
    shown = on_a_terminal(folder, "waive", SIGNUP, DESK, "--owner", "sam", typed="being closed\nkim\n\n")
    assert "Why is the failure acceptable?" in shown
    assert "Who answers for it?" not in shown
    made = written(folder)[1]
    assert f"Last day on which it counts [{made.expires}]" in shown
    assert (made.reason, made.owner, made.approved_by, made.ticket) == ("being closed", "sam", "kim", None)


def test_a_day_that_is_none_is_asked_for_again(folder: Path) -> None:
    day = TODAY + timedelta(days=5)
    shown = on_a_terminal(folder, "waive", SIGNUP, DESK, *WHO, typed=f"tomorrow\n{day}\n")
    assert "'tomorrow' is not a date (YYYY-MM-DD)" in shown
    assert written(folder)[1].expires == day

"""`check --explain`: how a verdict comes about, step by step, or what is wrong with the question."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Atlascan

DEMO = Path(__file__).parent.parent / "cassettes" / "demo"
SIGNUP = """\
jsm/public-signup-off: Strangers cannot make themselves customers of a service desk

jsm.customer_permissions/acme/HR: fail, critical
  anyone can make themselves a customer here
  where
    true    desk_kind: anything but public: it is closed
  require
    false   all of
      false   public_signup: anything but true: it is true
      unknown any of
        false   public_signup: false: it is true
        unknown channel_access: restricted: it is not known
        unknown some of jsm.customer_access whose id is our site: 1 of them
          unknown jsm.customer_access/acme
            unknown external_accounts: one of nobody, domains: it is not known
  settled_by
    unknown some of jsm.customer_access whose id is our site: 1 of them
      unknown jsm.customer_access/acme
        unknown external_accounts: nobody: it is not known
"""


@pytest.fixture
def demo(tmp_path: Path, atlascan: Atlascan) -> Path:
    """Return a folder with the demo's snapshot and configuration."""
    assert atlascan("demo", "-o", str(tmp_path)).code == 0
    for name in ("atlascan.yaml", "attestations.yaml", "waivers.yaml"):
        shutil.copy(DEMO / name, tmp_path)
    return tmp_path


def explained(folder: Path, atlascan: Atlascan, policy: str, address: str) -> tuple[int, str, str]:
    config, snapshot = folder / "atlascan.yaml", folder / "atlascan-snapshot.ndjson"
    done = atlascan("check", str(snapshot), "-c", str(config), "--explain", policy, address)
    return done.code, done.out, done.err


def test_each_step_says_what_was_asked_what_came_out_and_what_was_seen(demo: Path, atlascan: Atlascan) -> None:
    code, out, err = explained(demo, atlascan, "jsm/public-signup-off", "jsm.customer_permissions/acme/HR")
    assert (code, err) == (0, "")
    assert out.strip("\n") == SIGNUP.strip("\n")


@pytest.mark.parametrize(
    ("policy", "address", "wanted"),
    [
        (
            "jsm/public-signup-of",
            "jsm.customer_permissions/acme/HR",
            "error: the policy 'jsm/public-signup-of' is not applied here\n hint: did you mean 'jsm/public-signup-off'?\n",
        ),
        (
            "jsm/public-signup-off",
            "jsm.service_desk/acme/HR",
            (
                "error: jsm/public-signup-off judges jsm.customer_permissions, not jsm.service_desk\n"
                " hint: an address is such as jsm.customer_permissions/<id>\n"
            ),
        ),
        (
            "jsm/public-signup-off",
            "jsm.customer_permissions/acme/HRR",
            "error: there is no jsm.customer_permissions/acme/HRR in the snapshot\n hint: did you mean 'acme/HR'?\n",
        ),
    ],
)
def test_a_question_that_leads_nowhere_is_answered_with_what_was_meant(
    demo: Path, atlascan: Atlascan, policy: str, address: str, wanted: str
) -> None:
    assert explained(demo, atlascan, policy, address) == (2, "", wanted)


def test_every_verdict_of_the_demo_can_be_explained(demo: Path, atlascan: Atlascan) -> None:
    """Of each area one failure, as the report has it."""
    result = json.loads((demo / "result.json").read_text(encoding="utf-8"))
    failing = {each["policy"].partition("/")[0]: each for each in result["findings"] if each["verdict"] == "fail"}
    assert len(failing) > 4
    for policy, address in ((each["policy"], each["address"]) for each in failing.values()):
        code, out, err = explained(demo, atlascan, policy, address)
        assert (code, err) == (0, "")
        assert f"{address}: fail, " in out
        assert "    false   " in out

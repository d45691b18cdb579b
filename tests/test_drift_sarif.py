"""Drift as SARIF: what opened is new, what is open still unchanged, what closed is absent, and a scan's results are left alone."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scanner.model import Drift, Effect
from scanner.render import sarif
from scanner.render.drift.sarif import render
from tests import drifts, samples
from tests.interchange import complaints

SAMPLES = [drifts.drift, drifts.empty, drifts.hostile]

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)


def run(whole: Drift) -> dict[str, Any]:
    [found] = json.loads(render(whole))["runs"]
    assert isinstance(found, dict)
    return found


def addresses(results: list[dict[str, Any]]) -> dict[str, str]:
    return {each["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: each.get("baselineState", "") for each in results}


@every_sample
def test_the_file_conforms_to_the_published_schema(sample: Callable[[], Drift]) -> None:
    assert complaints("sarif-2.1.0.json")(json.loads(render(sample()))) == []


def test_results_are_what_is_open_new_or_unchanged_and_nothing_else() -> None:
    assert addresses(run(drifts.drift())["results"]) == {
        "org.access_domain/ANYONE": "new",
        "jsm.customer_permissions/acme/HR": "new",
        "jsm.customer_permissions/acme/FIN": "new",
        "org.user_invites/jira": "unchanged",
    }


def test_what_went_out_of_sight_or_cannot_be_compared_is_a_notification() -> None:
    [invocation] = run(drifts.drift())["invocations"]
    unknown = [each for each in invocation["toolExecutionNotifications"] if each["descriptor"]["id"] == "unknown"]
    assert [*addresses(unknown)] == ["jsm.customer_permissions/acme/OPS", "jsm.email_channel/beta/x@y"]


def test_where_sight_was_lost_github_keeps_the_alerts_as_they_were() -> None:
    lost = [turn for turn in drifts.drift().turns if turn.effect is Effect.SIGHT_LOST]
    whole = drifts.gated(msgspec.structs.replace(drifts.empty(), turns=tuple(lost)))
    assert whole.gate.exit_code == 3
    assert run(whole)["invocations"][0]["executionSuccessful"] is False


def test_it_takes_the_place_of_no_scan() -> None:
    [scan] = json.loads(sarif.render(samples.report()))["runs"]
    assert scan["automationDetails"]["id"] == "atlascan/acme+acme-support/"
    assert run(drifts.drift())["automationDetails"]["id"] == "atlascan-drift/acme+acme-support/"


def test_a_result_is_known_again_in_the_scan() -> None:
    """Its fingerprint is that of the finding, so that a reader of both holds them together."""
    prints = {
        each["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]: each["partialFingerprints"]["atlascan/v1"]
        for each in json.loads(sarif.render(samples.report()))["runs"][0]["results"]
    }
    ours = [each for each in run(drifts.drift())["results"] if each["ruleId"] == "access/no-open-domain-signup"]
    assert [each["partialFingerprints"]["atlascan/v1"] for each in ours] == [prints["org.access_domain/ANYONE"]]

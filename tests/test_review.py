"""The pack of a review holds all that it rests on, tells the story of the month, and can be judged again by what is in it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from lxml import html as lxml_html

from scanner import documents, review
from scanner.cli import pipeline
from scanner.cli.past import looks, rules
from scanner.cli.review import CONTENTS
from scanner.errors import InputError
from scanner.model import Drift, Effect, History, Verdict
from scanner.render import cover
from scanner.render.drift.told import LABELS
from scanner.review import Manifest
from tests import month_kept, samples
from tests.conftest import Atlascan, Outcome
from tests.test_history import POLICY, finding, judged, look, refused, told_of

DAYS = ("--from", "2026-10-01", "--to", "2026-10-31")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store of the month and what it was judged by."""
    folder: Path = tmp_path_factory.mktemp("month")
    month_kept.kept(folder)
    return folder


@pytest.fixture
def reviewed(kept: Path, atlascan: Atlascan) -> Callable[..., Outcome]:
    def run(*more: str, target: str = "p.zip") -> Outcome:
        given = ("--store", str(kept / "store"), "-c", str(kept / "after" / "atlascan.yaml"), "-o", target)
        return atlascan("review", *DAYS, *given, *more)

    return run


def unpacked(path: Path, folder: Path) -> Path:
    with ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def sealed_again(folder: Path, target: Path) -> None:
    """Pack a folder with a manifest that fits what is in it, as somebody would who knows how."""
    file = folder / review.MANIFEST
    manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    file.unlink()
    file.write_bytes(review.text(msgspec.structs.replace(manifest, files=review.entries(folder))))
    review.pack(folder, target, datetime(2026, 10, 29, 6, tzinfo=UTC))


def text_of(page: Path) -> str:
    return page_text(page.read_text(encoding="utf-8"))


def page_text(page: str) -> str:
    document: Any = lxml_html.document_fromstring(page)  # lxml's types allow what no page has
    for element in document.xpath("//style"):
        element.drop_tree()
    return " ".join(" ".join(document.itertext()).split())


def test_the_pack_holds_everything_tells_the_month_and_is_judged_again_to_the_same(
    kept: Path, tmp_path: Path, reviewed: Callable[..., Outcome], atlascan: Atlascan
) -> None:
    done = reviewed("--reviewer", "Kim <script>")
    elsewhere = "access.png, authentication.png, external.png, filter.png, hr.png and 6 more"
    note = f"note: the evidence is not in the pack, and has to be kept with it: {elsewhere}\n"
    assert (done.code, done.err) == (0, f"{note}wrote p.zip: 85 files; exit code 0 at the end\n")
    verified = atlascan("verify", "p.zip", "--re-derive", credentials={})
    assert (verified.code, verified.err) == (0, "")
    assert verified.out == f"p.zip: all 84 files are as they were packed, and judged again the verdicts are the same\n{done.out}"

    folder = unpacked(tmp_path / "p.zip", tmp_path / "out")
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    assert {each for each in CONTENTS if not each.endswith("/")} - set(names) == {"rules/waivers.yaml"}
    days = sorted(file.name for file in (kept / "store").iterdir())
    assert sorted(name for name in names if name.startswith("results/")) == [f"results/{day}" for day in days if "result" in day]
    assert sorted(name for name in names if name.startswith("snapshots/")) == [f"snapshots/{days[0]}", f"snapshots/{days[-2]}"]
    assert len([name for name in names if name.startswith("rules/shipped/")]) > 50
    assert "rules/policies/0/acme/hardly-any-org-admins.yaml" in names

    cover = text_of(folder / "cover.html")
    for told in (
        "Review of access: Acme (locked) From 2026-10-01 To 2026-10-31",
        "9 looks, from 2026-10-01 06:00 UTC to 2026-10-29 06:00 UTC",
        "Reviewer Kim <script>",
        "Everything at severity high or above was judged and passes. As a gate, exit code 0.",
        "1 opened It passed, was not there or could not be judged, and fails now.",
        "Of what failed in any look between them, 4 were not seen to fail any more later",
        "medium acme/hardly-any-org-admins Acme (locked) open, seen in the last look only: 2026-10-29",
        "SHA-256 of manifest.json, as atlascan verify prints it",
    ):
        assert told in cover
    for entry in msgspec.json.decode((folder / review.MANIFEST).read_bytes(), type=Manifest).files:
        assert entry.name == "cover.html" or f"{entry.size:,} {entry.sha256}" in cover


def test_the_same_review_makes_the_same_pack(tmp_path: Path, reviewed: Callable[..., Outcome]) -> None:
    reviewed()
    reviewed(target="again.zip")
    assert (tmp_path / "p.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_a_verdict_that_was_changed_in_the_pack_comes_out_when_it_is_judged_again(
    tmp_path: Path, reviewed: Callable[..., Outcome], atlascan: Atlascan
) -> None:
    reviewed()
    folder = unpacked(tmp_path / "p.zip", tmp_path / "out")
    file = folder / "report" / "result.json"
    result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    [failure] = [each for each in result["findings"] if each["verdict"] == "fail"]
    failure["verdict"] = "pass"
    file.write_text(json.dumps(result), encoding="utf-8")
    sealed_again(folder, tmp_path / "p.zip")
    assert atlascan("verify", "p.zip").code == 0
    found = atlascan("verify", "p.zip", "--re-derive")
    assert found.code == 1
    address = f"{failure['policy']} at {failure['address']}"
    assert found.out.splitlines()[0] == f"{address}: pass (medium) in the pack, and fail (medium) judged again"


def test_rules_that_were_changed_in_the_pack_come_out_when_it_is_judged_again(
    tmp_path: Path, reviewed: Callable[..., Outcome], atlascan: Atlascan
) -> None:
    """The packed policies judge, and not those of whoever verifies."""
    reviewed()
    folder = unpacked(tmp_path / "p.zip", tmp_path / "out")
    policy = folder / "rules" / "policies" / "0" / "acme" / "hardly-any-org-admins.yaml"
    assert "at_most: 2" in policy.read_text(encoding="utf-8")
    policy.write_text(policy.read_text(encoding="utf-8").replace("at_most: 2", "at_most: 20"), encoding="utf-8")
    shipped_one = folder / "rules" / "shipped" / "identity" / "sso-enforced.yaml"
    shipped_one.write_text(shipped_one.read_text(encoding="utf-8").replace("severity: high", "severity: low"), encoding="utf-8")
    sealed_again(folder, tmp_path / "p.zip")
    found = atlascan("verify", "p.zip", "--re-derive")
    assert found.code == 1
    assert "acme/hardly-any-org-admins at org/" in found.out
    assert "identity/sso-enforced at " in found.out


def test_rules_that_point_out_of_the_pack_are_not_followed(
    tmp_path: Path, reviewed: Callable[..., Outcome], atlascan: Atlascan
) -> None:
    reviewed()
    folder = unpacked(tmp_path / "p.zip", tmp_path / "out")
    file = folder / "rules" / "atlascan.yaml"
    right = file.read_text(encoding="utf-8")
    for key, wrong in (
        ("profile", "/etc/profile.yaml"),
        ("attestations", "../../x.yaml"),
        ("policies", ["/etc"]),
        ("waivers", "/x"),
    ):
        file.write_text(documents.dump(documents.parse(right, "x").value | {key: wrong}), encoding="utf-8")
        sealed_again(folder, tmp_path / "p.zip")
        found = atlascan("verify", "p.zip", "--re-derive")
        assert (found.code, found.out) == (2, "")
        assert "it points to files that are not those of the pack" in found.err


def test_evidence_outside_of_the_pack_is_not_read(kept: Path, tmp_path: Path) -> None:
    config = pipeline.load_config(kept / "after" / "atlascan.yaml")
    rules.write(config, pipeline.criteria(config), tmp_path / "rules")
    file = tmp_path / "rules" / rules.ATTESTATIONS
    document = documents.parse(file.read_text(encoding="utf-8"), "x").value
    (tmp_path / "x").write_bytes(b"not what was attested")
    for path in ("../x", str(tmp_path / "x"), "/dev/zero", "y/../../x"):
        document["attestations"][0]["evidence"] = {"file": path, "sha256": "0" * 64}
        file.write_text(documents.dump(document), encoding="utf-8")
        judged_by = pipeline.criteria(rules.read(tmp_path / "rules"))
        assert judged_by.attestations[0].evidence == path


def test_evidence_in_the_pack_is_held_against_its_digest(kept: Path, tmp_path: Path) -> None:
    config = pipeline.load_config(kept / "after" / "atlascan.yaml")
    rules.write(config, pipeline.criteria(config), tmp_path / "rules")
    file = tmp_path / "rules" / rules.ATTESTATIONS
    document = documents.parse(file.read_text(encoding="utf-8"), "x").value
    (tmp_path / "rules" / "x").write_bytes(b"not what was attested")
    document["attestations"][0]["evidence"] = {"file": "x", "sha256": "0" * 64}
    file.write_text(documents.dump(document), encoding="utf-8")
    with pytest.raises(InputError, match="is not the file that was attested"):
        pipeline.criteria(rules.read(tmp_path / "rules"))


def test_evidence_that_is_kept_elsewhere_is_named_when_packing_and_not_needed_to_judge_again(
    kept: Path, tmp_path: Path, atlascan: Atlascan
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(kept / "after", folder)
    (tmp_path / "seen.png").write_bytes(b"seen")
    document = documents.parse((folder / "attestations.yaml").read_text(encoding="utf-8"), "x").value
    digest = hashlib.sha256(b"seen").hexdigest()
    document["attestations"][0]["evidence"] = {"file": "../seen.png", "sha256": digest}
    (folder / "attestations.yaml").write_text(documents.dump(document), encoding="utf-8")
    given = ("--store", str(kept / "store"), "-c", str(folder / "atlascan.yaml"), "-o", "p.zip")
    done = atlascan("review", *DAYS, *given)
    assert done.code == 0
    assert "note: the evidence is not in the pack, and has to be kept with it: ../seen.png, " in done.err
    shutil.rmtree(folder)
    (tmp_path / "seen.png").unlink()
    again = atlascan("verify", "p.zip", "--re-derive")
    assert (again.code, again.err) == (0, "")
    packed = unpacked(tmp_path / "p.zip", tmp_path / "out")
    assert digest in (packed / "rules" / rules.ATTESTATIONS).read_text(encoding="utf-8")
    assert "has to be kept with it: ../seen.png, " in text_of(packed / "cover.html")


def test_rules_stand_alone_whatever_the_configuration_names_and_hold_no_comment(kept: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(kept / "after", folder)
    (folder / "base.yaml").write_text(
        "title: Base.\npolicies: ['access/*']\ndisable: {access/licence-headroom: we pay anyway}\n", encoding="utf-8"
    )
    (folder / "ours.yaml").write_text(
        "title: Ours.\nextends: ./base.yaml\npolicies: [identity/sso-enforced]\nseverity: {identity/sso-enforced: critical}\n",
        encoding="utf-8",
    )
    (folder / "waivers.yaml").write_text("waivers: []\n", encoding="utf-8")
    with (folder / "atlascan.yaml").open("a", encoding="utf-8") as file:
        file.write("\nprofile: ./ours.yaml\nwaivers: {file: waivers.yaml, longest: 90}\n# my token: hunter2\n")
    config = pipeline.load_config(folder / "atlascan.yaml")
    by = pipeline.criteria(config)
    rules.write(config, by, tmp_path / "rules")
    shutil.rmtree(folder)
    again = rules.read(tmp_path / "rules")
    derived = pipeline.criteria(again)
    assert [(rule.policy.id, rule.severity, rule.params) for rule in derived.rules] == [
        (rule.policy.id, rule.severity, rule.params) for rule in by.rules
    ]
    assert {rule.policy.file.is_relative_to(tmp_path) for rule in derived.rules} == {True}
    assert derived.left_out == by.left_out
    assert (derived.attestations, derived.waivers) == (by.attestations, by.waivers)
    assert again.waiver_limits == config.waiver_limits
    assert not [file for file in (tmp_path / "rules").rglob("*.yaml") if "hunter2" in file.read_text(encoding="utf-8")]


# ----------------------------------------------------------------------------------------------------------------- the cover


def cover_of(whole: History, drift: Drift | None = None) -> str:
    report = samples.empty_report()
    page = cover.render(report, whole, drift, window=(date(2026, 7, 1), date(2026, 9, 30)), reviewer=None, files=(), notes=())
    return page_text(page)


def test_the_cover_counts_what_became_of_verdicts_as_the_page_of_the_drift_does() -> None:
    seen = look(0, refused()), look(7, finding(), finding(address="org.access_domain/b"))
    [_, (_, drift)] = looks.in_pairs(seen)
    assert drift is not None
    assert {(turn.effect, turn.after) for turn in drift.turns} == {(Effect.SIGHT_GAINED, "fail"), (Effect.SIGHT_GAINED, None)}
    shown = cover_of(told_of(*seen), drift)
    assert f"2 {' '.join(LABELS[Effect.OPENED])} 1 {' '.join(LABELS[Effect.SIGHT_GAINED])} Changed settings" in shown


@pytest.mark.parametrize(
    ("later", "because"),
    [
        ({"policies": ()}, "the policy was not applied"),
        ({"policies": [judged(version=2)], "findings": [finding(Verdict.UNKNOWN)]}, "the policy has another version"),
    ],
)
def test_the_cover_names_the_doors_that_cannot_be_compared_any_more_and_calls_none_closed(
    later: dict[str, Any], because: str
) -> None:
    shown = cover_of(told_of(look(0, finding()), look(7, *later.pop("findings", ()), **later)))
    _, _, left = shown.partition("Open until it could not be compared any more")
    assert left.partition("Sign-off")[0].endswith(f"not comparable from there {because} ")
    assert f"high {POLICY} partner.example open for at least 7 d" in left
    assert "Of what failed in any look between them, 0 were not seen to fail any more later" in shown


def test_the_cover_says_what_is_waived_and_what_was_not_seen_in_the_last_look() -> None:
    waiver = next(each.waiver for each in samples.report().findings if each.waiver)
    assert "since 2026-07-01 (waived) " in cover_of(told_of(look(0, finding()), look(7, finding(waiver=waiver))))
    unseen = cover_of(told_of(look(0, finding()), look(7, refused())))
    assert "since 2026-07-01, a part of it out of sight (not seen in the last look) " in unseen


# ----------------------------------------------------------------------------------------------------------- what is missing


def test_one_snapshot_is_reviewed_without_drift(kept: Path, tmp_path: Path, atlascan: Atlascan) -> None:
    days = ("--from", "2026-10-29", "--to", "2026-10-29")
    given = ("--store", str(kept / "store"), "-c", str(kept / "after" / "atlascan.yaml"), "-o", "p.zip")
    assert atlascan("review", *days, *given).code == 0
    folder = unpacked(tmp_path / "p.zip", tmp_path / "out")
    assert not (folder / "drift").exists()
    assert "There is one snapshot only, so nothing is compared." in text_of(folder / "cover.html")
    assert atlascan("verify", "p.zip", "--re-derive").code == 0


def test_other_rules_than_those_of_the_day_are_noted(kept: Path, tmp_path: Path, atlascan: Atlascan) -> None:
    given = ("--store", str(kept / "store"), "-c", str(kept / "before" / "atlascan.yaml"), "-o", "p.zip")
    done = atlascan("review", *DAYS, *given)
    assert done.err.startswith("note: 1 verdict differs from the result of the day itself, first acme/hardly-any-org-admins\n")
    folder = unpacked(tmp_path / "p.zip", tmp_path / "out")
    assert "Note: 1 verdict differs from the result of the day itself" in text_of(folder / "cover.html")


def test_results_without_a_snapshot_and_an_empty_time_are_errors(kept: Path, tmp_path: Path, atlascan: Atlascan) -> None:
    (tmp_path / "bare").mkdir()
    for file in (kept / "store").glob("*.result.json"):
        shutil.copy(file, tmp_path / "bare")
    bare = atlascan("review", *DAYS, "--store", "bare", "-c", str(kept / "after" / "atlascan.yaml"), "-o", "p.zip")
    assert (bare.code, bare.out) == (2, "")
    assert "there are results of that time, and no snapshot" in bare.err
    empty = atlascan("review", "--from", "2020-01-01", "--to", "2020-03-31", "--store", str(kept / "store"), "-o", "p.zip")
    assert empty.code == 2
    assert "neither snapshot nor result of that time" in empty.err
    assert not (tmp_path / "p.zip").exists()

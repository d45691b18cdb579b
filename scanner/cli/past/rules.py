"""What a review was judged by, as files that stand alone: written into a pack, and read from one again."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from scanner import config as configuration
from scanner import documents, policies
from scanner.cli import pipeline
from scanner.config import Config
from scanner.errors import InputError
from scanner.shipped import shipped

# The names below the folder of the rules.
CONFIG, PROFILE, ATTESTATIONS, WAIVERS = configuration.FILE, "profile.yaml", "attestations.yaml", "waivers.yaml"
SHIPPED, OWN = "shipped", "policies"


def write(config: Config, by: pipeline.Criteria, folder: Path) -> None:
    """Write the configuration, and all that it judges by, into a folder. A configuration never holds a credential.

    Comments are left out of the configuration. The profile is written as it comes to with all that it extends.

    Raises:
        InputError: No policy is applied.
    """
    folder.mkdir(parents=True)
    _copy_policies(shipped("policies"), folder / SHIPPED)
    for number, own in enumerate(config.policies):
        _copy_policies(own, folder / OWN / str(number))
    for name, file in ((ATTESTATIONS, config.attestations), (WAIVERS, config.waivers)):
        if file:
            shutil.copyfile(file, folder / name)
    (folder / PROFILE).write_text(documents.dump(_profile(config, by)), encoding="utf-8")
    (folder / CONFIG).write_text(documents.dump(_standing_alone(config)), encoding="utf-8")


def read(folder: Path) -> Config:
    """Return the configuration of a pack, which looks at nothing outside of the folder.

    Raises:
        InputError: It is wrong, or points out of the folder.
    """
    document = documents.read(folder / CONFIG, "config")
    entry = document.value
    own = [f"{OWN}/{number}" for number in range(len(entry.get("policies", [])))]
    waivers = entry.get("waivers", WAIVERS)
    if (
        entry.get("profile") != PROFILE
        or entry.get("policies", []) != own
        or entry.get("attestations", ATTESTATIONS) != ATTESTATIONS
        or (waivers.get("file", WAIVERS) if isinstance(waivers, dict) else waivers) != WAIVERS
    ):
        raise document.error("it points to files that are not those of the pack")
    _refuse_extending(folder / PROFILE)
    _leave_evidence_elsewhere(folder / ATTESTATIONS)
    return replace(configuration.from_document(document, folder), base=folder / SHIPPED)


# ---------------------------------------------------------------------------------------------------------------- private


def _copy_policies(source: Path, target: Path) -> None:
    """Copy the policies and profiles in a folder, and nothing else that may lie there."""
    target.mkdir(parents=True)
    profiles = [file for file in (source / policies.PROFILES).glob("*") if file.suffix in (".yaml", ".yml")]
    for file in (*policies.files(source), *profiles):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _profile(config: Config, by: pipeline.Criteria) -> dict[str, Any]:
    disabled = {each.id: each.because for each in by.left_out if each.because is not None}
    applied = [rule.policy.id for rule in by.rules]
    if not applied:
        raise InputError("no policy is applied, so there is nothing to review", hint="look at `profile:` and `disable:`")
    params = {rule.policy.id: {name: value for name, value in rule.params.items() if value is not None} for rule in by.rules}
    changed = {rule.policy.id: rule.severity.value for rule in by.rules if rule.severity is not rule.policy.severity}
    profile: dict[str, Any] = {"title": f"{config.profile}, as it was applied."[:200], "policies": [*applied, *disabled]}
    profile |= {"severity": changed} if changed else {}
    profile |= {"params": {id_: values for id_, values in params.items() if values}} if any(params.values()) else {}
    return profile | ({"disable": disabled} if disabled else {})


def _standing_alone(config: Config) -> dict[str, Any]:
    entry: dict[str, Any] = dict(config.document.value) if config.document else {}
    entry["profile"] = PROFILE
    if config.policies:
        entry["policies"] = [f"{OWN}/{number}" for number in range(len(config.policies))]
    if config.attestations:
        entry["attestations"] = ATTESTATIONS
    if config.waivers:
        entry["waivers"] = {**entry["waivers"], "file": WAIVERS} if isinstance(entry["waivers"], dict) else WAIVERS
    return entry


def _refuse_extending(profile: Path) -> None:
    document = documents.read(profile, "profile")
    if "extends" in document.value:
        raise document.error("the profile of a pack extends none", ("extends",))


def _leave_evidence_elsewhere(file: Path) -> None:
    """Take the digest from evidence that lies anywhere else: it would be worked out, of whatever file of this machine it is."""
    if not file.exists():
        return
    document = documents.read(file, "attestations").value
    for entry in document["attestations"]:
        evidence = entry.get("evidence")
        if isinstance(evidence, dict) and _is_elsewhere(Path(evidence["file"])):
            evidence.pop("sha256", None)
    file.write_text(documents.dump(document), encoding="utf-8")


def _is_elsewhere(path: Path) -> bool:
    # On Windows a path may have a drive without being absolute.
    return bool(path.anchor) or ".." in path.parts

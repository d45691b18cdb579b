"""Policies and profiles: from YAML files to rules that can be applied."""

from collections.abc import Callable, Iterable, Mapping
from os.path import isdir
from pathlib import Path
from typing import Any

import msgspec

from scanner import conditions, documents
from scanner.documents import Document
from scanner.errors import InputError, did_you_mean
from scanner.kinds import KINDS, fits, wanted
from scanner.model import Example, Fix, Gap, Judged, Param, Policy, Raise, Reason, Record, Resource, Rule, Severity, Source, Verdict
from scanner.shipped import shipped

PROFILES = "profiles"
# The keys of a configuration that parameters may be taken from.
SETTINGS = ("company_domains",)
MAX_FILES = 5000


def load(folders: Iterable[Path] = ()) -> dict[str, Policy]:
    """Read the shipped policies, and those in other folders beside them.

    Raises:
        InputError: A file is wrong, a folder is not there, or two files have one id.
    """
    policies: dict[str, Policy] = {}
    for folder in (shipped("policies"), *folders):
        for file in _files(folder):
            policy = read(file, folder)
            if policy.id in policies:
                raise InputError(
                    f"{file}: there is a policy {policy.id!r} already, in {policies[policy.id].file}", hint="rename the file"
                )
            policies[policy.id] = policy
    return policies


def read(file: Path, folder: Path) -> Policy:
    """Read one policy; its id is its path below the folder.

    Raises:
        InputError: The file is not as the schema wants, or speaks of kinds, facts or parameters that do not exist.
    """
    document = documents.read(file, "policy")
    entry = document.value
    kind = entry["kind"]
    if kind not in KINDS:
        raise document.error(f"unknown kind {kind!r}", ("kind",), hint=did_you_mean(kind, KINDS))
    for index, path in enumerate(entry.get("evidence", [])):
        if path not in KINDS[kind].facts:
            raise document.error(f"{kind} has no fact {path!r}", ("evidence", index), hint=did_you_mean(path, KINDS[kind].facts))
    params = {name: _param(document, name, param) for name, param in entry.get("params", {}).items()}

    def condition(at: documents.Path_, value: Any) -> conditions.Condition:  # noqa: ANN401  JSON border
        return conditions.parse(value, document, at, kind, {name: param.type for name, param in params.items()})

    severity, raises = _severity(entry["severity"], condition)
    return Policy(
        id=file.relative_to(folder).with_suffix("").as_posix(),
        version=entry["version"],
        title=entry["title"],
        severity=severity,
        raises=raises,
        kind=kind,
        where=condition(("where",), entry["where"]) if "where" in entry else None,
        require=condition(("require",), entry["require"]),
        settled_by=condition(("settled_by",), entry["settled_by"]) if "settled_by" in entry else None,
        failure=_failure(document, kind),
        params=params,
        rationale=entry["rationale"].strip(),
        remediation=tuple(entry["remediation"]),
        console=entry["console"],
        controls={framework: tuple(controls or ()) for framework, controls in entry["controls"].items()},
        references=tuple(entry["references"]),
        evidence=tuple(entry.get("evidence", ())),
        examples=tuple(_example(document, index, kind, example) for index, example in enumerate(entry["examples"])),
        file=file,
        line=document.line(("title",)),
        fix=_fix(document, ("fix",), kind, entry["fix"]) if "fix" in entry else None,
    )


def select(
    policies: Mapping[str, Policy],
    profile: str,
    settings: Mapping[str, Any],
    params: Mapping[str, Mapping[str, Any]],
    config: Document | None,
) -> tuple[Rule, ...]:
    """Return the rules of a profile and all policies of the user's own, with the parameters that the configuration sets.

    Args:
        policies: What there is to choose from.
        profile: The name of a shipped profile.
        settings: Values of configuration keys that parameters are taken from.
        params: Parameters by policy and name.
        config: The configuration file, for errors to point into.

    Raises:
        InputError: The profile, a policy or a parameter does not exist, or a value has the wrong type.
    """
    config = config or Document("configuration", {})
    for policy_id, values in params.items():
        if policy_id not in policies:
            raise config.error(f"there is no policy {policy_id!r}", ("params", policy_id), hint=did_you_mean(policy_id, policies))
        for name, value in values.items():
            _check_param(config, policies[policy_id], name, value)
    own = {policy.id for policy in policies.values() if not _is_shipped(policy)}
    chosen = [policies[policy_id] for policy_id in sorted(_members(profile, policies, config) | own)]
    return tuple(Rule(policy, policy.severity, effective_params(policy, settings, params.get(policy.id, {}))) for policy in chosen)


def effective_params(policy: Policy, settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's parameters: as given, else from the settings, else the default; None where nothing says."""
    return {name: given.get(name, settings.get(param.setting or "", param.default)) for name, param in policy.params.items()}


def profiles() -> dict[str, Path]:
    """Return the shipped profiles by name."""
    return {file.stem: file for file in sorted((shipped("policies") / PROFILES).glob("*.yaml"))}


def judged(rule: Rule) -> Judged:
    """Return what a report shows of a rule."""
    policy = rule.policy
    return Judged(
        id=policy.id,
        version=policy.version,
        title=policy.title,
        severity=rule.severity,
        kind=policy.kind,
        rationale=policy.rationale,
        remediation=policy.remediation,
        console=policy.console,
        controls=dict(policy.controls),
        references=policy.references,
        params={name: list(value) if isinstance(value, tuple) else value for name, value in rule.params.items()},
        file=f"policies/{policy.id}.yaml" if _is_shipped(policy) else str(policy.file),
        line=policy.line,
    )


# ---------------------------------------------------------------------------------------------------------------- private


def _is_shipped(policy: Policy) -> bool:
    return policy.file.is_relative_to(shipped("policies"))


def _files(folder: Path) -> list[Path]:
    if not isdir(folder):  # noqa: PTH112  Path's raises on a name that is too long
        raise InputError(f"{folder}: there is no such folder of policies", hint="look at `policies:` in the configuration")
    found = [*folder.rglob("*.yaml"), *folder.rglob("*.yml")]
    files = sorted(file for file in found if file.relative_to(folder).parts[0] != PROFILES)
    if len(files) > MAX_FILES:
        raise InputError(f"{folder}: more than {MAX_FILES} policies", hint="is it the right folder?")
    return files


def _failure(document: Document, kind: str) -> str:
    text = str(document.value["failure"])
    for part in text.split("{")[1:]:
        name = part.partition("}")[0]
        if name not in KINDS[kind].facts:
            raise document.error(f"{kind} has no fact {name!r}", ("failure",), hint=did_you_mean(name, KINDS[kind].facts))
    return text


def _param(document: Document, name: str, entry: dict[str, Any]) -> Param:
    if entry.get("default") is not None and not _fits(entry["type"], entry["default"]):
        shown = msgspec.json.encode(entry["default"]).decode()
        raise document.error(f"{shown} is not a {entry['type']}", ("params", name, "default"), hint=f"{name}: {entry['meaning']}")
    if entry.get("setting") not in (None, *SETTINGS):
        raise document.error(
            f"there is no setting {entry['setting']!r}", ("params", name, "setting"), hint=did_you_mean(entry["setting"], SETTINGS)
        )
    return Param(**entry)


def _severity(value: Any, condition: Callable[..., conditions.Condition]) -> tuple[Severity, tuple[Raise, ...]]:  # noqa: ANN401
    if isinstance(value, str):
        return Severity(value), ()
    raises = tuple(
        Raise(Severity(step["to"]), condition(("severity", "raise", index, "when"), step["when"]), step["because"])
        for index, step in enumerate(value["raise"])
    )
    return Severity(value["default"]), raises


def _example(document: Document, index: int, kind: str, entry: dict[str, Any]) -> Example:
    at: documents.Path_ = ("examples", index)
    if ("facts" in entry) == ("gap" in entry):
        raise document.error("an example gives either `facts` or a `gap`", at)
    declared = document.value.get("params", {})
    for name in entry.get("params", {}):
        if name not in declared:
            raise document.error(f"unknown parameter {name!r}", (*at, "params", name), hint=did_you_mean(name, declared))
    own = {key: entry[key] for key in ("id", "facts", "gap") if key in entry} | {"kind": kind}
    records = [_record(document, at, own)]
    records += [_record(document, (*at, "with", number), other) for number, other in enumerate(entry.get("with", []))]
    severity = Severity(entry["severity"]) if "severity" in entry else None
    fix = _fix(document, (*at, "fix"), kind, entry["fix"]) if "fix" in entry else None
    return Example(entry["name"], Verdict(entry["verdict"]), tuple(records), entry.get("params", {}), severity, fix)


def _fix(document: Document, at: documents.Path_, kind: str, entry: dict[str, Any]) -> Fix:
    if ("facts" in entry) and entry.get("gone"):
        raise document.error("what is gone has no facts", (*at, "facts"))
    own = _record(document, at, {"kind": kind, "facts": entry.get("facts", {})})
    others: dict[tuple[str, str], Resource | None] = {}
    for index, other in enumerate(entry.get("with", [])):
        record = _record(document, (*at, "with", index), other)
        if isinstance(record, Resource):
            others[record.kind, record.id] = None if other.get("gone") else record
    return Fix(own.facts if isinstance(own, Resource) else {}, gone=bool(entry.get("gone")), others=others)


def _record(document: Document, at: documents.Path_, entry: dict[str, Any]) -> Record:
    kind = KINDS.get(entry["kind"])
    if kind is None:
        raise document.error(f"unknown kind {entry['kind']!r}", (*at, "kind"), hint=did_you_mean(entry["kind"], KINDS))
    if "gap" in entry:
        return Gap(kind=kind.name, reason=Reason(entry["gap"]), detail="not read, in an example", id=entry.get("id"))
    for name, value in entry.get("facts", {}).items():
        fact = kind.facts.get(name)
        if fact is None:
            raise document.error(f"{kind.name} has no fact {name!r}", (*at, "facts", name), hint=did_you_mean(name, kind.facts))
        if not fits(value, fact):
            shown = msgspec.json.encode(value).decode()
            raise document.error(f"{shown} can never be: the fact is {wanted(fact)}", (*at, "facts", name))
    id_ = entry.get("id", "acme/EXAMPLE")
    return Resource(kind=kind.name, id=id_, name=id_, facts=entry.get("facts", {}), source=Source.API)


def _members(profile: str, policies: Mapping[str, Policy], config: Document) -> set[str]:
    file = profiles().get(profile)
    if file is None:
        raise config.error(f"there is no profile {profile!r}", ("profile",), hint=did_you_mean(profile, profiles()))
    document = documents.read(file, "profile")
    chosen: set[str] = set()
    for index, pattern in enumerate(document.value["policies"]):
        members = [
            policy for policy in policies if policy == pattern or (pattern.endswith("*") and policy.startswith(pattern[:-1]))
        ]
        if not members:
            raise document.error(f"there is no policy {pattern!r}", ("policies", index), hint=did_you_mean(pattern, policies))
        chosen.update(members)
    return chosen


def _check_param(config: Document, policy: Policy, name: str, value: Any) -> None:  # noqa: ANN401
    at = ("params", policy.id, name)
    param = policy.params.get(name)
    if param is None:
        raise config.error(f"{policy.id} has no parameter {name!r}", at, hint=did_you_mean(name, policy.params) or "it has none")
    if not _fits(param.type, value):
        raise config.error(f"{msgspec.json.encode(value).decode()} is not a {param.type}", at, hint=f"{name}: {param.meaning}")


def _fits(type_: str, value: Any) -> bool:  # noqa: ANN401
    match type_:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "list":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "duration":
            try:
                conditions.parse_duration(value)
            except (ValueError, AttributeError, TypeError):
                return False
            return True
        case _:
            return isinstance(value, str)

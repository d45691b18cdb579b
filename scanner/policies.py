"""Policies and profiles: from YAML files to rules that can be applied."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from os.path import isdir, isfile
from pathlib import Path
from typing import Any

import msgspec

from scanner import conditions, documents
from scanner.documents import Document
from scanner.errors import InputError, did_you_mean
from scanner.kinds import KINDS, OWN_PATHS, fits, wanted
from scanner.model import (
    Choice,
    Example,
    Fix,
    Gap,
    Judged,
    LeftOut,
    Param,
    Policy,
    Raise,
    Reason,
    Record,
    Relaxed,
    Resource,
    Rule,
    Severity,
    Source,
    Verdict,
)
from scanner.shipped import shipped

PROFILES = "profiles"
# The keys of a configuration that parameters may be taken from.
SETTINGS = ("company_domains",)
MAX_FILES = 5000
# How large the conditions of a policy may be: tests are tried on every resource, patterns cost to compile, and where resources of
# other kinds are looked at in one another, each round multiplies what there is to show.
MAX_TESTS = 500
MAX_PATTERNS = 20
MAX_ROUNDS = 3
_SUFFIXES = (".yaml", ".yml")


def load(folders: Iterable[Path] = (), base: Path | None = None) -> dict[str, Policy]:
    """Read the shipped policies, or those that lie in a folder in their place, and those in other folders beside them.

    Raises:
        InputError: A file is wrong, a folder is not there, or two files have one id.
    """
    policies: dict[str, Policy] = {}
    for folder in (base or shipped("policies"), *folders):
        for file in files(folder):
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
    return parse(documents.read(file, "policy"), file.relative_to(folder).with_suffix("").as_posix())


def parse(document: Document, id_: str) -> Policy:
    """Return the policy in a document that is as the schema wants. Raises as `read` does."""
    entry = document.value
    _check_size(document)
    kind = _kind(document)
    _check_evidence(document, kind)
    params = {name: _param(document, name, param) for name, param in entry.get("params", {}).items()}

    def condition(at: documents.Path_, value: Any) -> conditions.Condition:  # noqa: ANN401  JSON border
        return conditions.parse(value, document, at, kind, {name: param.type for name, param in params.items()})

    severity, raises = _severity(entry["severity"], condition)
    return Policy(
        id=id_,
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
        console=_console(document, kind),
        controls={framework: tuple(controls or ()) for framework, controls in entry["controls"].items()},
        references=tuple(each if isinstance(each, str) else each["url"] for each in entry["references"]),
        evidence=tuple(entry.get("evidence", ())),
        examples=tuple(_example(document, index, kind, example) for index, example in enumerate(entry["examples"])),
        file=Path(document.name),
        line=document.line(("title",)),
        fix=_fix(document, ("fix",), kind, entry["fix"]) if "fix" in entry else None,
        door=entry.get("door"),
    )


def complaints(document: Document) -> Iterator[InputError]:
    """Yield all that is wrong with a policy file, part by part, where `read` stops at the first."""
    by_schema = list(documents.complaints(document, "policy"))
    yield from by_schema
    wrong = {each.place.path[0] for each in by_schema if each.place and each.place.path}
    if not isinstance(document.value, dict) or not {"kind", "params"}.isdisjoint(wrong) or "kind" not in document.value:
        return
    if unjudged := [*_raised(lambda: _check_size(document)), *_raised(lambda: _kind(document))]:
        yield from unjudged
        return
    for key, found in _complaints_by_key(document):
        if key not in wrong:
            yield from found


def files(folder: Path) -> list[Path]:
    """Return the files of policies in a folder.

    Raises:
        InputError: There is no such folder, or it holds far too many.
    """
    if not isdir(folder):  # noqa: PTH112  Path's raises on a name that is too long
        raise InputError(f"{folder}: there is no such folder of policies", hint="look at `policies:` in the configuration")
    found = [*folder.rglob("*.yaml"), *folder.rglob("*.yml")]
    policy_files = sorted(file for file in found if file.relative_to(folder).parts[0] != PROFILES)
    if len(policy_files) > MAX_FILES:
        raise InputError(f"{folder}: more than {MAX_FILES} policies", hint="is it the right folder?")
    return policy_files


@dataclass(frozen=True, slots=True)
class Chosen:
    """The policies to apply, as rules; and those that are left out, with the reason where somebody disabled them."""

    rules: tuple[Rule, ...]
    left_out: tuple[LeftOut, ...]


def choose(policies: Mapping[str, Policy], choice: Choice) -> Chosen:
    """Return the rules of the chosen profile and of all policies of the user's own, and what is left out.

    What the configuration sets holds before what its profile sets, and that before what the policies say.

    Raises:
        InputError: A profile, a policy or a parameter does not exist, or a value has the wrong type.
    """
    config = choice.document or Document("configuration", {})
    ours = _checked(_Overrides(choice.severity, choice.params, choice.disable), policies, config)
    profile = _Profiles(policies, profiles(choice.folders, choice.base)).read(choice.profile, config, ("profile",))
    overrides = profile.overrides.under(ours)
    wanted = profile.members | {policy.id for policy in policies.values() if not is_shipped(policy, choice.base)}
    applied = wanted - overrides.disable.keys()
    known = sorted(policies.values(), key=lambda policy: policy.id)
    return Chosen(
        tuple(_rule(policy, choice, profile.overrides, overrides.severity) for policy in known if policy.id in applied),
        tuple(_left_out(policy, wanted, overrides.disable) for policy in known if policy.id not in applied),
    )


def select(
    policies: Mapping[str, Policy],
    profile: str,
    settings: Mapping[str, Any],
    params: Mapping[str, Mapping[str, Any]],
    config: Document | None,
) -> tuple[Rule, ...]:
    """Return the rules of a profile; the arguments are those of a `Choice`. Raises as `choose` does."""
    return choose(policies, Choice(profile, settings, params, document=config)).rules


def effective_params(policy: Policy, settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy's parameters: as given, else from the settings, else the default; None where nothing says."""
    return {name: given.get(name, settings.get(param.setting or "", param.default)) for name, param in policy.params.items()}


def profiles(folders: Iterable[Path] = (), base: Path | None = None) -> dict[str, Path]:
    """Return the profiles by name: those that ship, or lie in a folder in their place, and those in `profiles/` of other folders.

    Raises:
        InputError: Two profiles have one name.
    """
    found: dict[str, Path] = {}
    for folder in (base or shipped("policies"), *folders):
        for file in sorted(each for each in (folder / PROFILES).glob("*") if each.suffix in _SUFFIXES):
            if file.stem in found:
                raise InputError(f"{file}: there is a profile {file.stem!r} already, in {found[file.stem]}", hint="rename the file")
            found[file.stem] = file
    return found


def judged(rule: Rule, unlisted: Mapping[str, int] | None = None) -> Judged:
    """Return what a report shows of a rule, with how many of its findings are not listed, by verdict."""
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
        file=f"policies/{policy.id}.yaml" if is_shipped(policy) else str(policy.file),
        line=policy.line,
        unlisted=dict(unlisted or {}),
        relaxed=tuple(_relaxed(rule)),
        door=policy.door,
    )


def is_shipped(policy: Policy, base: Path | None = None) -> bool:
    """Tell whether a policy comes with the program, or from the folder in the place of what comes with it."""
    return policy.file.is_relative_to(base or shipped("policies"))


# ---------------------------------------------------------------------------------------------------------------- private


def _raised(check: Callable[[], object]) -> Iterator[InputError]:
    try:
        check()
    except InputError as error:
        yield error


def _complaints_by_key(document: Document) -> Iterator[tuple[str, Iterator[InputError]]]:
    """Yield what is wrong with the parts of a policy, and the key that each stands under; kind and parameters are right."""
    entry = document.value
    kind, params = _kind(document), entry.get("params", {})
    types = {name: param["type"] for name, param in params.items()}
    yield "evidence", _raised(lambda: _check_evidence(document, kind))
    for name, param in params.items():
        yield "params", _raised(partial(_param, document, name, param))
    for at, condition in _conditions(entry):
        yield at[0], _condition_complaints(document, at, condition, kind, types)
    if isinstance(entry.get("failure"), str):
        yield "failure", _raised(lambda: _failure(document, kind))
    if isinstance(entry.get("console"), str):
        yield "console", _raised(lambda: _console(document, kind))
    for index, example in enumerate(entry["examples"] if isinstance(entry.get("examples"), list) else []):
        yield "examples", _raised(partial(_example, document, index, kind, example))
    if "fix" in entry:
        yield "fix", _raised(lambda: _fix(document, ("fix",), kind, entry["fix"]))


def _conditions(entry: dict[str, Any]) -> Iterator[tuple[tuple[str, *tuple[str | int, ...]], Any]]:
    yield from (((key,), entry[key]) for key in ("where", "require", "settled_by") if key in entry)
    steps = entry["severity"].get("raise") if isinstance(entry.get("severity"), dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and "when" in step:
            yield ("severity", "raise", index, "when"), step["when"]


def _condition_complaints(
    document: Document,
    at: documents.Path_,
    value: Any,  # noqa: ANN401  JSON border
    kind: str,
    types: Mapping[str, str],
) -> Iterator[InputError]:
    """Yield what is wrong with a condition, or with each of the parts that it joins."""
    for whole in _raised(partial(conditions.parse, value, document, at, kind, types)):
        inner = [
            complaint
            for word in ("all", "any")
            if isinstance(value, dict) and isinstance(value.get(word), list)
            for index, part in enumerate(value[word])
            for complaint in _condition_complaints(document, (*at, word, index), part, kind, types)
        ]
        yield from inner or [whole]


def _check_size(document: Document) -> None:
    """Raise if the conditions of a policy ask for too much."""
    parts = [path for path in document.marks if path[:1] and path[0] in _WITH_CONDITIONS]
    others = {path[:-1] for path in parts if path[-1] == "facts"}
    rounds = [path for path in others if sum(path[:length] in others for length in range(len(path))) >= MAX_ROUNDS]
    tests, patterns = ([path for path in parts if path[-1] == word] for word in ("path", "matches"))
    for most, what, too_many in (
        (MAX_TESTS, "tests", tests[MAX_TESTS:]),
        (MAX_PATTERNS, "patterns", patterns[MAX_PATTERNS:]),
        (MAX_ROUNDS, "kinds looked at in one another", sorted(rounds, key=len)),
    ):
        if too_many:
            raise document.error(f"more than {most} {what}", too_many[0][:1], hint="make several policies of it")


_WITH_CONDITIONS = ("where", "require", "settled_by", "severity")


def _kind(document: Document) -> str:
    kind = str(document.value["kind"])
    if kind not in KINDS:
        raise document.error(f"unknown kind {kind!r}", ("kind",), hint=did_you_mean(kind, KINDS))
    return kind


def _check_evidence(document: Document, kind: str) -> None:
    for index, path in enumerate(document.value.get("evidence", [])):
        if path not in KINDS[kind].facts:
            raise document.error(f"{kind} has no fact {path!r}", ("evidence", index), hint=did_you_mean(path, KINDS[kind].facts))


def _failure(document: Document, kind: str) -> str:
    text = str(document.value["failure"])
    for part in text.split("{")[1:]:
        name = part.partition("}")[0]
        if name not in KINDS[kind].facts:
            raise document.error(f"{kind} has no fact {name!r}", ("failure",), hint=did_you_mean(name, KINDS[kind].facts))
    return text


def _console(document: Document, kind: str) -> str:
    """Return the link to the console; a finding can fill in what its id holds and what the policy shows as evidence."""
    text = str(document.value["console"])
    evidence = document.value.get("evidence")
    shown = {path for path in evidence if isinstance(path, str)} if isinstance(evidence, list) else set()
    known = {"org", "site_url", *OWN_PATHS[KINDS[kind].scope], *shown}
    for part in text.split("{")[1:]:
        name = part.partition("}")[0]
        if name not in known:
            raise document.error(f"nothing fills {{{name}}}", ("console",), hint=did_you_mean(name, known))
    return text


def _param(document: Document, name: str, entry: dict[str, Any]) -> Param:
    if entry.get("default") is not None and not _fits(entry["type"], entry["default"]):
        shown = msgspec.json.encode(entry["default"]).decode()
        raise document.error(f"{shown} is not a {entry['type']}", ("params", name, "default"), hint=f"{name}: {entry['meaning']}")
    if entry.get("setting") not in (None, *SETTINGS):
        raise document.error(
            f"there is no setting {entry['setting']!r}", ("params", name, "setting"), hint=did_you_mean(entry["setting"], SETTINGS)
        )
    param = Param(**entry)
    if param.bound is not None:
        _check_bound(document, ("params", name, "bound"), param)
    return param


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
    for name, value in entry.get("params", {}).items():
        if name not in declared:
            raise document.error(f"unknown parameter {name!r}", (*at, "params", name), hint=did_you_mean(name, declared))
        if value is not None and not _fits(declared[name]["type"], value):
            shown = msgspec.json.encode(value).decode()
            raise document.error(f"{shown} is not a {declared[name]['type']}", (*at, "params", name))
    own = {key: entry[key] for key in ("id", "facts", "gap") if key in entry} | {"kind": kind}
    records = [_record(document, at, own)]
    records += [_record(document, (*at, "with", number), other) for number, other in enumerate(entry.get("with", []))]
    severity = Severity(entry["severity"]) if "severity" in entry else None
    fix = _fix(document, (*at, "fix"), kind, entry["fix"]) if "fix" in entry else None
    verdict, params, line = Verdict(entry["verdict"]), entry.get("params", {}), document.line(at)
    return Example(entry["name"], verdict, tuple(records), params, severity, fix, line)


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


# ---------------------------------------------------------------------------------------------------------------- profiles


@dataclass(frozen=True, slots=True)
class _Overrides:
    """What a configuration or a profile sets differently, by policy: severities, parameters, and why one is disabled."""

    severity: Mapping[str, Severity]
    params: Mapping[str, Mapping[str, Any]]
    disable: Mapping[str, str]

    def under(self, above: "_Overrides") -> "_Overrides":
        """Return both together; what is above holds."""
        ids = self.params.keys() | above.params.keys()
        params = {id_: {**self.params.get(id_, {}), **above.params.get(id_, {})} for id_ in ids}
        return _Overrides({**self.severity, **above.severity}, params, {**self.disable, **above.disable})


@dataclass(frozen=True, slots=True)
class _Profile:
    """What a profile comes to with all that it extends."""

    members: frozenset[str] = frozenset()
    overrides: _Overrides = _Overrides({}, {}, {})

    def under(self, above: "_Profile") -> "_Profile":
        """Return both together; what is above holds."""
        return _Profile(self.members | above.members, self.overrides.under(above.overrides))


@dataclass(frozen=True, slots=True)
class _Profiles:
    """Reads profiles, each once, however many extend it."""

    policies: Mapping[str, Policy]
    named: Mapping[str, Path]
    known: dict[Path, _Profile] = field(default_factory=dict)

    def read(self, name: str, document: Document, at: documents.Path_, extending: tuple[Path, ...] = ()) -> _Profile:
        """Return the profile that stands in a document; `extending` are the files on the way to it."""
        path = self._path(name, document, at)
        file = path.resolve()
        if file in extending:
            way = (*extending[extending.index(file) :], file)
            raise document.error("a profile extends itself", at, hint=" > ".join(each.name for each in way))
        if file not in self.known:
            self.known[file] = self._profile(documents.read(path, "profile"), (*extending, file))
        return self.known[file]

    def _path(self, name: str, document: Document, at: documents.Path_) -> Path:
        if "/" not in name and not name.endswith(_SUFFIXES):
            if name not in self.named:
                raise document.error(f"there is no profile {name!r}", at, hint=did_you_mean(name, self.named))
            return self.named[name]
        path = Path(document.name).parent / name
        if not isfile(path):  # noqa: PTH113  Path's raises on a name that is too long
            raise document.error(f"there is no profile file {str(path)!r}", at, hint="a path is relative to the file it stands in")
        return path

    def _profile(self, document: Document, extending: tuple[Path, ...]) -> _Profile:
        entry = document.value
        if not entry.keys() & {"extends", "policies"}:
            raise document.error("a profile names `policies`, or others that it `extends`")
        whole = _Profile()
        for name, at in _extended(entry.get("extends", [])):
            whole = whole.under(self.read(name, document, at, extending))
        severity = {id_: Severity(value) for id_, value in entry.get("severity", {}).items()}
        overrides = _Overrides(severity, entry.get("params", {}), entry.get("disable", {}))
        return whole.under(_Profile(self._members(document), _checked(overrides, self.policies, document)))

    def _members(self, document: Document) -> frozenset[str]:
        members: set[str] = set()
        for index, pattern in enumerate(document.value.get("policies", [])):
            found = {id_ for id_ in self.policies if fnmatchcase(id_, pattern)}
            if not found:
                hint = did_you_mean(pattern, self.policies)
                raise document.error(f"there is no policy {pattern!r}", ("policies", index), hint=hint)
            members |= found
        return frozenset(members)


def _extended(extends: str | list[str]) -> Iterator[tuple[str, documents.Path_]]:
    """Yield the profiles that one extends, with where their names stand."""
    if isinstance(extends, str):
        yield extends, ("extends",)
    else:
        yield from ((name, ("extends", index)) for index, name in enumerate(extends))


def _checked(overrides: _Overrides, policies: Mapping[str, Policy], document: Document) -> _Overrides:
    """Return what a document sets, or raise what of it speaks of policies or parameters that do not exist."""
    keys = {"severity": overrides.severity, "params": overrides.params, "disable": overrides.disable}
    for key, values in keys.items():
        for id_ in values:
            if id_ not in policies:
                raise document.error(f"there is no policy {id_!r}", (key, id_), hint=did_you_mean(id_, policies))
    for id_, params in overrides.params.items():
        for name, value in params.items():
            _check_param(document, policies[id_], name, value)
    return overrides


def _rule(policy: Policy, choice: Choice, profile: _Overrides, severity: Mapping[str, Severity]) -> Rule:
    """Return a policy as it is applied. A configuration's settings are its own: they hold before a profile's parameters."""
    theirs = profile.params.get(policy.id, {})
    kept = {name: value for name, value in theirs.items() if policy.params[name].setting not in choice.settings}
    given = {**kept, **choice.params.get(policy.id, {})}
    return Rule(policy, severity.get(policy.id, policy.severity), effective_params(policy, choice.settings, given))


def _left_out(policy: Policy, wanted: frozenset[str], disabled: Mapping[str, str]) -> LeftOut:
    because = disabled[policy.id].strip() if policy.id in wanted and policy.id in disabled else None
    return LeftOut(
        id=policy.id,
        title=policy.title,
        severity=policy.severity,
        controls=dict(policy.controls),
        because=because,
        door=policy.door,
    )


# -------------------------------------------------------------------------------------------------------------- parameters


def _check_param(document: Document, policy: Policy, name: str, value: Any) -> None:  # noqa: ANN401
    at = ("params", policy.id, name)
    param = policy.params.get(name)
    if param is None:
        raise document.error(f"{policy.id} has no parameter {name!r}", at, hint=did_you_mean(name, policy.params) or "it has none")
    if not _fits(param.type, value):
        raise document.error(f"{msgspec.json.encode(value).decode()} is not a {param.type}", at, hint=f"{name}: {param.meaning}")


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


# ------------------------------------------------------------------------------------------------------------------ bounds

# Bound -> the types of parameter that it goes with.
_BOUNDS = {"at_most": ("number", "duration"), "at_least": ("number", "duration"), "holds": ("list",), "size_at_most": ("list",)}


def _check_bound(document: Document, at: documents.Path_, param: Param) -> None:
    """Raise unless a bound fits the parameter's type and its default keeps it."""
    bound, limit = _bound(param)
    if param.type not in _BOUNDS[bound]:
        raise document.error(f"`{bound}` does not go with a {param.type}", (*at, bound), hint=_bounds_of(param.type))
    if bound in ("at_most", "at_least") and not _fits(param.type, limit):
        raise document.error(f"{msgspec.json.encode(limit).decode()} is not a {param.type}", (*at, bound))
    if broken := _broken(param, param.default):
        raise document.error(f"the default lies beyond it: wanted {broken}", (*at, bound))


def _bounds_of(type_: str) -> str:
    fitting = [bound for bound, types in _BOUNDS.items() if type_ in types]
    return f"a {type_} takes {' or '.join(fitting) or 'no bound'}"


def _relaxed(rule: Rule) -> Iterator[Relaxed]:
    for name, param in rule.policy.params.items():
        if param.bound is not None and (broken := _broken(param, rule.params[name])):
            yield Relaxed(param=name, value=rule.params[name], bound=broken)


def _broken(param: Param, value: Any) -> str | None:  # noqa: ANN401  parameters are whatever JSON holds
    """Return the bound that a value breaks, in words; None if it keeps it. What is not configured breaks nothing."""
    bound, limit = _bound(param)
    if value is None:
        return None
    match bound:
        case "at_most":
            return None if _measure(value) <= _measure(limit) else f"at most {limit}"
        case "at_least":
            return None if _measure(value) >= _measure(limit) else f"at least {limit}"
        case "size_at_most":
            return None if len(set(value)) <= limit else f"a list of at most {limit}"
        case _:
            held = {item.casefold() for item in value}
            missing = [each for each in limit if each.casefold() not in held]
            return f"a list with {', '.join(missing)}" if missing else None


def _bound(param: Param) -> tuple[str, Any]:
    [(bound, limit)] = (param.bound or {}).items()
    return bound, limit


def _measure(value: Any) -> float:  # noqa: ANN401  see _broken
    return conditions.parse_duration(value).total_seconds() if isinstance(value, str) else float(value)

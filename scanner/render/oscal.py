"""The report as OSCAL assessment results, version 1.2.1 (NIST, pages.nist.gov/OSCAL): evidence that tools for auditors read.

A policy is an objective, and so is a control of a framework; each has one finding. It is satisfied only if it was judged in full
and passes. What fails is a risk with the status `open`, what is waived one with `deviation-approved` until the waiver expires, and
what could not be judged is `not-satisfied` for the reason `other`. What was seen of one resource is an observation: evidence that
a program took is a TEST, what a person stated an INTERVIEW, and what nobody could look at UNKNOWN.

Two renders of one report are the same to the byte: a UUID is made of what it names (RFC 9562, version 5), and the time is that of
the snapshot.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from scanner import frameworks
from scanner.conditions import shown
from scanner.frameworks import Control, Framework, State
from scanner.model import AppliedWaiver, AttestationUse, Finding, Gap, Judged, Report, Source, Verdict
from scanner.render.annotations import MAX_NAME, Fold, brief, fingerprint, folded, told
from scanner.render.counts import proven
from scanner.render.text import fates

VERSION = "1.2.1"
NAMESPACE = "urn:atlascan:oscal:1"

# Observations of single resources. Beyond that many, the least severe are told as one for each policy.
MAX_OBSERVATIONS = 5_000
MAX_EVIDENCE = 10
MAX_TOKEN = 200

_IDS = uuid5(NAMESPACE_URL, NAMESPACE)
_WORDS = ("fail", "waived", "unknown", "pass", "notapplicable")
_STATES = {
    State.SATISFIED: ("satisfied", "pass"),
    State.NOT_SATISFIED: ("not-satisfied", "fail"),
    State.NOT_VERIFIED: ("not-satisfied", "other"),
}

Object = dict[str, Any]


def render(report: Report) -> str:
    """Return the report as assessment results in JSON.

    The properties `fail`, `waived`, `unknown`, `pass` and `notapplicable` of the result, and of the finding of each policy, count.
    """
    result = _Result(report).written()
    document = {
        "assessment-results": {
            "uuid": _uuid("document", msgspec.json.encode(result).decode()),
            **_about(report),
            "results": [result],
        }
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _about(report: Report) -> Object:
    """Return what the document is. There is no assessment plan: the profile takes its place."""
    header, plan = report.snapshot, _uuid("plan", report.profile)
    profile = {
        "uuid": plan,
        "title": f"Profile {_text(report.profile, MAX_NAME)}",
        "description": "The policies that the profile names, in place of an assessment plan.",
    }
    target = header.target.org_name or ", ".join(header.target.sites) or "Atlassian Cloud"
    return {
        "metadata": {
            "title": f"Access to {_text(target, MAX_NAME)}",
            "last-modified": _moment(header.taken_at),
            "version": _text(header.id, MAX_NAME),
            "oscal-version": VERSION,
        },
        "import-ap": {"href": f"#{plan}"},
        "back-matter": {"resources": [profile]},
    }


class _Result:
    """Writes the one result. What was observed is written first: findings and risks refer to it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._seed = (report.snapshot.id, report.profile)
        self._given: Counter[str] = Counter()
        self._collected = _moment(report.snapshot.taken_at)
        self._origins = [{"actors": [{"type": "tool", "actor-uuid": _uuid("tool")}]}]
        self._counts = report.counts()
        self._items: dict[str, Object] = {}
        # The observations of a policy that findings and risks refer to, by policy, and by the word of what was found.
        self._summaries: dict[str, str] = {}
        self._observed: dict[tuple[str, str], list[str]] = {}

    def written(self) -> Object:
        report = self._report
        observations = [*self._observations()]
        view = frameworks.view(report)
        risks = [*self._risks()]
        findings = [*self._findings_of_policies(), *self._findings_of_controls(view)]
        return {
            "uuid": self._new("result"),
            "title": f"Profile {_text(report.profile, MAX_NAME)}",
            "description": _text(report.gate.because),
            "start": self._collected,
            "props": _props(
                tool=report.tool,
                profile=report.profile,
                snapshot=report.snapshot.id,
                recorded=report.snapshot.recorded,
                exit_code=report.gate.exit_code,
                fail_on=report.gate.fail_on,
                fail_on_new=report.gate.fail_on_new,
                baseline=report.baseline and report.baseline.snapshot,
                vanished=report.baseline and fates(report.baseline),
                **_numbers(sum(self._counts.values(), Counter())),
            ),
            "local-definitions": self._definitions(),
            "reviewed-controls": _reviewed(view),
            **_unless_empty("observations", observations),
            **_unless_empty("risks", risks),
            **_unless_empty("findings", findings),
            **_unless_empty("remarks", " ".join(_left_out(report))),
        }

    def _new(self, *parts: str) -> str:
        """Return the UUID of something of this result, another one each time."""
        name = fingerprint(*self._seed, *parts)
        self._given[name] += 1
        return _uuid(name, str(self._given[name]))

    def _definitions(self) -> Object:
        tool = {
            "uuid": _uuid("tool"),
            "type": "software",
            "title": "atlascan",
            "description": f"{_text(self._report.tool, MAX_NAME)}, which judges settings of Atlassian Cloud.",
            "status": {"state": "operational"},
        }
        assets = {"components": [tool], "assessment-platforms": [{"uuid": _uuid("platform"), "title": "atlascan"}]}
        return {**_unless_empty("inventory-items", [*self._items.values()]), "assessment-assets": assets}

    # ---------------------------------------------------------------------------------------------------- what was observed

    def _observations(self) -> Iterator[Object]:
        for policy in self._report.policies:
            yield self._summary(policy)
        bad = (each for each in self._report.findings if each.verdict in (Verdict.FAIL, Verdict.UNKNOWN))
        findings, more = folded(bad, MAX_OBSERVATIONS)
        yield from map(self._seen, findings)
        yield from map(self._folded, more)
        yield from self._not_read(self._report.gaps)
        yield from map(self._attested, self._report.attestations)

    def _summary(self, policy: Judged) -> Object:
        """Return what was seen of a policy as a whole."""
        counts = self._counts[policy.id]
        uuid = self._summaries[policy.id] = self._new("summary", policy.id)
        return {
            "uuid": uuid,
            "title": _text(policy.title),
            "description": ", ".join(f"{counts[word]} {word}" for word in _WORDS),
            "props": _props(policy=policy.id, **_numbers(counts)),
            "methods": ["TEST"],
            "types": ["control-objective"],
            "origins": self._origins,
            "collected": self._collected,
        }

    def _seen(self, finding: Finding) -> Object:
        uuid = self._new("finding", finding.policy, finding.address, finding.missing or "", finding.verdict)
        self._observed.setdefault((finding.policy, finding.word), []).append(uuid)
        evidence = [
            {"description": _text(f"{each.path} = {shown(each.value)[:MAX_TOKEN]} ({each.source})")}
            for each in finding.evidence[:MAX_EVIDENCE]
        ]
        return {
            "uuid": uuid,
            "title": _text(finding.name, MAX_NAME),
            "description": told(finding),
            "props": _props(
                policy=finding.policy,
                verdict=finding.word,
                severity=finding.severity,
                source=finding.source,
                reason=finding.reason,
                baseline=finding.baseline,
            ),
            "methods": [_method(finding.source)],
            "types": ["finding"],
            "origins": self._origins,
            "subjects": [self._subject(finding.missing or finding.address, finding.name)],
            **_unless_empty("relevant-evidence", evidence),
            "collected": self._collected,
        }

    def _subject(self, address: str, name: str) -> Object:
        """Return a reference to a resource, which becomes an item of the inventory. Its UUID is the same in all results."""
        uuid = _uuid("resource", address)
        self._items.setdefault(
            uuid, {"uuid": uuid, "description": _text(name or address, MAX_NAME), "props": _props(**{"asset-id": address})}
        )
        return {"subject-uuid": uuid, "type": "inventory-item", "title": _text(name or address, MAX_NAME)}

    def _folded(self, fold: Fold) -> Object:
        uuid = self._new("folded", fold.policy, fold.word)
        self._observed.setdefault((fold.policy, fold.word), []).append(uuid)
        return {
            "uuid": uuid,
            "title": "What is not listed",
            "description": f"{fold.told} The JSON result lists each.",
            "props": _props(policy=fold.policy, verdict=fold.word, severity=fold.severity, count=fold.count),
            "methods": ["UNKNOWN" if fold.word == Verdict.UNKNOWN else "TEST"],
            "types": ["finding"],
            "origins": self._origins,
            "collected": self._collected,
        }

    def _not_read(self, gaps: Iterable[Gap]) -> Iterator[Object]:
        """Say what could not be read, by kind and by what would lift it."""
        groups = Counter((gap.kind, gap.reason, gap.hint) for gap in gaps)
        for (kind, reason, hint), number in groups.items():
            yield {
                "uuid": self._new("gap", kind, reason, hint),
                "title": f"{_text(kind, MAX_NAME)} was not read whole",
                "description": _text(f"{number} not read: {reason}. {brief(hint)}"),
                "props": _props(kind=kind, reason=reason, count=number),
                "methods": ["UNKNOWN"],
                "types": ["gap"],
                "origins": self._origins,
                "collected": self._collected,
            }

    def _attested(self, use: AttestationUse) -> Object:
        evidence = [{"description": _text(use.evidence)}] if use.evidence else []
        return {
            "uuid": self._new("attestation", use.address, use.attested_by, use.attested_on.isoformat()),
            "title": _text(f"Attestation of {use.address}"),
            "description": _text(f"{use.attested_by} stated what they saw."),
            "props": _props(attested_by=use.attested_by, counted="yes" if use.counted else "no"),
            "methods": ["INTERVIEW"],
            "types": ["attestation"],
            "subjects": [self._subject(use.address, use.address)],
            **_unless_empty("relevant-evidence", evidence),
            "collected": _day(use.attested_on, "00:00:00"),
            "expires": _day(use.expires, "23:59:59"),
        }

    # ----------------------------------------------------------------------------------------------------- what that means

    def _risks(self) -> Iterator[Object]:
        """Return a risk for what fails of a policy, and one for each waiver that excuses some of it."""
        for policy in self._report.policies:
            if self._counts[policy.id]["fail"]:
                yield self._open(policy)
        titles = {policy.id: policy.title for policy in self._report.policies}
        waivers = Counter((each.policy, each.waiver) for each in self._report.findings if each.word == "waived" and each.waiver)
        for (policy_id, waiver), number in waivers.items():
            yield self._accepted(policy_id, titles.get(policy_id, policy_id), waiver, number)

    def _open(self, policy: Judged) -> Object:
        uuid = _uuid("open", *self._seed, policy.id)
        steps = "\n".join(f"{number}. {brief(step)}" for number, step in enumerate(policy.remediation, start=1))
        advice = {
            "uuid": self._new("remediation", policy.id),
            "lifecycle": "recommendation",
            "title": "What to do",
            "description": steps,
        }
        return {
            "uuid": uuid,
            "title": _text(policy.title),
            "description": _text(policy.rationale),
            "statement": f"{self._counts[policy.id]['fail']} fail.",
            "props": _props(policy=policy.id, severity=policy.severity, count=self._counts[policy.id]["fail"]),
            "status": "open",
            "origins": self._origins,
            **_unless_empty("remediations", [advice] if steps else []),
            **self._related(policy.id, "fail"),
        }

    def _accepted(self, policy: str, title: str, waiver: AppliedWaiver, number: int) -> Object:
        return {
            "uuid": self._waiver(policy, waiver),
            "title": _text(f"Waived: {title}"),
            "description": _text(waiver.reason),
            "statement": f"{number} excused until {waiver.expires.isoformat()}.",
            "props": _props(policy=policy, owner=waiver.owner, approved_by=waiver.approved_by, ticket=waiver.ticket, count=number),
            "status": "deviation-approved",
            "origins": self._origins,
            "deadline": _day(waiver.expires, "23:59:59"),
            **self._related(policy, "waived"),
        }

    def _waiver(self, policy: str, waiver: AppliedWaiver) -> str:
        return _uuid("waiver", *self._seed, policy, *map(str, msgspec.structs.astuple(waiver)))

    def _findings_of_policies(self) -> Iterator[Object]:
        waivers: dict[str, dict[str, None]] = {}
        for each in self._report.findings:
            if each.word == "waived" and each.waiver:
                waivers.setdefault(each.policy, {})[self._waiver(each.policy, each.waiver)] = None
        for policy in self._report.policies:
            counts = self._counts[policy.id]
            opened = [_uuid("open", *self._seed, policy.id)] if counts["fail"] else []
            risks = [{"risk-uuid": uuid} for uuid in (*opened, *waivers.get(policy.id, {}))]
            controls = [
                _prop("control", control_id(framework, id_), framework)
                for framework, ids in policy.controls.items()
                for id_ in ids
                if not policy.relaxed
            ]
            yield {
                "uuid": self._new("policy", policy.id),
                "title": _text(policy.title),
                "description": _text(policy.rationale),
                "props": [
                    *_props(policy=policy.id, version=policy.version, severity=policy.severity, **_numbers(counts)),
                    *controls,
                ],
                "origins": self._origins,
                "target": _target(token(policy.id), policy.title, _status(policy, counts)),
                **self._related(policy.id, "fail", "waived", "unknown"),
                **_unless_empty("related-risks", risks),
            }

    def _findings_of_controls(self, view: Iterable[Framework]) -> Iterator[Object]:
        for framework in view:
            for control in framework.controls:
                if control.state in _STATES:
                    yield self._finding_of_control(framework, control)

    def _finding_of_control(self, framework: Framework, control: Control) -> Object:
        state, reason = _STATES[control.state]
        title = _text(f"{framework.title}: {control.id} {control.title}")
        claims = ", ".join(f"{claim.policy} ({claim.outcome.value})" for claim in control.claims)
        missing = ", ".join(f"{each.policy} ({each.why.label})" for each in control.no_claims)
        said = (
            f"{claims}{f'; not counted: {missing}' if missing else ''}{'; all that fails is excused' if control.is_excused else ''}"
        )
        related = [
            {"observation-uuid": self._summaries[claim.policy]} for claim in control.claims if claim.policy in self._summaries
        ]
        return {
            "uuid": self._new("control", framework.id, control.id),
            "title": title,
            "description": _text(f"Rests on {said}."),
            "props": _props(framework=framework.id, **{"control-id": control.id}),
            "origins": self._origins,
            "target": _target(control_id(framework.id, control.id), title, {"state": state, "reason": reason}),
            **_unless_empty("related-observations", related),
        }

    def _related(self, policy: str, *words: str) -> Object:
        uuids = [uuid for word in words for uuid in self._observed.get((policy, word), ())]
        if policy in self._summaries:
            uuids.insert(0, self._summaries[policy])
        return _unless_empty("related-observations", [{"observation-uuid": uuid} for uuid in uuids])


# --------------------------------------------------------------------------------------------------------------- the controls


def _reviewed(view: Iterable[Framework]) -> Object:
    selections = [selection for framework in view if (selection := _selection(framework))]
    # OSCAL wants one control at least, or all of them, and that would not be true.
    none = {"description": "No control was reviewed.", "include-controls": [{"control-id": "_none"}]}
    return {"control-selections": selections or [none]}


def _selection(framework: Framework) -> Object | None:
    ids = [{"control-id": control_id(framework.id, control.id)} for control in framework.controls if control.state in _STATES]
    if not ids:
        return None
    return {
        "description": _text(f"{framework.title}: {proven(framework)}"),
        "props": _props(framework=framework.id),
        "include-controls": ids,
    }


def control_id(framework: str, control: str) -> str:
    """Return a control's id as a token; those of NIST SP 800-53 as NIST's own catalog in OSCAL has them: AC-2(1) is ac-2.1."""
    if framework.startswith("nist-800-53"):
        return token(control.lower().replace("(", ".").replace(")", ""))
    return token(control if control[:1].isalpha() else f"{framework}-{control}")


def token(text: str) -> str:
    """Return text as a token: letters, digits, dots, hyphens and underscores, and none but a letter or an underscore in front."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", text.replace("/", "."))[:MAX_TOKEN]
    return kept if re.match(r"[A-Za-z_]", kept) else f"_{kept}"


def _target(id_: str, title: str, status: Object) -> Object:
    return {"type": "objective-id", "target-id": id_, "title": _text(title), "status": status}


def _status(policy: Judged, counts: Mapping[str, int]) -> Object:
    """Return what is proven of a policy: what is waived fails all the same, and what was not judged is not satisfied."""
    if counts["fail"] or counts["waived"]:
        return {"state": "not-satisfied", "reason": "fail"}
    if policy.relaxed:
        params = ", ".join(brief(each.param, MAX_NAME) for each in policy.relaxed)
        return {"state": "not-satisfied", "reason": "other", "remarks": f"Relaxed beyond its bounds: {params}."}
    if counts["unknown"] or not counts["pass"]:
        remarks = "Some of it could not be judged." if counts["unknown"] else "There was nothing to judge."
        return {"state": "not-satisfied", "reason": "other", "remarks": remarks}
    return {"state": "satisfied", "reason": "pass"}


def _left_out(report: Report) -> Iterator[str]:
    disabled = [each for each in report.left_out if each.because is not None]
    for each in disabled:
        yield f"{brief(each.id, MAX_NAME)} is disabled: {brief(each.because or '')}."
    if unnamed := len(report.left_out) - len(disabled):
        yield f"The profile leaves out {unnamed} more."


# ------------------------------------------------------------------------------------------------------------- small things


def _uuid(*parts: str) -> str:
    return str(uuid5(_IDS, fingerprint(*parts)))


def _method(source: Source | None) -> str:
    if source is None:
        return "UNKNOWN"
    return "INTERVIEW" if source is Source.ATTESTED else "TEST"


def _numbers(counts: Mapping[str, int]) -> dict[str, object]:
    return {word: counts[word] for word in _WORDS}


def _props(**values: object) -> list[Object]:
    """Return properties of our own, without those that say nothing."""
    return [_prop(name.replace("_", "-"), str(value)) for name, value in values.items() if value is not None and value != ""]


def _prop(name: str, value: str, class_: str | None = None) -> Object:
    return {"name": name, "ns": NAMESPACE, "value": _text(value), **({"class": token(class_)} if class_ else {})}


def _text(text: str, most: int = 1_000) -> str:
    """Return text in one line that is not empty, as OSCAL's datatypes for strings and lines want it."""
    return brief(text, most) or "-"


def _unless_empty(name: str, value: object) -> Object:
    """Return a member of an object, or nothing: an array in OSCAL has one item at least."""
    return {name: value} if value else {}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _day(day: date, time: str) -> str:
    return f"{day.isoformat()}T{time}Z"

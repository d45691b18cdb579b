"""The report as JUnit XML, for whatever shows test results.

The shape passes the two schemas most asked for (Ant's, which Azure DevOps links to, and that of Jenkins' xUnit plugin) and is what
the readers really read: GitLab shows the text and drops the message, so the text repeats it; Azure shows only the message of a
skipped case; Jenkins builds its tree at the dots of a class name; and GitLab's XML reader casts what a bare word like `type="yaml"`
names, so every type has a dot.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from xml.etree import ElementTree as ET

import msgspec

from scanner import frameworks
from scanner.conditions import explained
from scanner.kinds import KINDS, Scope
from scanner.model import AppliedWaiver, Evidence, Finding, Judged, Report, Verdict
from scanner.render.counts import not_listed, proven
from scanner.render.text import FATES, MAX_VANISHED, fates

MAX_CASES = 15_000
MAX_LINE = 1_000

# What XML 1.0 cannot say or advises against: control characters, halves of surrogate pairs, and two that are no characters.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# What stands for many: the case of a policy that tells of all others that came out the same way.
_FOLDED = {
    "fail": "all others that fail",
    "unknown": "all others that could not be judged",
    "waived": "all others that are waived",
    "pass": "all that pass",
    "notapplicable": "all that are not applicable",
}
_TELLING = ("fail", "unknown", "waived")  # worst first
_NO_TIME = "0.000"  # a verdict takes microseconds: what took time was reading, long before


def render(report: Report) -> str:
    """Return the report as JUnit XML: a suite for each area, a case for each finding.

    Above 15,000 findings, what passes and what is not applicable is folded into one case for each policy, and so is what is least
    severe of the rest, as far as that is too much still: GitLab reads no file of 30 MB or more.
    """
    return written(tree(report))


def tree(report: Report) -> ET.Element:
    """Return the elements of the file."""
    root = ET.Element("testsuites")
    for id_, (area, findings) in enumerate(_areas(report)):
        _add_suite(root, id_, area, findings, report)
    if not report.findings:
        _add_suite_of_nothing(root, report)
    return root


def written(root: ET.Element) -> str:
    """Return elements as the text of a file."""
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


# ---------------------------------------------------------------------------------------------------------------- private


def _areas(report: Report) -> Iterator[tuple[str, list[Finding]]]:
    areas: dict[str, list[Finding]] = {}
    for finding in _folded(report.findings) if len(report.findings) > MAX_CASES else report.findings:
        areas.setdefault(finding.policy.partition("/")[0], []).append(finding)
    yield from areas.items()


def _folded(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Keep the worst of the findings, and one of each policy and outcome to stand for its others."""
    telling = [number for number, finding in enumerate(findings) if finding.word in _TELLING]
    kept = set(sorted(telling, key=lambda number: _how_telling(findings[number]))[:MAX_CASES])
    others = [finding for number, finding in enumerate(findings) if number not in kept]
    numbers = Counter((finding.policy, finding.word) for finding in others)
    pending = set(numbers)
    for number, finding in enumerate(findings):
        key = finding.policy, finding.word
        if number in kept:
            yield finding
        elif key in pending:
            pending.remove(key)
            yield _standing_for(finding, numbers[key])


def _how_telling(finding: Finding) -> tuple[int, int]:
    return _TELLING.index(finding.word), -finding.severity.rank


def _standing_for(finding: Finding, number: int) -> Finding:
    message = f"{number} folded into one case, as there are very many; they are in the JSON result"
    return msgspec.structs.replace(
        finding, address=_FOLDED[finding.word], missing=None, name="very many", message=message, hint=None, clauses=(), evidence=()
    )


def _add_suite(root: ET.Element, id_: int, area: str, findings: Iterable[Finding], report: Report) -> None:
    suite = _new_suite(root, id_, area, report)
    policies = {policy.id: policy for policy in report.policies}
    names: Counter[str] = Counter()
    for finding in findings:
        policy = policies.get(finding.policy)
        about = finding.missing or finding.address
        name = _unique(_one_line(f"{finding.policy}: {policy.title if policy else ''} [{about}]"), names)
        case = ET.SubElement(suite, "testcase", {"name": name, "classname": _class_name(finding), "time": _NO_TIME})
        _add_outcome(case, finding, policy)
    _finish(suite)


def _add_suite_of_nothing(root: ET.Element, report: Report) -> None:
    """Say that nothing was judged: a file without any case looks like success."""
    suite = _new_suite(root, 0, "gate", report)
    case = ET.SubElement(suite, "testcase", {"name": "something was judged", "classname": "org.gate.judged", "time": _NO_TIME})
    _add(case, "error", report.gate.because, (), type_="unknown.undecided")
    _finish(suite)


def _new_suite(root: ET.Element, id_: int, area: str, report: Report) -> ET.Element:
    header = report.snapshot
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": f"atlascan.{_key(area)}",
            "package": f"atlascan.{_key(area)}",
            "id": str(id_),
            "hostname": "localhost",  # the schema's word for a host that is nobody's business
            "timestamp": header.taken_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
            "time": _NO_TIME,
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (*_properties(report).items(), *_judging(report, area)):
        ET.SubElement(properties, "property", {"name": _one_line(name), "value": _one_line(value)})
    return suite


def _properties(report: Report) -> Mapping[str, str]:
    header = report.snapshot
    known = {
        "tool": report.tool,
        "profile": report.profile,
        "snapshot": header.id,
        "taken_at": header.taken_at.astimezone(UTC).isoformat(timespec="seconds"),
        "recorded": header.recorded or "",
        "org": header.target.org or "",
        "sites": ", ".join(header.target.sites),
        "fail_on": report.gate.fail_on,
        "fail_on_new": report.gate.fail_on_new,
        "baseline": report.baseline.snapshot if report.baseline else "",
        "vanished": fates(report.baseline) if report.baseline else "",
        "exit_code": str(report.gate.exit_code),
        "because": report.gate.because,
    }
    return {name: value for name, value in known.items() if value}


def _judging(report: Report, area: str) -> Iterator[tuple[str, str]]:
    """Yield what is proven by framework, what is not applied, and what of the area's policies is relaxed or not listed."""
    for framework in frameworks.view(report):
        yield f"framework.{framework.id}", proven(framework)
    for policy in report.left_out:
        if policy.because is not None:
            yield f"disabled.{policy.id}", policy.because
    for each in report.policies:
        if each.id.partition("/")[0] != area:
            continue
        for relaxed in each.relaxed:
            yield f"relaxed.{each.id}.{relaxed.param}", f"{_value(relaxed.value)}, and its bound is {relaxed.bound}"
        for said in not_listed(each.unlisted):
            yield f"unlisted.{each.id}", said
    vanished = report.baseline.vanished if report.baseline else ()
    for gone in [gone for gone in vanished if gone.policy.partition("/")[0] == area][:MAX_VANISHED]:
        yield f"vanished.{gone.policy}", f"{gone.address}: {FATES[gone.fate]}; {gone.because}"


def _finish(suite: ET.Element) -> None:
    """Count what is in the suite, and add the two elements that Ant's schema wants at its end."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    for counter, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(counter, str(len(suite.findall(f"testcase/{element}"))))
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _unique(name: str, given: Counter[str]) -> str:
    """Return the name, numbered if it was given before: GitLab ignores the second of two cases of one name."""
    given[name] += 1
    return name if given[name] == 1 else _unique(f"{name} #{given[name]}", given)


def _class_name(finding: Finding) -> str:
    area, _, rest = finding.policy.partition("/")
    return f"{_key(_site(finding.address))}.{_key(area)}.{_key(rest or area)}"


def _site(address: str) -> str:
    """Return the site that an address lies on, or `org`: the address of a gap may be no more than a kind."""
    name, _, id_ = address.partition("/")
    kind = KINDS.get(name)
    return id_.partition("/")[0] if kind and kind.scope is not Scope.ORG and id_ else "org"


def _key(text: str) -> str:
    """Return the text as one step of a class name: a dot in it would branch the tree of Jenkins."""
    return "".join(char if char.isalnum() or char in "-_" else "_" for char in _ILLEGAL.sub("", text)) or "_"


# -------------------------------------------------------------------------------------------------------------- the outcome


def _add_outcome(case: ET.Element, finding: Finding, policy: Judged | None) -> None:
    match finding.verdict:
        case Verdict.FAIL if finding.waiver:
            _add(case, "skipped", _waived(finding.waiver), (f"The failure: {finding.message}", *_facts(finding)))
        case Verdict.FAIL:
            _add(case, "failure", finding.message, (*_facts(finding), *_steps(policy)), type_=f"policy.{finding.severity}")
        case Verdict.UNKNOWN:
            hint = (f"What would make it known: {finding.hint}",) if finding.hint else ()
            type_ = f"unknown.{finding.reason or 'undecided'}"
            _add(case, "error", finding.message, (*hint, *_facts(finding)), type_=type_)
        case Verdict.NOTAPPLICABLE:
            _add(case, "skipped", finding.message, ())
        case Verdict.PASS:
            pass


def _add(case: ET.Element, tag: str, message: str, more: Iterable[str], *, type_: str | None = None) -> None:
    element = ET.SubElement(case, tag, {"message": _one_line(message)})
    if type_:
        element.set("type", type_)
    element.text = "\n".join(map(_one_line, (message, *more)))  # a line each: a name must not look like a line of ours


def _waived(waiver: AppliedWaiver) -> str:
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    who = f"owner {waiver.owner}, approved by {waiver.approved_by}"
    return f"waived until {waiver.expires.isoformat()}: {waiver.reason}{ticket}; {who}"


def _facts(finding: Finding) -> Iterator[str]:
    yield f"Resource: {finding.address} ({finding.name})"
    because = f", because {finding.severity_because}" if finding.severity_because else ""
    yield f"Severity: {finding.severity}{because}"
    if finding.baseline:
        yield f"Baseline: {finding.baseline}"
    yield from (f"Seen: {line}" for line in explained(finding.clauses) if finding.verdict is Verdict.FAIL)
    yield from map(_seen, finding.evidence)
    if finding.source:
        yield f"Source: {finding.source}"


def _seen(evidence: Evidence) -> str:
    return f"Evidence: {evidence.path} = {_value(evidence.value)} ({evidence.source})"


def _steps(policy: Judged | None) -> Iterator[str]:
    if policy and policy.remediation:
        yield "What to do:"
        yield from (f"{number}. {step}" for number, step in enumerate(policy.remediation, start=1))


def _value(value: object) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON in UTF-8 cannot say
        text = ascii(value)
    return text


def _one_line(text: str) -> str:
    line = " ".join(_ILLEGAL.sub("", text).split())
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}… (the whole of it is in the JSON result)"

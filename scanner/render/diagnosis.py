"""What `atlascan doctor` says: for people as lines, and for programs as version 1 of `atlascan/diagnosis`.

The latter is promised by `schemas/diagnosis.schema.json`, and written field by field, as `scanner.render.json` is.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from scanner.model import Diagnosis, Examined, Lack, LeastPrivilege, Outcome, Prospect
from scanner.render.text import Line, Page, visible

FORMAT = "atlascan/diagnosis"
VERSION = 1

_PLAIN, _TITLE, _ASIDE, _HEADING = "", "bold", "dim", "bold underline"
_READABLE, _ATTESTED, _NEEDS = ("readable  ", "green"), ("attested  ", "cyan"), ("needs     ", "bold magenta")
_INDENT = len(_NEEDS[0])


def page(diagnosis: Diagnosis) -> Page:
    """Return what is said to people, the exit code last."""
    return Page(tuple(_lines(diagnosis)))


def render(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON. A key is never left out: what there is not is null or empty."""
    text = json.dumps(_document(diagnosis), ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


# ---------------------------------------------------------------------------------------------------------------- private


def _lines(diagnosis: Diagnosis) -> Iterator[Line]:
    yield Line(((diagnosis.tool, _TITLE), (f", profile {diagnosis.profile}", _PLAIN)))
    yield Line()
    for prospect in diagnosis.prospects:
        yield from _prospect(prospect)
    yield Line()
    yield from _missing(diagnosis.prospects)
    yield from _least(diagnosis.least)
    number = len(diagnosis.prospects)
    because = (
        f"{diagnosis.provable} of {number} policies can be proven with these credentials" if number else "no policy was chosen"
    )
    yield Line(((f"exit code {diagnosis.exit_code}: {because}", _TITLE),))


def _prospect(prospect: Prospect) -> Iterator[Line]:
    lead = _NEEDS if prospect.needs else _ATTESTED if prospect.attested else _READABLE
    yield Line(((visible(prospect.policy), _TITLE), (f"  {visible(prospect.title)}", _PLAIN)), lead)
    for need in prospect.needs:
        yield Line(((visible(_need(need)), _PLAIN),), ("- ", _PLAIN), indent=_INDENT)
    notes = [_note(each) for each in prospect.examined if each.outcome in _NOTES and not prospect.needs]
    if prospect.attested:
        notes.append("people attest what cannot be read; `atlascan check` tells whether that suffices")
    for note in notes:
        yield Line(((visible(note), _ASIDE),), indent=_INDENT)


_NOTES = {Outcome.UNTOLD: "cannot be told", Outcome.NOT_HERE: "not here"}


def _note(each: Examined) -> str:
    return f"{_NOTES[each.outcome]}: {each.endpoint}{_place(each)}: {each.detail}"


def _missing(prospects: Iterable[Prospect]) -> Iterator[Line]:
    """Say of each thing that is missing what was answered, and what to do; once, however many policies want it."""
    wanted = Counter(need for prospect in prospects for need in prospect.needs)
    if wanted:
        yield from _heading("What is missing")
    for need, number in wanted.most_common():
        yield Line(((visible(_need(need)), _TITLE),), indent=2)
        policies = "1 policy" if number == 1 else f"{number} policies"
        what = f"what to do: {need.hint}" if need.hint else ""
        for text in filter(None, (f"for {policies}", _answered(need), what)):
            yield Line(((visible(text), _ASIDE),), indent=4)
    if wanted:
        yield Line()


def _need(need: Examined) -> str:
    place = _place(need)
    match need.lack:
        case Lack.CREDENTIAL:
            return f"a credential: {need.credential}{place}"
        case Lack.SCOPE:
            return f"the scope {need.wants} on {need.credential}{place}"
        case Lack.PERMISSION:
            return f"{need.wants or 'more permissions'}, for whom {need.credential or 'it'} stands{place}"
        case Lack.OPT_IN:
            return f"the opt-in collect: {{{need.wants}: true}}, or an attestation{place}"
        case Lack.ATTESTATION:
            return f"an attestation{f' of {need.fact}' if need.fact else ''}: {need.wants}"
        case _:
            return f"an answer: {need.detail}{place}"


def _place(examined: Examined) -> str:
    return f" (site {examined.site})" if examined.site else ""


def _answered(need: Examined) -> str:
    detail = need.detail if need.lack is not Lack.ANSWER else ""
    return ": ".join(filter(None, (need.endpoint, detail)))


def _least(least: tuple[LeastPrivilege, ...]) -> Iterator[Line]:
    if not least:
        return
    yield from _heading("The least that these policies need")
    for each in least:
        yield Line(((visible(each.credential), _TITLE),))
        for word, texts in (("scopes", each.scopes), ("roles", each.roles), ("no scope", each.unscoped)):
            for number, text in enumerate(texts):
                yield Line(((text, _PLAIN),), (f"{'' if number else word:<{_INDENT}}", _ASIDE), indent=2)
        if each.unscoped:
            yield Line(((_UNSCOPED, _ASIDE),), indent=2 + _INDENT)
        yield Line()


def _heading(text: str) -> Iterator[Line]:
    yield Line(((text, _HEADING),))
    yield Line()


_UNSCOPED = "No scope is documented for these: only a key or token without scopes is sure to open them."


def _document(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "tool": diagnosis.tool,
        "profile": diagnosis.profile,
        "exit_code": diagnosis.exit_code,
        "policies": [
            {
                "id": each.policy,
                "title": each.title,
                "severity": each.severity.value,
                "provable": each.is_provable,
                "attested": each.attested,
                "needs": [_examined(need) for need in each.needs],
            }
            for each in diagnosis.prospects
        ],
        "examined": [_examined(each) for each in diagnosis.examined],
        "least": [
            {
                "credential": each.credential,
                "endpoints": list(each.endpoints),
                "scopes": list(each.scopes),
                "roles": list(each.roles),
                "unscoped": list(each.unscoped),
            }
            for each in diagnosis.least
        ],
    }


def _examined(each: Examined) -> dict[str, Any]:
    return {
        "endpoint": each.endpoint,
        "interface": each.interface,
        "site": each.site,
        "kinds": list(each.kinds),
        "outcome": each.outcome.value,
        "lack": each.lack.value if each.lack else None,
        "wants": each.wants,
        "credential": each.credential,
        "detail": each.detail,
        "hint": each.hint,
    }

"""Attestations: facts that a person states, with name and date, for what no interface gives.

They are one more supplier of the kinds in `scanner.kinds`. An attestation past its expiry counts as absent, and says so.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from scanner import documents
from scanner.domains import normal_address
from scanner.errors import InputError, did_you_mean
from scanner.kinds import DECLARED, KINDS, Kind, Scope, fits, wanted
from scanner.model import Attestation, AttestationUse, Gap, Reason, Resource, Snapshot, Source, in_date, sort_key

ATTESTABLE = {name: kind for name, kind in KINDS.items() if kind.console}


def load(path: Path) -> tuple[Attestation, ...]:
    """Read an attestations file.

    Raises:
        InputError: The file is not as the schema wants, states an unknown fact, or states one thing twice.
    """
    document = documents.read(path, "attestations")
    attestations = tuple(_attestation(document, index, path.parent) for index in range(len(document.value["attestations"])))
    seen: dict[tuple[str, str], int] = {}
    for index, attestation in enumerate(attestations):
        earlier = seen.setdefault((attestation.kind, attestation.id), index)
        if earlier != index:
            line = document.line(("attestations", earlier))
            at = ("attestations", index)
            raise document.error(
                f"{attestation.kind}/{attestation.id} is already attested in line {line}", at, hint="keep one of them"
            )
    return attestations


def text(attestations: Iterable[Attestation]) -> str:
    """Return the file that says this; `load` reads it back the same."""
    return documents.dump({"attestations": [_plain(each) for each in attestations]})


def supply(snapshot: Snapshot, attestations: Iterable[Attestation]) -> Snapshot:
    """Return the snapshot with what people attest added, the gaps that this fills lifted, and the attestations as resources."""
    attestations = tuple(attestations)
    as_of = snapshot.header.taken_at
    counted = [each for each in attestations if in_date(each.expires, as_of)]
    late = [each for each in attestations if not in_date(each.expires, as_of)]
    expired = {(each.kind, place): each for each in late for place in (*_whole(each), each.id, _resource(each).parent) if place}
    stated = [_resource(each) for each in counted]
    read = _facts_read({(each.kind, each.id) for each in attestations}, snapshot)
    added = sorted([*stated, *(_as_resource(each, read) for each in attestations)], key=sort_key)
    # What is attested fills the gap of the whole, of whom it belongs to, and those about parts of it.
    filled = {(each.kind, place) for each in stated for place in (*_whole(each), each.id, each.parent, each.address) if place}
    # Of an unlisted kind some is not all: what is stated of the rest no longer counts.
    filled -= {(each.kind, _ALL) for each in late}

    def amend(gap: Gap) -> Gap | None:
        place = (gap.kind, _place(gap))
        return None if place in filled else _with_expiry(gap, expired[place]) if place in expired else gap

    touched = frozenset({"attestation", *(each.kind for each in attestations)})
    return replace(snapshot, supplied=tuple(added), amend=amend, touched=touched)


def nearer(attestations: Iterable[Attestation], one: datetime, other: datetime) -> tuple[Attestation, ...]:
    """Return what was attested no nearer to another day than to one."""
    return tuple(each for each in attestations if abs(each.attested_on - one.date()) <= abs(each.attested_on - other.date()))


def uses(attestations: Iterable[Attestation], as_of: datetime) -> tuple[AttestationUse, ...]:
    """Return what a report says about each attestation."""
    return tuple(
        AttestationUse(
            address=f"{each.kind}/{each.id}",
            attested_by=each.attested_by,
            attested_on=each.attested_on,
            expires=each.expires,
            counted=in_date(each.expires, as_of),
            evidence=each.evidence,
        )
        for each in attestations
    )


def desk_address(kind: str, id_: str, facts: Mapping[str, Any]) -> str | None:
    """Return the address of the service desk that a resource belongs to, or None if it belongs to none."""
    site, _, rest = id_.partition("/")
    if kind == "jsm.email_channel":
        return f"jsm.service_desk/{site}/{facts['project_key']}" if "project_key" in facts else None
    return f"jsm.service_desk/{site}/{rest}" if KINDS[kind].scope is Scope.DESK else None


# ---------------------------------------------------------------------------------------------------------------- private


def _attestation(document: documents.Document, index: int, folder: Path) -> Attestation:
    entry = document.value["attestations"][index]
    at: documents.Path_ = ("attestations", index)
    kind = ATTESTABLE.get(entry["kind"])
    if kind is None:
        hint = did_you_mean(entry["kind"], ATTESTABLE)
        raise document.error(f"{entry['kind']!r} is not a kind that can be attested", (*at, "kind"), hint=hint)
    _check_id(document, (*at, "id"), kind, entry["id"])
    for name, value in entry["facts"].items():
        _check_fact(document, (*at, "facts", name), kind, value)
    evidence, sha256 = _evidence(entry.get("evidence"))
    if evidence and sha256:
        _check_digest(document, (*at, "evidence"), folder / evidence, sha256)
    return Attestation(
        kind=kind.name,
        id=_comparable_id(kind, entry["id"]),
        facts=entry["facts"],
        attested_by=entry["attested_by"],
        attested_on=date.fromisoformat(entry["attested_on"]),
        expires=date.fromisoformat(entry["expires"]),
        evidence=evidence,
        sha256=sha256,
    )


def _check_id(document: documents.Document, path: documents.Path_, kind: Kind, id_: str) -> None:
    site, slash, rest = id_.partition("/")
    if kind.name == "jsm.email_channel":
        example, right = "acme/help@acme.com", bool(site) and normal_address(rest) is not None
    elif kind.scope is Scope.DESK:
        example, right = "acme/HR", bool(site and rest) and "/" not in rest
    else:
        example, right = "acme", kind.scope is Scope.ORG or not slash
    if not right:
        wanted = kind.id if example == "acme" else f"{kind.id} with its site"
        raise document.error(f"{id_!r} is not an id of this kind, which is the {wanted}", path, hint=f"for example {example}")


def _check_fact(document: documents.Document, path: documents.Path_, kind: Kind, value: Any) -> None:  # noqa: ANN401
    name = str(path[-1])
    fact = kind.facts.get(name)
    if fact is None:
        raise document.error(f"{kind.name} has no fact {name!r}", path, hint=did_you_mean(name, kind.facts))
    if name in DECLARED:
        raise document.error(f"{name} is not attested", path, hint="the configuration says it, under `desks:`")
    if value is None or not fits(value, fact):
        shown = msgspec.json.encode(value).decode()
        raise document.error(f"{shown} is not {wanted(fact)}", path, hint=f"{name}: {fact.meaning}")


def _evidence(entry: str | dict[str, str] | None) -> tuple[str | None, str | None]:
    if isinstance(entry, dict):
        return entry["file"], entry.get("sha256")
    return entry, None


def _check_digest(document: documents.Document, path: documents.Path_, file: Path, sha256: str) -> None:
    """Refuse evidence that is there and is not what was attested; a link, or a file kept elsewhere, cannot be checked here."""
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except (OSError, ValueError):
        return
    if found != sha256:
        raise document.error(
            f"{file} is not the file that was attested: its digest differs", path, hint="attest again with today's file"
        )


def _comparable_id(kind: Kind, id_: str) -> str:
    if kind.name != "jsm.email_channel":
        return id_
    site, _, address = id_.partition("/")
    return f"{site}/{normal_address(address) or address.lower()}"


def _plain(attestation: Attestation) -> dict[str, Any]:
    evidence: dict[str, Any] = {}
    if attestation.evidence:
        evidence["evidence"] = (
            {"file": attestation.evidence, "sha256": attestation.sha256} if attestation.sha256 else attestation.evidence
        )
    return {
        "kind": attestation.kind,
        "id": attestation.id,
        "facts": dict(attestation.facts),
        "attested_by": attestation.attested_by,
        "attested_on": attestation.attested_on.isoformat(),
        "expires": attestation.expires.isoformat(),
    } | evidence


def _resource(attestation: Attestation) -> Resource:
    facts = dict(attestation.facts)
    if attestation.kind == "jsm.email_channel":
        facts |= _channel_facts(attestation.id)
    if _IN_PLACE_OF_SIGNUP.get(attestation.kind) in facts:
        facts.setdefault("public_signup", None)
    return Resource(
        kind=attestation.kind,
        id=attestation.id,
        name=attestation.id.partition("/")[2] or attestation.id,
        facts=facts,
        source=Source.ATTESTED,
        parent=desk_address(attestation.kind, attestation.id, facts),
    )


# Today's console has no switch for public signup, known to be none and not unknown, but these in its place.
_IN_PLACE_OF_SIGNUP = {"jsm.customer_permissions": "channel_access", "jsm.customer_access": "external_accounts"}


def _channel_facts(id_: str) -> dict[str, Any]:
    address = id_.partition("/")[2]
    normal = normal_address(address)
    if normal is None:
        raise InputError(f"jsm.email_channel/{id_}: {address!r} is not an e-mail address", hint="id: <site>/<address>")
    return {"address": normal, "domain": normal.rpartition("@")[2]}


def _facts_read(addresses: set[tuple[str, str]], snapshot: Snapshot) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the facts that interfaces gave for what is attested too."""
    if not addresses:
        return {}
    stated = snapshot.of(*{kind for kind, _ in addresses})
    found = (each for each in stated if isinstance(each, Resource) and (each.kind, each.id) in addresses)
    return {(each.kind, each.id): each.facts for each in found}


def _as_resource(attestation: Attestation, read: dict[tuple[str, str], dict[str, Any]]) -> Resource:
    facts: dict[str, Any] = {
        "attested_by": attestation.attested_by,
        "attested_on": attestation.attested_on.isoformat(),
        "expires": attestation.expires.isoformat(),
        "evidence": attestation.evidence,
        "agrees": _agrees(attestation, read.get((attestation.kind, attestation.id), {})),
    }
    id_ = f"{attestation.kind}/{attestation.id}"
    return Resource(kind="attestation", id=id_, name=id_, facts=facts, source=Source.ATTESTED)


def _agrees(attestation: Attestation, read: dict[str, Any]) -> bool:
    return all(_alike(read[name], value) for name, value in attestation.facts.items() if read.get(name) is not None)


def _alike(one: Any, other: Any) -> bool:  # noqa: ANN401
    """Compare two values of a fact; a list of text has no order."""
    return sorted(one) == sorted(other) if isinstance(one, list) and isinstance(other, list) else bool(one == other)


def _place(gap: Gap) -> str:
    """Return what an attestation has to be about to fill a gap."""
    if gap.id is None and gap.reason is Reason.NO_PUBLIC_API and gap.kind in _UNLISTED:
        return _ALL
    return gap.id or gap.parent or ""


def _whole(stated: Attestation | Resource) -> tuple[str, ...]:
    """Return the word for all there is of an unlisted kind: whoever names some of it was to name all."""
    return (_ALL,) if stated.kind in _UNLISTED else ()


_ALL = "*"
_UNLISTED = frozenset(name for name, kind in KINDS.items() if kind.unlisted)


def _with_expiry(gap: Gap, attestation: Attestation) -> Gap:
    detail = f"{gap.detail}; the attestation by {attestation.attested_by} expired after {attestation.expires}"
    return msgspec.structs.replace(gap, detail=detail, hint=f"attest it again: {gap.hint}" if gap.hint else "attest it again")

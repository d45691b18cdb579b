"""Pseudonyms: people under other names, the same for the same person and key, so that a snapshot or a report can be shown around.

What stands before the @ of an address, people's names and account ids are replaced, wherever they stand. Domains stay, for policies
judge by them; so do the local parts that belong to no person, the addresses of desks, and the names of groups, projects and spaces.
A pseudonym is a keyed digest (HMAC-SHA-256, RFC 2104): without the key nobody can try names until one fits.
"""

import hmac
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from scanner.domains import normal_domain
from scanner.errors import InputError
from scanner.kinds import KINDS, Fact, FactType, Person, Scope
from scanner.model import Finding, Gap, Header, Record, Report, Resource, Rule, Source, Waiver, sort_key

SHORTEST_KEY = 32
# Local parts of machines and mailboxes; the policy jsm/automatic-email-filtered looks for them.
ROLES = frozenset({"no-reply", "noreply", "do-not-reply", "donotreply", "mailer-daemon", "postmaster", "support", "servicedesk"})


def check_same(before: Header, now: Header) -> None:
    """Refuse to compare what calls people by other names.

    Raises:
        InputError: One has pseudonyms, and the other has none, or those of another key.
    """
    if before.pseudonyms != now.pseudonyms:
        hint = "compare two whose pseudonyms were made with one key"
        raise InputError("people are called by other names in the one than in the other", hint=hint)


def speaks_of_people(value: Any) -> bool:  # noqa: ANN401  JSON
    """Tell whether an address or an account id stands in a value."""
    found = False

    def look(text: str) -> str:
        nonlocal found
        found = found or _ADDRESS.search(text) is not None or any(map(_LOOKS_LIKE_AN_ACCOUNT.search, _TOKEN.findall(text)))
        return text

    _walked(value, look)
    return found


@dataclass(frozen=True, slots=True)
class People:
    """Who is spoken of: account ids, names, and the addresses that are those of desks.

    Names are found by their words: from the first one to the last, of which `lengths` tells how many there are by the first.
    """

    accounts: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, set[int]] = field(default_factory=dict)
    desks: set[str] = field(default_factory=set)

    def add(self, person: Person, value: str) -> None:
        """Note one; a name of a single word is too common to be looked for in texts."""
        match person:
            case Person.ACCOUNT:
                self.accounts.add(value)
            case Person.NAME if "@" not in value and len(words := list(_WORD.finditer(value))) > 1:
                self.names[value[words[0].start() : words[-1].end()]] = value
                self.lengths.setdefault(words[0][0], set()).add(len(words))
            case _:
                pass

    def named_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where in a text a name begins and ends, and the name; of two that begin alike the longer one."""
        words, after = list(_WORD.finditer(text)), 0
        for index, word in enumerate(words):
            if word.start() < after or word[0] not in self.lengths:
                continue
            ends = (index + length - 1 for length in sorted(self.lengths[word[0]], reverse=True) if index + length <= len(words))
            for end in (words[each].end() for each in ends):
                if name := self.names.get(text[word.start() : end]):
                    after = end
                    yield word.start(), end, name
                    break


class Pseudonyms:
    """Puts pseudonyms in the place of people.

    Args:
        key: What they are made with; whoever has it can tell who somebody may be.

    Raises:
        InputError: The key is too short to be one.
    """

    def __init__(self, key: str) -> None:
        if len(key) < SHORTEST_KEY:
            raise InputError(f"the key for pseudonyms has fewer than {SHORTEST_KEY} characters", hint=HOW_TO_MAKE_A_KEY)
        self._key = key.encode()
        self.mark = self._digest("mark", "", 8)
        # The same people are met again and again.
        self.email, self.name, self.account = (lru_cache(maxsize=65_536)(each) for each in (self._email, self._name, self._account))

    def snapshot(self, header: Header, read: Callable[[], Iterable[Record]]) -> tuple[Header, Iterator[Record]]:
        """Return a snapshot's header and records, in their order, in which people are called otherwise.

        They are read twice: whom it speaks of has to be known before anything is said.
        """
        people = People()
        for record in read():
            _meet(record, people)
        return msgspec.structs.replace(header, pseudonyms=self.mark), _sorted(self._record(each, people) for each in read())

    def report(self, report: Report) -> Report:
        """Return a report in which people are called otherwise: those of the tenant, and those who waive and attest.

        Raises:
            InputError: It has pseudonyms already, by another key.
        """
        already = report.snapshot.pseudonyms
        if already not in (None, self.mark):
            raise InputError("the pseudonyms in it were made with another key", hint="take the result as it was")
        people = _people_of(report)
        text = partial(self.text, people=people)
        plain: dict[str, Any] = msgspec.to_builtins(report)
        for policy in plain["policies"]:
            policy["params"], policy["relaxed"] = _walked(policy["params"], text), _walked(policy["relaxed"], text)
        for each in plain["left_out"]:
            each["because"] = _walked(each["because"], text)
        plain["findings"] = [self._finding(finding, people, already=bool(already)) for finding in report.findings]
        for key in ("gaps", "baseline"):
            plain[key] = _walked(plain[key], text)
        for use in (*plain["waivers"], *plain["attestations"]):
            use.update(
                {key: _walked(value, text) for key, value in use.items() if key not in _RESPONSIBLE} | self._responsible(use)
            )
        plain["snapshot"]["pseudonyms"] = self.mark
        return msgspec.convert(plain, Report)

    def rules(self, rules: Iterable[Rule]) -> tuple[Rule, ...]:
        """Return rules whose parameters name people as a snapshot with these pseudonyms does."""
        text = partial(self.text, people=People())
        return tuple(replace(rule, params=_walked(dict(rule.params), text)) for rule in rules)

    def waivers(self, waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
        """Return waivers whose addresses name people as a snapshot with these pseudonyms does."""
        return tuple(replace(waiver, address=self._address(waiver.address, People())) for waiver in waivers)

    def text(self, text: str, *, people: People) -> str:
        """Return a text in which addresses, account ids and names of people are called otherwise."""
        if "@" in text:
            text = _ADDRESS.sub(lambda match: match[0] if match[0].casefold() in people.desks else self.email(match[0]), text)
        text = _TOKEN.sub(lambda match: self._token(match[0], people.accounts), text)
        if people.names:
            text = _with_names(text, people, self.name)
        return _PERSONAL_SPACE.sub(lambda match: f"~{self._digest('space', match[0], 16)}", text)

    # ---------------------------------------------------------------------------------------------------------- one by one

    def _digest(self, what: str, text: str, length: int) -> str:
        return hmac.digest(self._key, f"{what}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hex()[:length]

    def _email(self, address: str) -> str:
        """Return an address with another local part, unless that belongs to no person. What is spelled otherwise stays apart."""
        local, at, domain = address.rpartition("@")
        if not at:
            # No address. Policies take it for the name of a host if it can be one; what cannot must not become one.
            return address if not address or normal_domain(address) else self.name(address)
        if local.casefold() in ROLES or _IS_PSEUDONYM.fullmatch(local):
            return address
        return f"p-{self._digest('email', address, 16)}@{domain}"

    def _name(self, name: str) -> str:
        if "@" in name:
            return self.email(name)
        return f"Person {self._digest('name', name, 10)}" if name and not _IS_PERSON.fullmatch(name) else name

    def _account(self, account: str) -> str:
        return f"account-{self._digest('account', account, 24)}" if account and not _IS_ACCOUNT.fullmatch(account) else account

    def _value(self, person: Person, value: str) -> str:
        return {Person.EMAIL: self.email, Person.NAME: self.name, Person.ACCOUNT: self.account}[person](value)

    def _token(self, token: str, accounts: set[str]) -> str:
        """Return a word with the account id in it, if there is one: it may stand behind other words, each with a colon."""
        at = 0
        while at >= 0:
            rest = token[at:]
            if rest in accounts or _LOOKS_LIKE_AN_ACCOUNT.fullmatch(rest):
                return token[:at] + self.account(rest)
            at = token.find(":", at) + 1 or -1
        return token

    # ---------------------------------------------------------------------------------------------------------- a snapshot

    def _record(self, record: Record, people: People) -> Record:
        text = partial(self.text, people=people)
        if isinstance(record, Gap):
            return msgspec.structs.replace(
                record,
                id=record.id and self._id(record.kind, record.id, people),
                parent=record.parent and self._address(record.parent, people),
                detail=text(record.detail),
                hint=text(record.hint),
            )
        kind = KINDS.get(record.kind)
        is_person = bool(kind and kind.person)
        return msgspec.structs.replace(
            record,
            id=self._id(record.kind, record.id, people),
            name=self._called(record, people) if is_person else text(record.name),
            parent=record.parent and self._address(record.parent, people),
            facts=self._facts(record.facts, kind.facts if kind else {}, text),
        )

    def _called(self, person: Resource, people: People) -> str:
        """Return how a person is called: by the name, or by what stood in its place."""
        own = person.id.rpartition("/")[2]
        return self.account(own) if person.name in (own, person.id) else self.text(self.name(person.name), people=people)

    def _id(self, kind: str, id_: str, people: People) -> str:
        if kind in KINDS and KINDS[kind].person:
            site, slash, own = id_.partition("/") if KINDS[kind].scope is not Scope.ORG else ("", "", id_)
            return f"{site}{slash}{self.account(own)}"
        return id_ if kind == _CHANNEL else self.text(id_, people=people)

    def _address(self, address: str, people: People) -> str:
        kind, slash, id_ = address.partition("/")
        if not slash or "*" in id_:
            return self.text(address, people=people)
        return f"{kind}/{self._address(id_, people) if kind == 'attestation' else self._id(kind, id_, people)}"

    def _facts(self, values: Mapping[str, Any], facts: Mapping[str, Fact], text: Callable[[str], str]) -> dict[str, Any]:
        return {name: self._fact(value, facts.get(name), values, text) for name, value in values.items()}

    def _fact(self, value: Any, fact: Fact | None, beside: Mapping[str, Any], text: Callable[[str], str]) -> Any:  # noqa: ANN401
        match fact, value:
            case Fact(person=Person() as person), str() if _applies(fact, beside):
                return self._value(person, value)
            case Fact(values=[_, *_]), _:
                return value
            case Fact(type=FactType.OBJECT), dict():
                return self._facts(value, fact.items, text)
            case Fact(type=FactType.OBJECTS), list():
                return [self._fact(each, replace(fact, type=FactType.OBJECT), beside, text) for each in value]
            case _:
                return _walked(value, text)

    # ------------------------------------------------------------------------------------------------------------ a report

    def _finding(self, finding: Finding, people: People, *, already: bool) -> dict[str, Any]:
        """Return a finding as plain values. It knows its own person, however short the name is."""
        text = partial(self.text, people=people)
        plain: dict[str, Any] = msgspec.to_builtins(finding)
        kind, _, id_ = finding.address.partition("/")
        its = KINDS.get(kind)
        name = text(finding.name)
        if its and its.person and id_:
            stands_for = Resource(kind=kind, id=id_, name=finding.name, facts={}, source=finding.source or Source.API)
            name = finding.name if already else self._called(stands_for, people)
            text = partial(_said, finding.name, name, text)
        evidence = [
            {**each, "value": self._evidence(each["path"], each["value"], its.facts if its else {}, text)}
            for each in plain["evidence"]
        ]
        fixed = {key: plain[key] for key in ("policy", "verdict", "severity", "source", "reason", "baseline")}
        waiver = plain["waiver"] and {**_walked(plain["waiver"], text), **self._responsible(plain["waiver"])}
        addresses = {key: plain[key] and self._address(plain[key], people) for key in ("address", "missing")}
        rest = {key: _walked(value, text) for key, value in plain.items() if key not in fixed}
        return {**rest, **fixed, **addresses, "name": name, "evidence": evidence, "waiver": waiver}

    def _evidence(self, path: str, value: Any, facts: Mapping[str, Fact], text: Callable[[str], str]) -> Any:  # noqa: ANN401
        fact: Fact | None = None
        for step in path.split("."):
            fact = facts.get(step)
            facts = fact.items if fact else {}
        return self._fact(value, fact, {}, text) if fact and fact.person_if is None else _walked(value, text)

    def _responsible(self, use: Mapping[str, Any]) -> dict[str, str]:
        return {key: self.name(use[key]) for key in _RESPONSIBLE if use.get(key)}


HOW_TO_MAKE_A_KEY = "make one with `openssl rand -hex 32`, keep it, and give it as ATLASCAN_PSEUDONYM_KEY or in the keyring"


# ---------------------------------------------------------------------------------------------------------------- private

_RESPONSIBLE = ("owner", "approved_by", "attested_by")
_CHANNEL = "jsm.email_channel"
_WORD = re.compile(r"\w+")
# What stands in a text, and is no more than an address: neither the quotes around it nor the full stop behind it.
_ADDRESS = re.compile(r"\w[\w.!#$%&'*+=?^`{|}~-]*@[\w-]+(?:\.[\w-]+)*")
_TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z:_-]{15,}")
# The ids that Atlassian gives to accounts, old and new.
_LOOKS_LIKE_AN_ACCOUNT = re.compile(
    r"(?:\d{3,}|qm|ug):(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:?)+(?::\d+)?|[0-9a-f]{24}", re.IGNORECASE
)
# The key of a space that belongs to a person (`~ada`, `~712020…`), as a step of an address or alone.
_PERSONAL_SPACE = re.compile(r"(?<![\w~])~(?!p-)(?![0-9a-f]{16}(?!\w))\w[\w.-]*")
_IS_PSEUDONYM = re.compile("p-[0-9a-f]{16}")
_IS_PERSON = re.compile("Person [0-9a-f]{10}")
_IS_ACCOUNT = re.compile("account-[0-9a-f]{24}")


def _applies(fact: Fact, beside: Mapping[str, Any]) -> bool:
    """Tell whether a fact holds something of a person, by what stands beside it."""
    return fact.person_if is None or beside.get(fact.person_if[0]) == fact.person_if[1]


def _walked(value: Any, text: Callable[[str], str]) -> Any:  # noqa: ANN401  JSON
    """Return a value with all texts in it changed."""
    match value:
        case str():
            return text(value)
        case list() | tuple():
            return type(value)(_walked(each, text) for each in value)
        case dict():
            return {key: _walked(each, text) for key, each in value.items()}
        case _:
            return value


def _with_names(text: str, people: People, called: Callable[[str], str]) -> str:
    """Return a text in which names are replaced."""
    parts, last = [], 0
    for start, end, name in people.named_in(text):
        parts += [text[last:start], called(name)]
        last = end
    return "".join((*parts, text[last:])) if parts else text


def _said(name: str, other: str, text: Callable[[str], str], said: str) -> str:
    """Return what is said of somebody, under another name."""
    return text(re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", other, said) if name else said)


# ------------------------------------------------------------------------------------------------------- who is spoken of


def _meet(record: Record, people: People) -> None:
    """Note the people that a record speaks of."""
    kind = KINDS.get(record.kind)
    if isinstance(record, Gap) or kind is None:
        return
    if kind.person:
        people.add(Person.ACCOUNT, record.id if kind.scope is Scope.ORG else record.id.partition("/")[2])
        people.add(Person.NAME, record.name)
    if record.kind == _CHANNEL:
        people.desks.add(record.id.partition("/")[2].casefold())
    _meet_facts(record.facts, kind.facts, people)


def _meet_facts(values: Mapping[str, Any], facts: Mapping[str, Fact], people: People) -> None:
    for name, value in values.items():
        fact = facts.get(name)
        things = value if isinstance(value, list) else [value]
        if fact and fact.person and isinstance(value, str) and _applies(fact, values):
            people.add(fact.person, value)
        elif fact and fact.items:
            for thing in things:
                if isinstance(thing, dict):
                    _meet_facts(thing, fact.items, people)


def _people_of(report: Report) -> People:
    """Return the people that a report speaks of."""
    people = People()
    for finding in report.findings:
        kind, _, id_ = finding.address.partition("/")
        evidence = {each.path: each.value for each in finding.evidence}
        _meet(Resource(kind=kind, id=id_, name=finding.name, facts=evidence, source=Source.API), people)
    for vanished in report.baseline.vanished if report.baseline else ():
        kind, _, id_ = vanished.address.partition("/")
        _meet(Resource(kind=kind, id=id_, name=vanished.name, facts={}, source=Source.API), people)
    for use in report.waivers:
        people.add(Person.NAME, use.owner)
        people.add(Person.NAME, use.approved_by)
    for attestation in report.attestations:
        people.add(Person.NAME, attestation.attested_by)
    return people


# ----------------------------------------------------------------------------------------------------------------- in order


def _sorted(records: Iterable[Record]) -> Iterator[Record]:
    """Yield records in the order of a snapshot: with other ids they stand elsewhere. They are never held all at once."""
    import sqlite3  # noqa: PLC0415  only here, and every check imports this module

    with tempfile.TemporaryDirectory(prefix="atlascan-") as folder:
        database = sqlite3.connect(Path(folder) / "records")
        try:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("CREATE TABLE records (kind, is_resource, id, parent, last, record)")
            database.executemany(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", ((*sort_key(each), _encode(each)) for each in records)
            )
            for (content,) in database.execute("SELECT record FROM records ORDER BY kind, is_resource, id, parent, last"):
                yield _decode(content)
        finally:
            database.close()


_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Record] = msgspec.msgpack.Decoder(Resource | Gap).decode

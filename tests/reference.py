"""Write the generated pages of the documentation from what the program knows of itself: `python -m tests.reference`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path

from scanner import documents, evaluate, policies
from scanner.cli.policies import show, sources
from scanner.collect.api import ALLOWED, Surface
from scanner.collect.checkup import asked, least
from scanner.collect.endpoint import Endpoint, Given, Unreadable
from scanner.collect.walk import ENDPOINTS, UNREADABLE, demanded
from scanner.conditions import OPERATORS
from scanner.doors import DOORS
from scanner.kinds import KINDS, Fact, FactType, Kind, Scope
from scanner.model import Example, Gap, Policy, Record, Rule
from tests import editor_schema, manual

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
POLICIES = FOLDER.parent / "policies"
SITE = FOLDER.parent.parent / "mkdocs.yml"
IN_SITE = ("          # written by tests/reference.py\n", "          # until here\n")
GENERATED = "> Generated from the program by `python -m tests.reference`. Do not edit: a test compares it."


def kinds() -> str:
    """Return the page of kinds and their facts."""
    return _page(
        "Kinds and facts",
        "What a snapshot can hold, and what policies and attestations can speak of. An address is the kind, a slash and the id.",
        *(part for kind in KINDS.values() for part in _kind(kind)),
    )


def operators() -> str:
    """Return the page of operators."""
    rows = [
        (f"`{name}`", operator.takes, ", ".join(operator.fact_types), _line(operator.bind.__doc__))
        for name, operator in OPERATORS.items()
    ]
    return _page(
        "Operators",
        "What may stand beside `path` in a condition; [the policy language](../policy-language.md) says how.",
        _table(("operator", "takes", "for facts that are", "holds if"), rows),
    )


def policy_list() -> str:
    """Return the page of the shipped policies."""
    known = policies.load()
    members = {
        profile: {rule.policy.id for rule in policies.select(known, profile, {}, {}, None)} for profile in policies.profiles()
    }
    profiles = {id_: ", ".join(name for name, ids in members.items() if id_ in ids) or "none" for id_ in known}
    frameworks = sorted({framework for policy in known.values() for framework in policy.controls})
    return _page(
        "Policies",
        "The policies that ship, each with a page that says why it matters and what to click; so does `atlascan policy show ID`. "
        "*Known by* is where the facts come from at best: `api` is documented, `api-experimental` may change, `undocumented` and "
        "`probe` are asked only where the configuration opts in, and `attested` is what a person states.",
        _table(
            ("policy", "wants", "severity", "judges", "known by", "profiles"),
            [
                (f"[`{id_}`](../policies/{id_}.md)", each.title, _severity(each), f"`{each.kind}`", sources.of(each), profiles[id_])
                for id_, each in known.items()
            ],
        ),
        "## Parameters",
        _table(
            ("policy", "parameter", "type", "meaning", "taken from"),
            [
                (f"`{id_}`", f"`{name}`", param.type, param.meaning, f"`{param.setting}:`" if param.setting else "`params:`")
                for id_, each in known.items()
                for name, param in each.params.items()
            ],
        ),
        "## Controls",
        "A dash: considered, and nothing in that framework fits.",
        _table(
            ("policy", *frameworks),
            [
                (f"`{id_}`", *(", ".join(each.controls.get(framework, ())) or "-" for framework in frameworks))
                for id_, each in known.items()
            ],
        ),
    )


def policy_page(policy: Policy) -> str:
    """Return the page of one policy."""
    kind = KINDS[policy.kind]
    up = "../" * (policy.id.count("/") + 1)
    anchor = policy.kind.replace(".", "")
    facts = {
        "id": f"`{policy.id}`",
        "severity": _severity(policy),
        "judges": f"[`{policy.kind}`]({up}reference/kinds.md#{anchor}): {kind.meaning}",
        "guards": _guarded(policy),
        "known by": f"`{sources.of(policy)}` at best",
        "file": f"`policies/{policy.id}.yaml`, version {policy.version}",
    }
    return _page(
        policy.title,
        "\n".join(f"- {name}: {value}" for name, value in facts.items()),
        "## What it wants",
        f"```text\n{show.rule(policy)}\n```",
        f"Where that is not so: {policy.failure.replace('{', '`').replace('}', '`')}.",
        "## Why",
        policy.rationale,
        "## What to do",
        "\n".join(f"{number}. {step}" for number, step in enumerate(policy.remediation, start=1)),
        f"The page to open: `{policy.console}`.",
        *_section("Parameters", _params(policy)),
        "## Controls",
        "\n".join(f"- {name}: {', '.join(ids) or 'looked at, and none'}" for name, ids in policy.controls.items()),
        "## Examples",
        _table(("example", "verdict", "facts"), [(each.name, _verdict(each), _facts_of(each)) for each in policy.examples]),
        *([f"After the remediation: {show.mended(policy.fix)}."] if policy.fix else []),
        "## Read more",
        "\n".join(f"- <{reference}>" for reference in policy.references),
    )


def _guarded(policy: Policy) -> str:
    door = DOORS.get(policy.door or "")
    return f"{door.title}: {door.meaning}" if door else "no door: it watches whether we would know"


def endpoints() -> str:
    """Return the page of what is asked of Atlassian."""
    in_tables = {(each.method, path) for each in ENDPOINTS for path in _paths(each)}
    others = sorted((surface, method, path) for surface, method, path in ALLOWED if (method, path) not in in_tables)
    return _page(
        "Endpoints",
        "Everything that is asked of Atlassian. `admin` paths go to `https://api.atlassian.com/admin` with the organization's key, "
        "`site` paths to the site itself with the account's token, `anyone` paths to the site itself without any credential. "
        "Nothing else can be sent.",
        *(part for each in ENDPOINTS for part in _endpoint(each)),
        "## What no endpoint reads",
        _table(("kind", "where a person looks"), [_unreadable(each) for each in UNREADABLE]),
        "## Asked besides",
        "To find the organization and the site's id, and to log in.",
        "\n".join(f"- `{method} {path}` ({surface})" for surface, method, path in others),
    )


def commands() -> str:
    """Return the manual of the commands."""
    return _page(
        "Commands", "What `--help` says of each command, with examples, exit codes, environment and files.", *manual.sections()
    )


def permissions() -> str:
    """Return the page of what each policy needs to be allowed, and of the least that a profile needs."""
    known = policies.load()
    return _page(
        "Permissions",
        "What has to be allowed so that each policy can be judged. [`atlascan doctor`](../doctor.md) holds it against the "
        "credentials that there are.",
        "A scope is what an API key of the organization has to have, or a site's token if it is one with scopes; where there is "
        "a dash, Atlassian documents none. A role or permission is what the site's account has to have.",
        *(part for profile in policies.profiles() for part in _least(profile, known)),
        "## Policy by policy",
        _table(
            ("policy", "asks", "scope", "role or permission", "and"),
            [row for policy in known.values() for row in _asked_by(policy)],
        ),
    )


PAGES: dict[Path, Callable[[], str]] = {
    FOLDER / "commands.md": commands,
    FOLDER / "endpoints.md": endpoints,
    FOLDER / "kinds.md": kinds,
    FOLDER / "operators.md": operators,
    FOLDER / "permissions.md": permissions,
    FOLDER / "policies.md": policy_list,
    **{POLICIES / f"{policy.id}.md": partial(policy_page, policy) for policy in policies.load().values()},
}


def site() -> str:
    """Return the configuration of the documentation site, with a page for each policy in its navigation."""
    first, last = IN_SITE
    before, _, rest = SITE.read_text(encoding="utf-8").partition(first)
    _, _, after = rest.partition(last)
    indent = " " * (len(first) - len(first.lstrip()))
    lines = []
    for area, of_area in groupby(policies.load().values(), key=lambda policy: policy.area):
        lines.append(f"{indent}- {area}:\n")
        lines += [f"{indent}    - {each.id.removeprefix(f'{area}/')}: policies/{each.id}.md\n" for each in of_area]
    return "".join((before, first, *lines, last, after))


def write() -> None:
    """Write every generated page anew, and the schema for editors; take away the pages of policies that are gone."""
    SITE.write_text(site(), encoding="utf-8")
    editor_schema.FILE.write_text(editor_schema.rendered(), encoding="utf-8")
    for file, text in PAGES.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(), encoding="utf-8")
    for file in POLICIES.rglob("*.md"):
        if file not in PAGES:
            file.unlink()


# ---------------------------------------------------------------------------------------------------------------- private


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", GENERATED, *parts)) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _kind(kind: Kind) -> Iterator[str]:
    yield f"## {kind.name}"
    yield _line(kind.meaning)
    yield f"- id: {_id(kind)}\n- can be attested: {_attested(kind)}"
    yield _table(("fact", "type", "meaning", "values"), [row for name, fact in kind.facts.items() for row in _facts(name, fact)])


def _attested(kind: Kind) -> str:
    if not kind.console:
        return "no"
    asked = any(fact.ask for fact in kind.facts.values())
    how = "`atlascan attest` asks" if asked else "by writing the file, `atlascan attest` does not ask"
    return f"yes ({how})\n- a person looks at: {kind.console}"


def _id(kind: Kind) -> str:
    below_site = kind.scope is not Scope.ORG and kind.id != "site name"
    return f"the site's name, a slash and the {kind.id}" if below_site else kind.id


def _facts(name: str, fact: Fact) -> Iterator[tuple[str, ...]]:
    yield f"`{name}`", fact.type, fact.meaning, ", ".join(f"`{value}`" for value in fact.values)
    within = f"{name}." if fact.type is FactType.OBJECT else f"{name}[]."
    for inner, item in fact.items.items():
        yield from _facts(within + inner, item)


def _severity(policy: Policy) -> str:
    raised = [f"{step.to} where {step.because}" for step in policy.raises]
    return "; ".join((policy.severity, *raised))


def _section(title: str, rows: list[tuple[str, ...]]) -> tuple[str, ...]:
    head = ("parameter", "type", "meaning", "default", "proves its controls while")
    return (f"## {title}", _table(head, rows)) if rows else ()


def _params(policy: Policy) -> list[tuple[str, ...]]:
    return [
        (f"`{name}`", param.type, param.meaning, show.default(param), show.bound(param) or "always")
        for name, param in policy.params.items()
    ]


def _verdict(example: Example) -> str:
    return f"{example.verdict}, {example.severity}" if example.severity else example.verdict


def _facts_of(example: Example) -> str:
    subject, *others = example.records
    parts = [_record(subject), *(f"{other.address} {_record(other)}" for other in others)]
    given = [f"parameters `{documents.dump_line(dict(example.params))}`"] if example.params else []
    return "; ".join((*parts, *given))


def _record(record: Record) -> str:
    return f"not read: {record.reason}" if isinstance(record, Gap) else f"`{documents.dump_line(dict(record.facts))}`"


def _paths(endpoint: Endpoint) -> tuple[str, ...]:
    return (endpoint.path, endpoint.detail) if endpoint.detail else (endpoint.path,)


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    main, *others = (f"`{kind}`" for kind in endpoint.kinds)
    yield f"## {main.strip('`')}: `{endpoint.method} {endpoint.path}`"
    facts = {
        "interface": endpoint.surface,
        "then, for each": f"`GET {endpoint.detail}`" if endpoint.detail else "",
        "supplies too": ", ".join(others),
        "only adds": ", ".join(f"`{fact}`" for fact in endpoint.adds),
        "asked with": f"`type={endpoint.params['type']}`" if "type" in endpoint.params else "",
        "asked for each": f"`{endpoint.parent}`" if endpoint.parent else "",
        "asked where": _asked_where(endpoint.given) if endpoint.given else "",
        "source": endpoint.source,
        "asked only with": f"`collect: {{{endpoint.opt_in}: true}}`" if endpoint.opt_in else "",
        "whole only with": f"the permission {endpoint.whole_with}" if endpoint.whole_with else "",
        "the account needs": endpoint.role or "",
        "if refused": endpoint.remedy,
        "documented": f"<{endpoint.documented}>" if endpoint.documented.startswith("https://") else endpoint.documented,
    }
    yield "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)


def _least(profile: str, known: Mapping[str, Policy]) -> Iterator[str]:
    rules = policies.select(known, profile, {}, {}, None)
    endpoints = asked(evaluate.needs(rules))
    yield f"## The least that the profile {profile} needs"
    names = {Surface.ADMIN: "`ATLASCAN_ORG_API_KEY`", Surface.SITE: "`ATLASCAN_EMAIL`, `ATLASCAN_API_TOKEN`"}
    rows = [row for surface, credential in names.items() for row in _ways(surface, credential, endpoints)]
    yield _table(("credential", "scopes", "roles and permissions", "only without scopes"), rows)


def _ways(surface: Surface, credential: str, endpoints: tuple[Endpoint, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the least without any opt-in, and with each that makes it more."""
    plain = least([each for each in endpoints if not each.opt_in], surface, credential)
    ways = {credential: plain} if plain.endpoints else {}
    for opt_in in sorted({each.opt_in for each in endpoints if each.opt_in and each.surface is surface}):
        those = [each for each in endpoints if each.opt_in in (None, opt_in)]
        ways[f"{credential}, with `collect: {{{opt_in}: true}}`"] = least(those, surface, credential)
    for words, found in ways.items():
        yield words, _listed(found.scopes), ", ".join(found.roles), _listed(found.unscoped)


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _asked_by(policy: Policy) -> Iterator[tuple[str, ...]]:
    needs = evaluate.needs([Rule(policy, policy.severity, {})])
    for each in asked(needs):
        opt_in = f"`collect: {{{each.opt_in}: true}}`, or an attestation" if each.opt_in else ""
        yield f"`{policy.id}`", f"`{each.name}` ({each.surface})", f"`{each.scope}`" if each.scope else "-", each.role or "", opt_in
    for each_ in UNREADABLE:
        if each_.kind in demanded(needs):
            yield f"`{policy.id}`", "nothing", "", "", f"an attestation: {KINDS[each_.kind].console}"
    if policy.kind == "attestation":
        yield f"`{policy.id}`", "nothing", "", "", "the attestations themselves"


def _asked_where(given: Given) -> str:
    partly = f", or {' or '.join(given.partly)} (where it shows only a part)" if given.partly else ""
    return f"`{given.fact}` of `{given.kind}` is {' or '.join(given.values)}{partly}"


def _unreadable(unreadable: Unreadable) -> tuple[str, str]:
    return f"`{unreadable.kind}`", KINDS[unreadable.kind].console or ""


if __name__ == "__main__":
    write()

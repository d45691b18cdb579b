"""Tell what would be if a policy had its way: which settings change, who loses what, and who could no longer come in. Pure.

A failing resource is closed as the policy's own `fix` says, where that is a setting: a switch, a word of a list, an empty list, or
the resource is gone. Where a fix names things of an example, a table says what it means for those that are there. What neither
tells is not known, and is said so. Nothing is guessed: what people lose is what no access path leads to afterwards.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeGuard

from scanner.access import NEEDS, NO_NAME, Account, Index, app_paths, project_paths, public_paths, unclear
from scanner.domains import domain_of
from scanner.kinds import KINDS, Fact, FactType
from scanner.model import Policy, Record, Resource, Rule, Snapshot, Source, sort_key
from scanner.people import Loss
from scanner.tracing import Path, Through

Facts = dict[str, Any]
_USER, _ROLES, _GROUP, _DOMAIN = "org.user", "org.user_role_assignments", "org.group", "org.access_domain"
# The kinds that access paths of people are made of, and can be closed: with a change of another nobody inside loses access.
OF_PATHS = frozenset({_USER, _ROLES, _GROUP, "jira.permission_scheme", "confluence.space"})
_FACTS_OF_PATHS = frozenset(
    {"product_access", "role_assignments", "assignments", "grants", "anonymous_access", "unlicensed_access"}
)
# What leads to desks and spaces, which no closing takes from people with an account of the organization.
_OF_NO_LOSS = frozenset({"confluence.space", "jira.anonymous_view", "jsm.customer", "jsm.customer_permissions", "jsm.service_desk"})
_BROWSE = "BROWSE_PROJECTS"
_ANYONE = "ANYONE"


@dataclass(frozen=True)
class Closing:
    """What of a snapshot a policy would change: the resources as they are, each with what would become of it (None: it is gone)."""

    rule: Rule
    changes: tuple[tuple[Resource, Resource | None], ...]
    unknown: tuple[str, ...] = ()

    @cached_property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of which something would change."""
        return frozenset(before.kind for before, _ in self.changes)

    @cached_property
    def groups(self) -> frozenset[str]:
        """Return the ids of the groups that would change."""
        return frozenset(before.id for before, _ in self.changes if before.kind == _GROUP)

    @cached_property
    def accounts(self) -> frozenset[str]:
        """Return the ids of the accounts about which something itself would change."""
        return frozenset(before.id for before, _ in self.changes if before.kind in (_USER, _ROLES))

    @cached_property
    def _afterwards(self) -> Mapping[tuple[str, Source], Resource | None]:
        return {(before.address, before.source): then for before, then in self.changes}

    def then(self, resource: Resource) -> Resource | None:
        """Return a resource as it would be (None: it is gone)."""
        return self._afterwards.get((resource.address, resource.source), resource)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot as it would be."""

        def read() -> Iterator[Record]:
            for record in snapshot:
                then = self.then(record) if isinstance(record, Resource) else record
                if then is not None:
                    yield then

        return replace(snapshot, read=read, parts=None, supplied=(), amend=None)

    def both(self, snapshot: Snapshot) -> tuple[Snapshot, Snapshot]:
        """Return a snapshot of only what would change, and one of the same as it would be."""
        before = sorted((each for each, _ in self.changes), key=sort_key)
        small = replace(snapshot, read=lambda: before, parts=None, supplied=(), amend=None)
        return small, self.applied(small)


def closing(rule: Rule, failed: frozenset[str], unread: Iterable[str], snapshot: Snapshot) -> Closing:
    """Return what a policy would change of the resources that fail, by address; of what it could not judge, nothing is known."""
    unknown = [f"{message}: what would change there is not known" for message in unread]
    kind, change = _how(rule)
    if change is None:
        return Closing(rule, (), (*unknown, *([_NO_SETTING] if failed else [])))
    wanted = {f"{kind}/{address.partition('/')[2]}" for address in failed}
    changes = []
    for record in snapshot.of(kind):
        if isinstance(record, Resource) and record.address in wanted:
            facts = change(record.facts)
            if facts != record.facts:
                changes.append((record, None if facts is None else _with(record, facts)))
    return Closing(rule, tuple(changes), tuple(unknown))


def losses(change: Closing, before: Snapshot, after: Snapshot) -> tuple[Loss, ...]:
    """Return what people inside would lose, person by person."""
    found = [*_of_tokens(change, before), *_of_customers(change, before)]
    if not change.kinds & OF_PATHS:
        return tuple(found)
    earlier, later = Index.of(before), Index.of(after)
    no_longer_public = _gone(public_paths(earlier), public_paths(later))
    afterwards = {account.id: account for account in _accounts(after) if account.id in change.accounts}
    concerns_all = bool(change.kinds & OF_PATHS - {_GROUP, _USER, _ROLES})
    for account in _accounts(before):
        is_changed = account.id in change.accounts
        if concerns_all or is_changed or not change.groups.isdisjoint(account.groups):
            then = afterwards.get(account.id, Account(account.id, ())) if is_changed else account
            found.extend(_loss(account, _lost((account, earlier), (then, later), no_longer_public)))
    return tuple(found)


def public(change: Closing, before: Snapshot, after: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return what anybody sees without an account, and would not."""
    shared = tuple((each.address, each.name) for each, _ in change.changes if each.kind in ("jira.filter", "jira.dashboard"))
    if not change.kinds & OF_PATHS:
        return shared
    return (*shared, *_gone(public_paths(Index.of(before)), public_paths(Index.of(after))).items())


def newcomers(change: Closing, snapshot: Snapshot) -> tuple[str, ...]:
    """Say who could no longer come in."""
    apps = _Apps(snapshot)
    joins = (sentence for join in _joins(change, snapshot) for sentence in _closed(join))
    others = (sentence for before, after in change.changes for sentence in _ways_closed(before, after, apps))
    return tuple(dict.fromkeys((*joins, *others)))


def kept(change: Closing, snapshot: Snapshot) -> tuple[str, ...]:
    """Say who inside keeps what they came by, as closing a way in takes nothing from them; and who could come in still."""
    domains = dict.fromkeys(before.id for before, _ in change.changes if before.kind == _DOMAIN and before.id != _ANYONE)
    inside = _by_domain(snapshot) if domains else {}
    so_far = ", as far as people could be read" if domains and not _is_whole(_USER, snapshot) else ""
    sentences = [
        f"people inside with an address at {domain}, who keep what they have{so_far}: {inside[domain]:,}" for domain in domains
    ]
    sentences += dict.fromkeys(sentence for join in _joins(change, snapshot) for sentence in _left_open(join))
    for before, _ in change.changes:
        number = before.facts.get("users" if before.kind == "jira.application_role" else "user_count")
        if before.kind in ("jira.application_role", "org.group") and change.rule.policy.id in _FOR_NEWCOMERS and number is not None:
            sentences.append(f"people in {before.name}, who keep what they have: {number:,}")
    return tuple(sentences)


def untold(change: Closing, snapshot: Snapshot) -> tuple[str, ...]:
    """Say what the data does not tell of the change."""
    dark = Counter(KINDS[before.kind].noun for before, after in change.changes if not _is_told(before, after))
    sentences = [f"what a change of {_many(number, noun)} means for people is not known" for noun, number in dark.items()]
    sentences += dict.fromkeys(
        f"whether {join.who} can still {join.what(join.was)}, as any address may be able to, is not known"
        for join in _joins(change, snapshot)
        if join.left is None
    )
    if change.kinds & OF_PATHS:
        sentences += _unread(snapshot)
    if any(_takes_other_permissions(before, after) for before, after in change.changes):
        sentences.append(f"who loses permissions other than {_BROWSE} is not told person by person")
    if "jira.permission_scheme" in change.kinds:
        sentences.append("who sees a project as its lead, or an issue as its reporter, may see it still: that is not told")
    if any("anonymous_access" in _differences(before, after) for before, after in change.changes):
        sentences.append(
            "who may look into a space with an account of their own is in no snapshot, and so who would lose it is not known"
        )
    return (*change.unknown, *sentences)


def _takes_other_permissions(before: Resource, after: Resource | None) -> bool:
    taken = before.facts.get("grants", ())
    return after is not None and any(
        each not in after.facts.get("grants", ()) and each.get("permission") != _BROWSE for each in taken
    )


def _unread(snapshot: Snapshot) -> Iterator[str]:
    """Say which kinds that access paths are made of were not read whole: what is lost may be more, and may be less."""
    collected = {each.kind for each in snapshot.header.coverage}
    kinds = {kind for kind, _ in NEEDS} - _OF_NO_LOSS
    dark = {gap.kind for gap in snapshot.gaps() if gap.kind in kinds} | (kinds - collected) | unclear(snapshot)
    if dark:
        yield f"not read whole, so that people may lose more than is told here, or less: {', '.join(sorted(dark))}"


def _is_whole(kind: str, snapshot: Snapshot) -> bool:
    """Tell whether all resources of a kind are known."""
    return any(each.kind == kind for each in snapshot.header.coverage) and not any(gap.kind == kind for gap in snapshot.gaps())


# ---------------------------------------------------------------------------------------------------------- what would change

_NO_SETTING = "the remediation is no setting that a snapshot shows: what it would change is not known"
_FOR_NEWCOMERS = frozenset({"access/no-default-access-groups", "access/no-default-application-roles"})
_ACCESS_ROLES = frozenset(f"atlassian/{role}" for role in ("user", "admin", "guest", "contributor", "basic", "stakeholder"))
Change = Callable[[Facts], Facts | None]


def _how(rule: Rule) -> tuple[str, Change | None]:
    """Return of which kind what changes is, and how; None if that is not known."""
    policy = rule.policy
    if policy.id == "access/product-access-through-groups-only":
        return _ROLES, _without_direct_roles
    if policy.id in _LISTS:
        return policy.kind, lambda facts: _LISTS[policy.id](facts, rule.params)
    return policy.kind, _by_fix(policy)


def _by_fix(policy: Policy) -> Change | None:
    """Return what the policy's own fix does, where it names a setting and no thing of the example's."""
    fix, kind = policy.fix, KINDS[policy.kind]
    if fix is None or fix.others or kind.log or kind.name == "attestation":
        return None
    if fix.gone:
        return lambda _facts: None
    if not all(_is_setting(kind.facts[name], value) for name, value in fix.facts.items()):
        return None

    def change(facts: Facts) -> Facts:
        # A fact that was not read is no switch of this console, unless none was read.
        there = {name: value for name, value in fix.facts.items() if name in facts and facts[name] is not None}
        return facts | (there or dict(fix.facts))

    return change


def _is_setting(fact: Fact, value: object) -> bool:
    return fact.type is FactType.BOOL or (fact.type is FactType.TEXT and value in fact.values) or value == []


def _with_modes(facts: Facts, modes: Mapping[str, str]) -> Facts:
    def changed(product: Facts) -> Facts:
        mode = modes.get(product.get("access_mode", ""))
        return product | {"access_mode": mode} if mode else product

    return _with_list(facts, "products", lambda products: [changed(each) for each in products])


def _with_list(facts: Facts, name: str, change: Callable[[list[Facts]], list[Facts]]) -> Facts:
    """Return facts with a list changed; where the list was not read, nothing is known of it before and after."""
    return facts | {name: change(facts[name])} if facts.get(name) is not None else facts


def _without_direct_roles(facts: Facts) -> Facts:
    left = []
    for each in facts.get("assignments") or ():
        if "methods" not in each or each.get("role") not in _ACCESS_ROLES:
            left.append(each)
        elif methods := [method for method in each["methods"] if method != "direct"]:
            left.append(each | {"methods": methods})
    return _with_list(facts, "assignments", lambda _: left)


# For lists: what the remediation makes of those that are there. An admin who has to approve is the least that each policy asks.
_LISTS: Mapping[str, Callable[[Facts, Mapping[str, Any]], Facts]] = {
    "access/no-open-domain-signup": lambda facts, _: _with_modes(facts, {"DIRECT_ACCESS": "REQUEST_ACCESS"}),
    "access/approved-domains-need-approval": lambda facts, _: _with_modes(facts, {"DIRECT_ACCESS": "REQUEST_ACCESS"}),
    "access/no-open-domain-requests": lambda facts, _: _with_modes(
        facts, {"DIRECT_ACCESS": "DENIED_ACCESS", "REQUEST_ACCESS": "DENIED_ACCESS"}
    ),
    "access/product-access-through-idp-groups": lambda facts, _: _without_access(facts),
    "access/no-default-access-groups": lambda facts, _: _with_list(
        facts, "role_assignments", lambda roles: [each | {"default_role": None} for each in roles]
    ),
    "jira/no-anonymous-permissions": lambda facts, _: _with_list(
        facts, "grants", lambda grants: [each for each in grants if each.get("holder_type") != "anyone"]
    ),
    "jira/no-any-user-permissions": lambda facts, params: _with_list(
        facts, "grants", lambda grants: [each for each in grants if not _is_of_any_user(each, params["permissions"])]
    ),
    "jira/no-public-filters": lambda facts, _: _without_the_public(facts),
    "jira/no-public-dashboards": lambda facts, _: _without_the_public(facts),
}


def _is_of_any_user(grant: Facts, permissions: Container[object]) -> bool:
    """Tell whether everybody who may use any app holds a grant of one of these permissions."""
    of_any = "holder_value" in grant and grant["holder_value"] is None
    return of_any and grant.get("holder_type") == "applicationRole" and grant.get("permission") in permissions


def _without_access(facts: Facts) -> Facts:
    """Return a group that gives no app; what it gives besides stays."""
    left = []
    for each in facts.get("role_assignments") or ():
        if "roles" not in each:
            left.append(each)
        elif roles := [role for role in each["roles"] if role not in _ACCESS_ROLES]:
            default = {} if each.get("default_role") not in _ACCESS_ROLES else {"default_role": None}
            left.append(each | {"roles": roles} | default)
    return _with_list(facts, "role_assignments", lambda _: left) | {"grants_product_access": False}


def _without_the_public(facts: Facts) -> Facts:
    return _with_list(facts, "shares", lambda shares: [each for each in shares if each.get("type") != "global"])


def _with(resource: Resource, facts: Facts) -> Resource:
    return Resource(
        kind=resource.kind, id=resource.id, name=resource.name, facts=facts, source=resource.source, parent=resource.parent
    )


def _differences(before: Resource, after: Resource | None) -> dict[str, tuple[Any, Any]]:
    """Return the facts that differ by name, as they are and as they would be."""
    facts = after.facts if after else {}
    return {name: (before.facts.get(name), value) for name, value in facts.items() if before.facts.get(name) != value}


# ----------------------------------------------------------------------------------------------------------------- who loses


def _accounts(snapshot: Snapshot) -> Iterator[Account]:
    """Yield all people of the organization who can log in, as far as that is known, each with what was read about them."""
    people = merge(_resources(snapshot, _USER), _resources(snapshot, _ROLES), key=attrgetter("id"))
    for id_, records in groupby(people, key=attrgetter("id")):
        account = Account(id_, tuple(records))
        if account.fact(_USER, "status") in (None, "active"):
            yield account


def _resources(snapshot: Snapshot, kind: str) -> Iterator[Resource]:
    return (record for record in snapshot.of(kind) if isinstance(record, Resource))


def _lost(before: tuple[Account, Index], after: tuple[Account, Index], no_longer_public: Mapping[str, str]) -> dict[str, str]:
    """Return what leads nowhere any more: apps that the person can use today, rights to administer, and projects.

    An app that nothing explains today is kept, as nothing of what gives it is closed. What was public is lost by people who use
    Jira and have no path of their own to it.
    """
    (account, _), (then, index) = before, after
    paths_before, paths_after = app_paths(*before), app_paths(*after)
    was, is_ = _explained(paths_before), _explained(paths_after)
    used, left = _used(account), _used(then)
    apps = {target: key for target, key in used.items() if target not in left or (target in was and target not in is_)}
    names = {path.target: path.name for path in paths_before if path.name != path.target}
    rights = {target: name for target, name in _gone(paths_before, paths_after).items() if not target.startswith("ari:")}
    # Whoever loses an app loses what is granted to those who use it.
    then = _without(then, apps)
    left_projects = {path.target for path in project_paths(then, index)}
    projects = {path.target: path.name for path in project_paths(*before)}
    if any(app.startswith("jira") for app in account.apps):
        projects |= {target: name for target, name in no_longer_public.items() if target.startswith("jira.project/")}
    lost = {target: name for target, name in projects.items() if target not in left_projects}
    return {target: names.get(target, key) for target, key in apps.items()} | rights | lost


def _without(account: Account, apps: Mapping[str, str]) -> Account:
    """Return an account that can no longer use some apps."""
    return Account(account.id, tuple(_using(record, apps) if record.kind == _USER else record for record in account.records))


def _using(record: Resource, apps: Mapping[str, str]) -> Resource:
    access = [each for each in record.facts.get("product_access") or () if _app_id(each) not in apps]
    return _with(record, record.facts | {"product_access": access})


def _explained(paths: Iterable[Path]) -> frozenset[str]:
    """Return the apps of which it is known what lets the person use them."""
    return frozenset(path.target for path in paths if path.through is not Through.UNEXPLAINED and path.gives in _ACCESS_ROLES)


def _used(account: Account) -> dict[str, str]:
    """Return the apps that a person can use, by what they are."""
    return {_app_id(each): str(each.get("key")) for each in account.fact(_USER, "product_access") or ()}


def _app_id(access: Mapping[str, Any]) -> str:
    return str(access.get("resource_id") or access.get("key"))


def _gone(before: Iterable[Path], after: Iterable[Path]) -> dict[str, str]:
    left = {path.target for path in after}
    return {path.target: path.name for path in before if path.target not in left}


def _of_customers(change: Closing, snapshot: Snapshot) -> Iterator[Loss]:
    """Yield who would be a customer of no desk any more."""
    gone = [before for before, after in change.changes if before.kind == "jsm.customer" and after is None]
    names = {each.id: each.name for each in _resources(snapshot, "jsm.service_desk")} if gone else {}
    for customer in gone:
        lost = tuple((f"jsm.service_desk/{desk}", names.get(desk, desk)) for desk in customer.facts.get("desks") or ())
        if lost:
            yield Loss(id=customer.id.partition("/")[2], name=customer.name, email=customer.facts.get("email"), lost=lost)


def _loss(account: Account, lost: dict[str, str]) -> Iterator[Loss]:
    if lost:
        record = next(iter(account.of(_USER)), account.records[0])
        yield Loss(id=account.id, name=record.name, email=record.facts.get("email"), lost=tuple(lost.items()))


def _of_tokens(change: Closing, snapshot: Snapshot) -> Iterator[Loss]:
    """Yield who would lose an API token."""
    tokens = [before for before, _ in change.changes if before.kind == "org.api_token" and "user_id" in before.facts]
    owners = {str(each.facts["user_id"]) for each in tokens}
    people = {each.id: each for each in _resources(snapshot, _USER) if each.id in owners} if owners else {}
    for owner in sorted(owners):
        lost = tuple((each.address, f"the API token {each.name}") for each in tokens if each.facts["user_id"] == owner)
        known = people.get(owner)
        yield Loss(id=owner, name=known.name if known else owner, email=known.facts.get("email") if known else None, lost=lost)


# ----------------------------------------------------------------------------------------------------- who could not come in


class _Apps:
    """What apps are called."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._index: dict[str, str] = {
            each.id: f"{each.facts.get('type_key', each.name)} on {each.name}" for each in _resources(snapshot, "org.workspace")
        }

    def __getitem__(self, id_: str | None) -> str:
        if not _is_named(id_):
            return NO_NAME
        # The app of all sites: ari:cloud:jira-software::app/all.
        return self._index.get(id_) or (id_.split(":")[2] if id_.count(":") > 1 else id_)


_CUSTOMERS_TOLD = {
    "public_signup": "nobody makes a customer account at {name} for themselves any more",
    "open_access": "only people whom the team added raise requests at {name}",
    "channel_access": "only people whom the team added raise requests at {name}",
    "sharing": "customers of {name} share requests within their own organization only, so nobody becomes a customer by sharing",
    "knowledge_base_anonymous": "nobody reads the articles of {name} without an account any more",
}
_ACCESS_TOLD = {
    "public_signup": "nobody makes a customer account on {name} for themselves any more",
    "external_accounts": "nobody from outside makes a customer account on {name} any more",
    "login_required": "nobody sees the help center of {name} without logging in any more",
    "accounts_from_mail_headers": "on {name} no customer account is made of an address in a mail's header, but by agents",
}
_TOLD = {
    "jsm.customer_permissions": _CUSTOMERS_TOLD,
    "jsm.customer_access": _ACCESS_TOLD,
    "org.user_invites": {
        "user_invites": "ordinary users invite nobody to {name} any more; admins still can",
        "invitation_links": "invitation links to {name} that are about let nobody in any more",
    },
    "confluence.space": {
        "unlicensed_access": "nobody without a Confluence licence, such as a customer of a portal, looks into {name} any more"
    },
    "jira.application_role": {"selected_by_default": "new accounts no longer get {name} by default"},
}


def _ways_closed(before: Resource, after: Resource | None, apps: _Apps) -> Iterator[str]:
    told, name = _TOLD.get(before.kind, {}), before.name if before.kind != "jsm.customer_permissions" else f"the desk {before.id}"
    for fact, (was, is_) in _differences(before, after).items():
        if fact in told:
            yield told[fact].format(name=name)
        elif before.kind == _GROUP and fact == "role_assignments":
            left = {each.get("resource_id") for each in is_ if each.get("default_role")}
            for each in was or ():
                if each.get("default_role") and each.get("resource_id") not in left:
                    yield f"new people of {apps[each.get('resource_id')]} no longer land in the group {before.name}"


# ------------------------------------------------------------------------------------------------ who could join by an address

# How the entry of a domain lets its people into an app, the narrowest first.
_MODES = ("DENIED_ACCESS", "REQUEST_ACCESS", "DIRECT_ACCESS")


@dataclass(frozen=True, slots=True)
class _Join:
    """A way into an app that a domain would no longer give: to whom, how wide it is, and what would be left (None: not known)."""

    who: str
    app: str
    was: str
    left: str | None

    def what(self, mode: str) -> str:
        """Return what people can do by it."""
        return f"join {self.app} alone" if mode == "DIRECT_ACCESS" else f"ask to join {self.app}"


def _joins(change: Closing, snapshot: Snapshot) -> Iterator[_Join]:
    """Yield what domains would no longer give. Left is what any address may still do, whatever its domain."""
    changes = [(before, after) for before, after in change.changes if before.kind == _DOMAIN]
    if not changes:
        return
    apps, anyone = _Apps(snapshot), [each for each in _resources(snapshot, _DOMAIN) if each.id == _ANYONE]
    is_known = bool(anyone) or _is_whole(_DOMAIN, snapshot)
    afterwards = [change.then(each) for each in anyone]
    for before, after in changes:
        for product in before.facts.get("products") or ():
            app, was = product.get("product_id"), product.get("access_mode")
            own = _widest(each.get("access_mode") for each in _products(after) if each.get("product_id") == app)
            if was not in _MODES or own == was:
                continue
            if before.id == _ANYONE:
                yield _Join("whoever has an address in no approved domain", apps[app], was, own)
            else:
                left = _widest([own, *(_mode(each, app) for each in afterwards)]) if is_known else None
                yield _Join(f"whoever has an address at {before.id}", apps[app], was, left)


def _products(entry: Resource | None) -> list[dict[str, Any]]:
    """Return what the entry of a domain lets people into, as far as it is in force."""
    return [] if entry is None or entry.facts.get("enabled") is False else entry.facts.get("products") or []


def _mode(entry: Resource | None, app: str | None) -> str | None:
    """Return how the entry of any domain lets people into an app; None where it does not say."""
    if entry is None or entry.facts.get("enabled") is False:
        return "DENIED_ACCESS"
    products = _products(entry)
    # Enabled for no app at all has no documented meaning.
    if not products or entry.facts.get("enabled") is None:
        return None
    return _widest(_mode_of(each, app) for each in products)


def _mode_of(product: Mapping[str, Any], app: str | None) -> str | None:
    """Return how one app's entry lets people into an app; None where it may be another's, and is not shut."""
    mode, other = product.get("access_mode"), product.get("product_id")
    if not _is_named(app) or not _is_named(other):
        return mode if mode == "DENIED_ACCESS" else None
    return mode if _is_same(app, other) else "DENIED_ACCESS"


def _is_named(app: str | None) -> TypeGuard[str]:
    return app is not None and app != "?"


def _is_same(app: str, other: str) -> bool:
    """Tell whether two are one app, or one of them is that app on all sites: ari:cloud:jira-software::app/all."""
    (kind, _, which), (other_kind, _, other_which) = app.partition("::"), other.partition("::")
    return kind == other_kind and (which == other_which or "app/all" in (which, other_which))


def _widest(modes: Iterable[str | None]) -> str | None:
    """Return the widest of some ways in, or None where one that is not known may be wider."""
    found = {each if each in _MODES else None for each in modes}
    if None in found and _MODES[-1] not in found:
        return None
    return max((each for each in found if each), key=_MODES.index, default=_MODES[0])


def _closed(join: _Join) -> Iterator[str]:
    match join.was, join.left:
        case "DIRECT_ACCESS", "REQUEST_ACCESS":
            yield f"{join.who} can no longer {join.what(join.was)}: an admin has to approve"
        case "DIRECT_ACCESS", "DENIED_ACCESS":
            yield f"{join.who} can no longer join {join.app}"
        case "REQUEST_ACCESS", "DENIED_ACCESS":
            yield f"{join.who} can no longer {join.what(join.was)}"


def _left_open(join: _Join) -> Iterator[str]:
    if join.left is not None and _MODES.index(join.left) >= _MODES.index(join.was):
        yield f"{join.who} can still {join.what(join.left)}, as any address can"


def _by_domain(snapshot: Snapshot) -> Counter[str]:
    emails = (record.facts.get("email") for record in _resources(snapshot, _USER) if record.facts.get("status") == "active")
    return Counter(domain for email in emails if isinstance(email, str) and (domain := domain_of(email)))


def _is_told(before: Resource, after: Resource | None) -> bool:
    """Tell whether what a change means for people can be told: who loses something, or who could no longer come in."""
    if after is None or before.kind == _DOMAIN:
        return True
    facts = {*_TOLD.get(before.kind, {}), *_FACTS_OF_PATHS, "shares"}
    return not facts.isdisjoint(_differences(before, after))


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"

"""The configuration: every key of it, what is refused with file and line, and what it states about desks."""

from pathlib import Path

import pytest

from scanner import config as configuration
from scanner import policies
from scanner.config import API_URL, Collect, Config, Site, declaration, undeclared_typos
from scanner.documents import schema
from scanner.errors import InputError
from scanner.model import Severity

ACME = "sites: [{url: https://acme.atlassian.net}]\n"
ADDRESS = "such as https://acme.atlassian.net"
USER = ("an address must not hold a user name or password", "credentials come from the environment or the keyring")
PROFILE = str(schema("config")["properties"]["profile"]["description"])
BARE = ("wants the bare address, without a path", "https://acme.atlassian.net")


def loaded(folder: Path, text: str) -> Config:
    (folder / "atlascan.yaml").write_text(text, encoding="utf-8")
    return configuration.load(folder / "atlascan.yaml")


def refused(folder: Path, text: str) -> tuple[str, str | None]:
    """Return how a configuration is refused; the message without the file before it."""
    with pytest.raises(InputError) as caught:
        loaded(folder, text)
    return str(caught.value).removeprefix(f"{folder}/atlascan.yaml:"), caught.value.hint


def sites(folder: Path, *urls: str) -> list[Site]:
    return list(loaded(folder, "sites:\n" + "".join(f"  - url: '{url}'\n" for url in urls)).sites)


# ---------------------------------------------------------------------------------------------------------------- every key


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").touch()
    (tmp_path / "attestations.yaml").touch()
    text = """\
org: {id: 1234-5678}
sites:
  - {name: NO, url: "https://acme.atlassian.net/", auth: scoped}
  - {url: "https://beta.atlassian.net", auth: oauth}
profile: baseline
company_domains: [ACME.com., Bücher.example]
desks: {NO: employees, beta/HR: public, OFF: closed}
spaces: {KB: knowledge-base, NO/PRESS: public}
collect: {undocumented: true, probe: true, audit_days: 0, concurrency: 64}
waivers: waivers.yaml
attestations: attestations.yaml
policies: [mine, ../ours]
params: {jsm/separate-support-email-domain: {company_domains: [off]}}
severity: {jsm/public-signup-off: low}
disable: {access/no-invites-allowed: "NO: the app is not used"}
fail_on: low
api_url: https://proxy.example:8443
login_url: https://login.example
"""
    config = loaded(tmp_path, text)
    assert config == Config(
        sites=(Site("NO", "https://acme.atlassian.net", "scoped"), Site("beta", "https://beta.atlassian.net", "oauth")),
        org_id="1234-5678",
        profile="baseline",
        company_domains=("acme.com", "xn--bcher-kva.example"),
        desks={"NO": "employees", "beta/HR": "public", "OFF": "closed"},
        spaces={"KB": "knowledge-base", "NO/PRESS": "public"},
        collect=Collect(undocumented=True, probe=True, audit_days=0, concurrency=64),
        waivers=tmp_path / "waivers.yaml",
        attestations=tmp_path / "attestations.yaml",
        policies=(tmp_path / "mine", tmp_path / "../ours"),
        params={"jsm/separate-support-email-domain": {"company_domains": ["off"]}},
        severity={"jsm/public-signup-off": Severity.LOW},
        disable={"access/no-invites-allowed": "NO: the app is not used"},
        fail_on=Severity.LOW,
        api_url="https://proxy.example:8443",
        login_url="https://login.example",
        document=config.document,
    )
    assert config.document
    assert set(config.document.value) == set(schema("config")["properties"]), "a key is not in this test"


def test_whatever_is_left_out_has_a_default(tmp_path: Path) -> None:
    config = loaded(tmp_path, ACME)
    assert config == Config(sites=(Site("acme", "https://acme.atlassian.net"),), document=config.document)
    assert (config.profile, config.fail_on, config.api_url) == ("it-controlled", Severity.HIGH, API_URL)
    assert config.collect == Collect(undocumented=False, probe=False, audit_days=30, concurrency=8)


def test_no_company_domain_is_something_else_than_nothing_said(tmp_path: Path) -> None:
    assert loaded(tmp_path, ACME).settings == {}
    assert loaded(tmp_path, ACME + "company_domains: []\n").settings == {"company_domains": []}
    assert loaded(tmp_path, ACME + "company_domains: [ACME.com]\n").settings == {"company_domains": ["acme.com"]}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "1: null is not a map", "What atlascan scans, and by which rules."),
        ("[]", "1: [] is not a map", "What atlascan scans, and by which rules."),
        ("profile: baseline\n", "1: the key 'sites' is missing", "sites: The sites to scan."),
        (ACME + "profil: x\n", "2: profil: unknown key 'profil'", "did you mean 'profile'?"),
        (ACME + "collect:\n  probes: true\n", "3: collect.probes: unknown key 'probes'", "did you mean 'probe'?"),
        (ACME + "org: {ids: x}\n", "2: org.ids: unknown key 'ids'", "did you mean 'id'?"),
        ("sites:\n- url: a\n  nmae: b\n", "3: sites[0].nmae: unknown key 'nmae'", "did you mean 'name'?"),
        (ACME + "profile: x\nprofile: y\n", "3: the key 'profile' is given twice", "keep one of them"),
        ("sites: acme\n", '1: sites: "acme" is not a list', "The sites to scan."),
        (
            "sites: [{name: acme}]\n",
            "1: sites[0]: the key 'url' is missing",
            "url: The site's address, such as https://acme.atlassian.net (https only, http for loopback).",
        ),
        (
            "sites: [{url: a, name: a/b}]\n",
            '1: sites[0].name: "a/b" does not look right',
            "A short name used in addresses; by default the first label of the host.",
        ),
        (
            "sites: [{url: a, auth: token}]\n",
            '1: sites[0].auth: "token" is not one of basic, scoped, oauth',
            "known: basic, oauth, scoped",
        ),
        (
            ACME + "org: acme\n",
            '2: org: "acme" is not a map',
            "The organization; found by itself when the key sees exactly one.",
        ),
        (
            ACME + "org: {id: 5}\n",
            "2: org.id: 5 is not text",
            "The organization's id, from the address of its admin page: admin.atlassian.com/o/<id>",
        ),
        (ACME + "profile: [a]\n", '2: profile: ["a"] is not text', PROFILE),
        (
            ACME + "severity: {a/b: hihg}\n",
            '2: severity.a/b: "hihg" is not one of info, low, medium, high, critical',
            "did you mean 'high'?",
        ),
        (
            ACME + "disable: {a/b: ' '}\n",
            '2: disable.a/b: " " does not look right',
            "Why the policy is not applied; every report shows it.",
        ),
        (
            ACME + "disable: {a/b: }\n",
            "2: disable.a/b: null is not text",
            "Why the policy is not applied; every report shows it.",
        ),
        (
            ACME + "company_domains: acme.com\n",
            '2: company_domains: "acme.com" is not a list',
            "Domains of the company's own mail. An empty list says that there is none.",
        ),
        (ACME + "company_domains: [1]\n", "2: company_domains[0]: 1 is not text", "A domain, such as acme.com"),
        (
            ACME + "desks: {HR: open}\n",
            '2: desks.HR: "open" is not one of closed, employees, public',
            "known: closed, employees, public",
        ),
        (
            ACME + "desks: {HR: empoyees}\n",
            '2: desks.HR: "empoyees" is not one of closed, employees, public',
            "did you mean 'employees'?",
        ),
        (
            ACME + "spaces: {KB: secret}\n",
            '2: spaces.KB: "secret" is not one of knowledge-base, public',
            "known: knowledge-base, public",
        ),
        (
            ACME + "collect: {undocumented: yes}\n",
            '2: collect.undocumented: "yes" is not true or false',
            "Read settings that only undocumented endpoints give (they may stop working any day).",
        ),
        (
            ACME + "collect: {probe: 1}\n",
            "2: collect.probe: 1 is not true or false",
            "Look at the site as an anonymous visitor would.",
        ),
        (
            ACME + "collect: {audit_days: 181}\n",
            "2: collect.audit_days: 181 is greater than the maximum of 180",
            "How many days of audit log to read.",
        ),
        (
            ACME + "collect: {concurrency: 0}\n",
            "2: collect.concurrency: 0 is less than the minimum of 1",
            "How many requests may be under way at once.",
        ),
        (
            ACME + "collect: {concurrency: 8.0}\n",
            "2: collect.concurrency: 8.0 is not a whole number",
            "How many requests may be under way at once.",
        ),
        (
            ACME + "waivers: 5\n",
            "2: waivers: 5 is not text or a map",
            "The waivers file, relative to this file; or a map of it with the limits.",
        ),
        (
            ACME + "policies: mine\n",
            '2: policies: "mine" is not a list',
            "Folders with policies of your own, relative to this file, beside the shipped ones.",
        ),
        (ACME + "params: {a: 1}\n", "2: params.a: 1 is not a map", "Parameters of one policy, by name."),
        (ACME + "fail_on: hihg\n", '2: fail_on: "hihg" is not one of info, low, medium, high, critical', "did you mean 'high'?"),
        (
            ACME + "fail_on: NO\n",
            '2: fail_on: "NO" is not one of info, low, medium, high, critical',
            "known: critical, high, info, low, medium",
        ),
    ],
)
def test_what_is_wrong_is_said_in_its_place(tmp_path: Path, text: str, message: str, hint: str) -> None:
    assert refused(tmp_path, text) == (message, hint)


@pytest.mark.parametrize("key", ["waivers", "attestations"])
@pytest.mark.parametrize("name", ["missing.yaml", ".", "x" * 300], ids=["missing", "folder", "endless"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, key: str, name: str) -> None:
    message, hint = refused(tmp_path, f"{ACME}{key}: {name}\n")
    # A name without end is shortened.
    assert f"2: {key}: there is no file {tmp_path / name}".startswith(message.removesuffix("…"))
    assert len(message) > len(f"{tmp_path}")
    assert hint == f"create it, or take `{key}:` out"


# ---------------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://acme.atlassian.net", "https://acme.atlassian.net"),
        ("https://acme.atlassian.net/", "https://acme.atlassian.net"),
        ("HTTPS://ACME.Atlassian.net", "https://acme.atlassian.net"),
        ("https://acme.atlassian.net:8443", "https://acme.atlassian.net:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ],
)
def test_an_address_to_which_credentials_may_go_is_kept(tmp_path: Path, url: str, kept: str) -> None:
    assert loaded(tmp_path, f"sites:\n- name: a\n  url: '{url}'\n").sites[0].url == kept
    assert loaded(tmp_path, f"{ACME}api_url: '{url}'\n").api_url == kept


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("http://acme.atlassian.net", "credentials would travel to acme.atlassian.net in the clear", "write https://"),
        ("http://127.0.0.1.evil.example", "credentials would travel to 127.0.0.1.evil.example in the clear", "write https://"),
        ("http://localhost.evil.example", "credentials would travel to localhost.evil.example in the clear", "write https://"),
        ("http://10.0.0.1", "credentials would travel to 10.0.0.1 in the clear", "write https://"),
        ("http://[2001:db8::1]", "credentials would travel to 2001:db8::1 in the clear", "write https://"),
        ("https://kim:secret@acme.atlassian.net", *USER),
        ("https://kim@acme.atlassian.net", *USER),
        ("https://:secret@acme.atlassian.net", *USER),
        ("https://@acme.atlassian.net", *USER),
        ("https://kim:secret@", *USER),
        ("ftp://kim:secret@acme.atlassian.net", *USER),
        ("http://kim:secret@acme.atlassian.net/path", *USER),
        ("https://acme.atlassian.net\\@evil.example", *USER),
        ("https://acme.atlassian.net/jira", *BARE),
        ("https://acme.atlassian.net//x", *BARE),
        ("https://acme.atlassian.net?token=x", *BARE),
        ("https://acme.atlassian.net#x", *BARE),
        ("acme.atlassian.net", "'acme.atlassian.net' is not an address", ADDRESS),
        ("ftp://acme.atlassian.net", "'ftp://acme.atlassian.net' is not an address", ADDRESS),
        ("javascript:alert(1)", "'javascript:alert(1)' is not an address", ADDRESS),
        ("//acme.atlassian.net", "'//acme.atlassian.net' is not an address", ADDRESS),
        ("https://", "'https://' is not an address", ADDRESS),
        ("https://a b.example", "'https://a b.example' is not an address", ADDRESS),
        ("https://acme.net\\.evil.example", r"'https://acme.net\\.evil.example' is not an address", ADDRESS),
        ("https://acme%2eatlassian.net", "'https://acme%2eatlassian.net' is not an address", ADDRESS),
        ("https://acme.atlassian.net:99999", "not an address", ADDRESS),
        ("https://acme.atlassian.net:x", "not an address", ADDRESS),
        ("https://kim:sec/ret@acme.atlassian.net", "not an address", ADDRESS),
        ("https://[::1", "not an address", ADDRESS),
    ],
)
def test_an_address_to_which_no_credential_may_go_is_refused(tmp_path: Path, url: str, message: str, hint: str) -> None:
    text = f"sites:\n- name: a\n  url: '{url}'\n"
    assert refused(tmp_path, text) == (f"3: sites[0].url: {message}", hint)
    assert "secret" not in refused(tmp_path, text)[0]
    assert refused(tmp_path, f"{ACME}api_url: '{url}'\n") == (f"2: api_url: {message}", hint)


def test_a_site_is_named_by_the_first_label_of_its_host(tmp_path: Path) -> None:
    assert [site.name for site in sites(tmp_path, "https://ACME.atlassian.net", "https://NO.example", "http://localhost:1")] == [
        "acme",
        "no",
        "localhost",
    ]


def test_a_host_that_gives_no_name_must_be_given_one(tmp_path: Path) -> None:
    assert refused(tmp_path, "sites: [{url: 'http://[::1]'}]") == (
        "1: sites[0]: ::1 gives no name for the site",
        "give it one: `name:`",
    )


@pytest.mark.parametrize(
    "second", ["{url: https://acme.example}", "{name: acme, url: https://other.example}", "{url: https://acme.atlassian.net}"]
)
def test_two_sites_of_one_name_are_refused(tmp_path: Path, second: str) -> None:
    assert refused(tmp_path, f"sites:\n- url: https://acme.atlassian.net\n- {second}\n") == (
        "3: sites[1]: two sites are named 'acme'",
        "give one of them another name",
    )


@pytest.mark.parametrize("text", ["no domain", "*.acme.com", "kim@acme.com", "https://acme.com", "acme.com/x", "-acme.com", "."])
def test_what_is_no_domain_is_refused(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, f"{ACME}company_domains:\n- acme.com\n- '{text}'\n") == (
        f"4: company_domains[1]: {text!r} is not a domain",
        "such as acme.com",
    )


# ------------------------------------------------------------------------------------------------------- rules that it chooses


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("profile: it-controled\n", "2: profile: there is no profile 'it-controled'", "did you mean 'it-controlled'?"),
        (
            "params:\n  jsm/public-signup-of: {a: 1}\n",
            "3: params.jsm/public-signup-of: there is no policy 'jsm/public-signup-of'",
            "did you mean 'jsm/public-signup-off'?",
        ),
        (
            "params:\n  jsm/separate-support-email-domain:\n    company_domain: []\n",
            "4: params.{0}.company_domain: {0} has no parameter 'company_domain'".format("jsm/separate-support-email-domain"),
            "did you mean 'company_domains'?",
        ),
        (
            "params:\n  jsm/public-signup-off: {a: 1}\n",
            "3: params.jsm/public-signup-off.a: jsm/public-signup-off has no parameter 'a'",
            "it has none",
        ),
        (
            "params:\n  jsm/separate-support-email-domain: {company_domains: acme.com}\n",
            '3: params.jsm/separate-support-email-domain.company_domains: "acme.com" is not a list',
            "company_domains: the domains of the company's own mail",
        ),
    ],
)
def test_rules_that_do_not_exist_are_refused_in_their_place(tmp_path: Path, text: str, message: str, hint: str) -> None:
    config = loaded(tmp_path, ACME + text)
    with pytest.raises(InputError) as caught:
        policies.select(policies.load(), config.profile, config.settings, config.params, config.document)
    assert (str(caught.value), caught.value.hint) == (f"{tmp_path}/atlascan.yaml:{message}", hint)


def test_a_parameter_is_as_given_else_from_the_setting(tmp_path: Path) -> None:
    def domains(text: str) -> object:
        config = loaded(tmp_path, ACME + text)
        rules = policies.select(policies.load(), config.profile, config.settings, config.params, config.document)
        [params] = [rule.params for rule in rules if rule.policy.id == "jsm/separate-support-email-domain"]
        return params["company_domains"]

    given = "params: {jsm/separate-support-email-domain: {company_domains: [other.example]}}\n"
    assert domains("") is None
    assert domains("company_domains: [ACME.example]\n") == ["acme.example"]
    assert domains("company_domains: [acme.example]\n" + given) == ["other.example"]


# ------------------------------------------------------------------------------------------------------------------- desks


def two_sites(folder: Path, desks: str) -> Config:
    return loaded(folder, f"sites: [{{url: https://acme.example}}, {{url: https://beta.example}}]\ndesks: {desks}\n")


def desk_kind(config: Config, desk: str, *known: str) -> object:
    return declaration(config, known)("jsm.service_desk", desk, {})["desk_kind"]


def test_a_desk_that_nobody_declared_is_closed(tmp_path: Path) -> None:
    assert desk_kind(loaded(tmp_path, ACME), "acme/HR", "acme/HR") == "closed"


def test_a_bare_key_declares_the_desk_on_whatever_site_it_is(tmp_path: Path) -> None:
    config = two_sites(tmp_path, "{HR: employees, NO: public}")
    assert [desk_kind(config, desk, "acme/HR", "beta/NO") for desk in ("acme/HR", "beta/NO", "acme/OTHER")] == [
        "employees",
        "public",
        "closed",
    ]


def test_a_key_with_its_site_declares_that_desk_only(tmp_path: Path) -> None:
    config = two_sites(tmp_path, "{acme/HR: public}")
    assert [desk_kind(config, desk, "acme/HR", "beta/HR") for desk in ("acme/HR", "beta/HR")] == ["public", "closed"]


def test_a_bare_key_that_two_sites_have_is_refused(tmp_path: Path) -> None:
    config = two_sites(tmp_path, "\n  IT: closed\n  HR: public")
    with pytest.raises(InputError) as caught:
        declaration(config, ["beta/HR", "acme/HR", "acme/IT"])
    assert (str(caught.value), caught.value.hint) == (
        f"{tmp_path}/atlascan.yaml:4: desks.HR: 'HR' is a desk on more than one site",
        "write one of acme/HR, beta/HR",
    )


@pytest.mark.parametrize("desks", ["{HR: closed, acme/HR: public}", "{acme/HR: public, HR: closed}"])
def test_the_form_with_the_site_wins_in_whatever_order(tmp_path: Path, desks: str) -> None:
    config = two_sites(tmp_path, desks)
    assert [desk_kind(config, desk, "acme/HR") for desk in ("acme/HR", "beta/HR")] == ["public", "closed"]


@pytest.mark.parametrize("kind", ["jsm.service_desk", "jsm.customer_permissions"])
def test_a_desk_and_its_permissions_are_told_whom_it_serves(tmp_path: Path, kind: str) -> None:
    declare = declaration(two_sites(tmp_path, "{HR: public}"), ["acme/HR"])
    assert declare(kind, "acme/HR", {"name": "HR", "desk_kind": "closed"}) == {
        "name": "HR",
        "desk_kind": "public",
        "desk_declared": True,
    }


def test_a_channel_is_told_whom_its_desk_serves_if_that_is_known(tmp_path: Path) -> None:
    declare = declaration(two_sites(tmp_path, "{HR: public}"), ["acme/HR"])
    told = [declare("jsm.email_channel", "acme/help@acme.com", {"project_key": key}) for key in ("HR", "IT")]
    assert told == [
        {"project_key": "HR", "desk_kind": "public", "desk_declared": True},
        {"project_key": "IT", "desk_kind": "closed", "desk_declared": False},
    ]
    assert declare("jsm.email_channel", "acme/help@acme.com", {}) == {}


def test_other_kinds_are_told_nothing_and_facts_are_left_alone(tmp_path: Path) -> None:
    declare = declaration(two_sites(tmp_path, "{HR: public}"), ["acme/HR"])
    facts = {"name": "HR"}
    assert declare("jira.project", "acme/HR", facts) == {"name": "HR"}
    assert declare("jsm.service_desk", "acme/HR", facts)["desk_kind"] == "public"
    assert facts == {"name": "HR"}


def test_a_declared_desk_that_does_not_exist_is_warned_of(tmp_path: Path) -> None:
    config = two_sites(tmp_path, "{HR: closed, HRR: closed, acme/IT: public, beta/IT: public, QQQQ: closed}")
    assert undeclared_typos(config, ["acme/HR", "acme/IT"]) == (
        "desks: there is no service desk 'HRR'; did you mean 'HR'?",
        "desks: there is no service desk 'beta/IT'; known: HR, IT, acme/HR, acme/IT",
        "desks: there is no service desk 'QQQQ'; known: HR, IT, acme/HR, acme/IT",
    )


def test_nothing_is_warned_of_where_no_desk_could_be_read(tmp_path: Path) -> None:
    assert undeclared_typos(two_sites(tmp_path, "{HRR: closed}"), []) == ()


# ------------------------------------------------------------------------------------------------------------------ spaces


def spaces(folder: Path, declared: str) -> Config:
    return loaded(folder, f"sites: [{{url: https://acme.example}}, {{url: https://beta.example}}]\nspaces: {declared}\n")


def test_a_space_is_told_for_whom_it_is_and_is_internal_where_nobody_said(tmp_path: Path) -> None:
    declare = declaration(spaces(tmp_path, "{KB: knowledge-base, beta/PRESS: public}"), [], ["acme/KB", "beta/PRESS"])
    assert [declare("confluence.space", space, {}) for space in ("acme/KB", "beta/PRESS", "acme/PRESS")] == [
        {"space_kind": "knowledge-base", "space_declared": True},
        {"space_kind": "public", "space_declared": True},
        {"space_kind": "internal", "space_declared": False},
    ]


def test_a_bare_key_that_spaces_of_two_sites_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":2: spaces\.KB: 'KB' is a space on more than one site"):
        declaration(spaces(tmp_path, "{KB: public}"), [], ["acme/KB", "beta/KB"])


def test_a_declared_space_that_does_not_exist_is_warned_of(tmp_path: Path) -> None:
    assert undeclared_typos(spaces(tmp_path, "{KBB: public}"), ["acme/HR"], ["acme/KB"]) == (
        "spaces: there is no space 'KBB'; did you mean 'KB'?",
    )

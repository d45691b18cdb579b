"""Two spellings of one domain come out the same, and what is no domain comes out as nothing."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner.domains import domain_of, is_subdomain, normal_address, normal_domain

hosts = st.one_of(
    st.text(),
    st.text(alphabet="aB1-_.ßü\u3002\uff0eİ\u200d日@ "),
    st.from_regex(r"[a-z0-9-]{1,10}(\.[A-Za-zäöü]{2,5}){1,3}\.?", fullmatch=True),
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("acme.com", "acme.com"),
        ("ACME.Com", "acme.com"),
        (" acme.com ", "acme.com"),
        ("acme.com.", "acme.com"),
        ("acme", "acme"),
        ("_dmarc.acme.com", "_dmarc.acme.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.EXAMPLE.", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("\uff41\uff43\uff4d\uff45\uff0ecom", "acme.com"),
        ("acme\u3002com\u3002", "acme.com"),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
    ],
)
def test_spellings_of_one_domain_come_out_the_same(text: str, normal: str) -> None:
    assert normal_domain(text) == normal


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            ".",
            "..",
            "acme..com",
            ".acme.com",
            "-acme.com",
            "acme-.com",
            "*.acme.com",
            "acme.com/path",
            "https://acme.com",
        ),
        *(
            "kim@acme.com",
            "acme com",
            "acme.com:443",
            "[::1]",
            "a" * 64 + ".com",
            "a." * 127 + "com",
            "a\0b",
            "bücher..example",
            "\u3002",
        ),
    ],
)
def test_what_is_no_domain_is_none(text: str) -> None:
    assert normal_domain(text) is None


@settings(max_examples=400, deadline=None)
@given(hosts)
@example("\ud800.com")
@example("½.com")
@example("İ.com")
@example("日" * 10_000)
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    normal = normal_domain(text)
    assert normal is None or normal_domain(normal) == normal


@settings(max_examples=200, deadline=None)
@given(hosts)
def test_case_and_a_trailing_dot_make_no_difference(text: str) -> None:
    normal = normal_domain(text)
    if normal is not None:
        assert normal_domain(normal.upper() + ".") == normal


@pytest.mark.parametrize(
    ("name", "of", "below"),
    [
        ("help.acme.com", "acme.com", True),
        ("a.b.acme.com", "acme.com", True),
        ("acme.com", "acme.com", False),
        ("notacme.com", "acme.com", False),
        ("acme.com", "help.acme.com", False),
        ("acme.com.evil.example", "acme.com", False),
    ],
)
def test_a_subdomain_lies_properly_below(name: str, of: str, below: bool) -> None:
    assert is_subdomain(name, of) is below


def test_the_domain_of_an_address_or_a_bare_host_is_what_stands_last() -> None:
    assert domain_of("Kim@ACME.com") == "acme.com"
    assert domain_of('"odd@local"@acme.com') == "acme.com"
    assert domain_of("acme.com") == "acme.com"
    assert domain_of("kim@") is None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("help@acme.com", "help@acme.com"),
        (" Help@ACME.com. ", "help@acme.com"),
        ("Grüße@Bücher.example", "grüße@xn--bcher-kva.example"),
        ("a/b+c@acme.com", "a/b+c@acme.com"),
        ("help@localhost", None),
        ("help", None),
        ("@acme.com", None),
        ("help@", None),
        ("a@b@c", None),
        ("help@[127.0.0.1]", None),
        ("", None),
    ],
)
def test_an_address_is_compared_in_lower_case(text: str, normal: str | None) -> None:
    assert normal_address(text) == normal


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.emails(), st.tuples(st.text(max_size=8), hosts).map("@".join)))
@example("\ud800@acme.com")
@example("İ@acme.com")
def test_a_normal_address_is_its_own_normal_form_and_so_is_its_domain(text: str) -> None:
    normal = normal_address(text)
    if normal is not None:
        assert normal_address(normal) == normal
        assert domain_of(normal) == normal.rpartition("@")[2]

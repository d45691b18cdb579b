"""Credentials come from the environment or the keyring, and nothing shows them."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import NoKeyringError

from scanner.cli.credentials import SERVICE, found, names
from scanner.collect.api import Credentials
from scanner.config import Site
from scanner.errors import InputError
from tests.sites import credentials


class Remembering(KeyringBackend):
    """A keyring that lives as long as a test."""

    priority = 1

    def __init__(self, **kept: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as the library has it
        self.kept = kept

    def get_password(self, service: str, username: str) -> str | None:
        assert service == SERVICE
        return self.kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


class Absent(Remembering):
    """A machine without a keyring."""

    def get_password(self, service: str, username: str) -> str | None:
        raise NoKeyringError(f"{service} {username}")


def site(name: str, auth: str = "basic") -> Site:
    return Site(name, f"https://{name}.atlassian.net", auth)


@pytest.fixture(autouse=True)
def _own_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Remembering())
    yield
    keyring.set_keyring(before)


def test_a_site_uses_its_own_credentials_before_those_for_all_sites() -> None:
    given = {
        "ATLASCAN_EMAIL": "all@acme.example",
        "ATLASCAN_API_TOKEN": "for-all",
        "ATLASCAN_ACME_EU_EMAIL": "eu@acme.example",
        "ATLASCAN_ACME_EU_API_TOKEN": "for-eu",
    }
    with credentials(given):
        assert found([site("acme"), site("acme-eu")]) == Credentials(
            None, {"acme": ("all@acme.example", "for-all"), "acme-eu": ("eu@acme.example", "for-eu")}
        )


def test_a_site_of_client_credentials_uses_these_and_no_account() -> None:
    given = {
        "ATLASCAN_EMAIL": "all@acme.example",
        "ATLASCAN_API_TOKEN": "for-all",
        "ATLASCAN_CLIENT_ID": "client",
        "ATLASCAN_CLIENT_SECRET": "secret",
        "ATLASCAN_ACME_EU_CLIENT_SECRET": "secret-of-eu",
    }
    with credentials(given):
        assert found([site("acme"), site("acme-us", "oauth"), site("acme-eu", "oauth")]) == Credentials(
            None,
            {"acme": ("all@acme.example", "for-all")},
            {"acme-us": ("client", "secret"), "acme-eu": ("client", "secret-of-eu")},
        )
        assert names(site("acme-eu", "oauth")) == "ATLASCAN_CLIENT_ID and ATLASCAN_ACME_EU_CLIENT_SECRET"


def test_half_a_pair_is_none() -> None:
    with credentials({"ATLASCAN_EMAIL": "all@acme.example"}):
        assert found([site("acme")]) == Credentials(None, {})


def test_the_keyring_fills_in_what_the_environment_leaves_out() -> None:
    keyring.set_keyring(Remembering(ATLASCAN_ORG_API_KEY="kept", ATLASCAN_API_TOKEN="kept-token"))
    with credentials({"ATLASCAN_EMAIL": "all@acme.example"}):
        assert found([site("acme")]) == Credentials("kept", {"acme": ("all@acme.example", "kept-token")})
    with credentials({"ATLASCAN_ORG_API_KEY": "from-environment"}):
        assert found([]).org_key == "from-environment"


def test_a_machine_without_a_keyring_is_no_error() -> None:
    keyring.set_keyring(Absent())
    with credentials({}):
        assert found([site("acme")]) == Credentials(None, {})


@pytest.mark.parametrize("value", ["two\nlines", "ünsendbar", "bell\a"])
def test_a_value_that_cannot_be_sent_is_an_error_that_does_not_show_it(value: str) -> None:
    with credentials({"ATLASCAN_ORG_API_KEY": value}), pytest.raises(InputError) as refused:
        found([])
    assert str(refused.value) == "ATLASCAN_ORG_API_KEY holds characters that cannot be sent"


def test_spaces_and_line_ends_around_a_value_are_taken_off() -> None:
    with credentials({"ATLASCAN_ORG_API_KEY": " key\n"}):
        assert found([]).org_key == "key"


def test_no_representation_shows_a_credential() -> None:
    held = Credentials("secret-key", {"acme": ("kim@acme.example", "secret-token")})
    assert "secret" not in repr(held) + str(held)

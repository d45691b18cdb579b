"""The words of a catalogue tell by which way somebody came in; settings, refusals and what came to nothing tell of none."""

import pytest

from scanner import policies
from scanner.doors import DOORS
from scanner.ways import ENTRANCES, entrance_of, tells_of_leaving, tells_of_return

WORDS = [
    ("Invited user to organization", "invited"),
    ("Accepted invitation", "invited"),
    ("User invited to site", "invited"),
    ("Joined with invitation link", "link"),
    ("User used an invite link", "link"),
    ("Joined through approved domain", "approved-domain"),
    ("User signed up with an approved domain", "approved-domain"),
    ("Joined through any domain", "any-domain"),
    ("Self sign-up from any domain", "any-domain"),
    ("Approved access request", "access-request"),
    ("Access request approved", "access-request"),
    ("Provisioned user from identity provider", "synced"),
    ("User synced through SCIM", "synced"),
    ("Added user to organization", "added-by-admin"),
    ("Granted app access", "added-by-admin"),
    ("Granted role to user", "added-by-admin"),
    ("Added user to default group", "default-group"),
    ("Granted access by default", "default-group"),
    ("Customer signed up in portal", "portal-signup"),
    ("Portal account registered", "portal-signup"),
    ("Created customer account from email", "by-mail"),
    ("Created customer from incoming e-mail", "by-mail"),
    ("Added request participant", "participant"),
    ("Shared request with customer", "participant"),
    ("Added customer to service project", "made-customer"),
    ("Invited customer", "made-customer"),
]
OF_NO_WAY = [
    "Added approved domain",
    "Approved domain",
    "Removed approved domain",
    "Created invitation link",
    "Disabled invitation link",
    "Updated user invites setting",
    "Requested access to app",
    "Denied access request",
    "Cancelled invitation",
    "Deprovisioned user from identity provider",
    "Added user to group",
    "Removed request participant",
    "Granted organization admin role",
    "Created API token",
    "Created project",
    "Logged in to account",
    "Added comment",
    "",
]


@pytest.mark.parametrize(("words", "way"), WORDS)
def test_words_tell_of_one_way(words: str, way: str) -> None:
    found = entrance_of(words)

    assert found is not None
    assert found.id == way


@pytest.mark.parametrize("words", OF_NO_WAY)
def test_other_words_tell_of_none(words: str) -> None:
    assert entrance_of(words) is None


def test_there_are_words_for_each_way_here() -> None:
    assert {way for _, way in WORDS} == set(ENTRANCES)


@pytest.mark.parametrize(
    "words",
    [
        "Removed user from organization",
        "Removed managed account from directory",
        "User left the organization",
        "Suspended user",
        "Suspended user's access",
        "User account was deactivated",
        "Deactivated account",
        "Deleted customer account",
        "Deprovisioned user",
        "Deprovisioned user from identity provider",
    ],
)
def test_words_tell_that_somebody_was_put_out(words: str) -> None:
    assert tells_of_leaving(words)
    assert entrance_of(words) is None


@pytest.mark.parametrize(
    "words",
    [
        "Removed user from group",
        "Revoked API token",
        "Removed project role of user",
        "Deleted API key",
        "Revoked app access",
        "Revoked user's access to Confluence",
        "Removed customer from service project",
        "Removed user from customer organization",
        "Removed user from organization admins",
        "Revoked user sessions",
        "Removed user from team",
        "User removed from watchers",
        "Removed user's profile picture",
        "Deleted user data",
        "Removed user directory",
    ],
)
def test_losing_less_than_all_is_no_leaving(words: str) -> None:
    assert not tells_of_leaving(words)


@pytest.mark.parametrize("words", ["Restored user access", "Reactivated account", "Unsuspended user"])
def test_words_tell_that_somebody_was_let_in_again(words: str) -> None:
    assert tells_of_return(words)
    assert not tells_of_leaving(words)


@pytest.mark.parametrize("way", ENTRANCES)
def test_a_way_has_a_door_and_is_guarded_by_policies_of_that_door_or_says_who_decides(way: str) -> None:
    entrance = ENTRANCES[way]
    doors = {policy.id: policy.door for policy in policies.load().values()}

    assert entrance.door in DOORS
    assert {doors[guard] for guard in entrance.guards} <= {entrance.door}
    assert bool(entrance.guards) is not bool(entrance.decided)

"""Who people are called in what is shown around: by their names, or by the pseudonyms of a key that the user keeps."""

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.errors import InputError
from scanner.model import Header
from scanner.pseudonyms import Pseudonyms, speaks_of_people

if TYPE_CHECKING:
    from scanner.cli.pipeline import Criteria


def pseudonyms() -> Pseudonyms:
    """Return what makes pseudonyms with the user's key.

    Raises:
        InputError: There is no key, or it is too short.
    """
    # Imported here: looking for a keyring takes longer than most commands.
    from scanner.cli import credentials  # noqa: PLC0415

    return Pseudonyms(credentials.pseudonym_key())


def criteria(by: "Criteria", header: Header) -> "Criteria":
    """Return what to judge a snapshot by: where it has pseudonyms, parameters and waivers that name people have them too.

    Raises:
        InputError: They name people, and the key is missing or another.
    """
    if header.pseudonyms is None:
        return by
    if not speaks_of_people([dict(rule.params) for rule in by.rules]) and not speaks_of_people(
        [each.address for each in by.waivers]
    ):
        return by
    known = pseudonyms()
    if known.mark != header.pseudonyms:
        hint = "give the key that they were made with: parameters or waivers name people"
        raise InputError("the pseudonyms in the snapshot were made with another key", hint=hint)
    return replace(by, rules=known.rules(by.rules), waivers=known.waivers(by.waivers))

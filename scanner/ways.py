"""The ways in: how somebody comes to an account, or to an app, and by which words the organization's log tells of each.

The words are those of the tenant's own catalogue of events (`org.event_action`). Atlassian documents neither the ids of its actions
nor a whole list of their names, so ids say nothing, and a name that fits no way tells of none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entrance:
    """A way in: its door (`scanner.doors`), the words by which a log tells of it, and the `guards` that tell whether it is open.

    These are policies; without any, it is decided elsewhere, as `decided` says. A way for `customers` makes nobody a user of an
    app. `finish` is how a sentence about a person ends.
    """

    id: str
    title: str
    finish: str
    door: str
    guards: tuple[str, ...]
    words: str
    customers: bool = False
    decided: str = ""


_CAME = r"(accept|add|admi|creat|enrol|grant|join|let in|made|register|self|sign)"
_PERSON = r"(account|member|people|person|user)s?\b"

# In the order in which words are matched: the first that fits is meant.
ENTRANCES: Mapping[str, Entrance] = {
    entrance.id: entrance
    for entrance in (
        Entrance(
            id="participant",
            title="Added to a request as a participant",
            finish="was added to somebody's request as a participant, which makes a customer account",
            door="customers",
            guards=("jsm/customer-sharing-limited", "jsm/email-account-creation-limited"),
            words=r"\bparticipants?\b|\brequest\b.*\bshared\b|\bshared\b.*\brequest\b",
            customers=True,
        ),
        Entrance(
            id="by-mail",
            title="Created by an e-mail to a desk",
            finish="wrote to a desk's address, which makes a customer account",
            door="customers",
            guards=("jsm/public-signup-off",),
            words=(
                rf"(?=.*\b{_CAME})(?=.*\b(customer|portal|request))"
                r"(?=.*\b(by|from|through|via) (an )?(inbound |incoming )?e-?mail)"
            ),
            customers=True,
        ),
        Entrance(
            id="portal-signup",
            title="Signed up in a portal",
            finish="signed up in the portal of a desk, at nobody's decision",
            door="customers",
            guards=("jsm/public-signup-off",),
            words=r"(?=.*\b(sign\w*.?up|self.?regist|registered))(?=.*\b(customer|help cent|portal))",
            customers=True,
        ),
        Entrance(
            id="made-customer",
            title="Made a customer by an agent",
            finish="was made a customer by somebody of the desk's team",
            door="customers",
            guards=(),
            decided="agents can add customers at any time: look who is in the team of the desk",
            words=r"\b(add|creat|invit|made)\w*\b.*\bcustomers?\b(?! organi[sz]ation)",
            customers=True,
        ),
        Entrance(
            id="link",
            title="Invitation link",
            finish="used an invitation link, which lets in whoever holds it",
            door="invites",
            guards=("access/no-invitation-links",),
            words=rf"(?=.*\b({_CAME}|used|through|via|with))(?=.*\b(invit\w*|join\w*|share\w*)\b.*\blink|.*\blink\b.*\b(invit|join))",
        ),
        Entrance(
            id="any-domain",
            title="Any domain",
            finish="joined by merely having an e-mail address",
            door="signup",
            guards=("access/no-open-domain-signup",),
            words=rf"(?=.*\b{_CAME})(?=.*\bany (e-?mail )?(domain|address))",
        ),
        Entrance(
            id="approved-domain",
            title="Approved domain",
            finish="joined by having an e-mail address at an approved domain",
            door="signup",
            guards=("access/approved-domains-need-approval",),
            words=rf"(?=.*\b{_CAME})(?=.*\bdomain)",
        ),
        Entrance(
            id="access-request",
            title="Access request that was approved",
            finish="asked for access, and was let in",
            door="signup",
            guards=("access/approved-domains-verified", "access/no-open-domain-requests"),
            words=r"\b(accept|approv|grant)\w*\b.*\brequest|\brequest\w*\b.*\b(accepted|approved|granted)",
        ),
        Entrance(
            id="synced",
            title="Synced from the identity provider",
            finish="was provisioned by the identity provider",
            door="identity",
            guards=(),
            decided="the identity provider decides who comes this way: look there who may, and why this person does",
            words=rf"(?=.*\b{_PERSON})(?=.*\b(provision(ed|ing)?|scim|sync(ed|hroni[sz]ed)?|identity provider|idp)\b)",
        ),
        Entrance(
            id="default-group",
            title="Default group or role",
            finish="got an app by default, as every new account does",
            door="default-access",
            guards=("access/no-default-access-groups", "access/no-default-application-roles"),
            words=r"(?=.*\bdefault)(?=.*\b(access|app|group|product|role))",
        ),
        Entrance(
            id="invited",
            title="Invited by a user",
            finish="was invited by somebody who is no admin",
            door="invites",
            guards=("access/no-invites-allowed",),
            words=r"\binvit(ed|es|ation)\b",
        ),
        Entrance(
            id="added-by-admin",
            title="Added by an admin",
            finish="was added, or given an app, by an admin",
            door="identity",
            guards=(),
            decided="admins can add people at any time: look who may, under Directory > Administrators",
            words=(
                rf"\b(add|assign|creat|grant)\w*\b.*\b({_PERSON}|(app|product|site) (access|role)|access to)"
                rf"|\b{_PERSON}.*\b(added|created)\b"
            ),
        ),
    )
}

# What is no entrance, whatever else it says: settings, what came to nothing, what comes before.
_NONE = re.compile(
    r"\b(cancel|chang|declin|delet|den[iy]|deprovision|disabl|edit|enabl|expir|reject|remov|resen[dt]|resent|revok|setting|turn|updat)"
    r"|\b(add|allow|creat|generat|verif)\w* (an? |the )?(approved |invitation |new )?(domain|link)\b|^approved (an? |the )?domain"
    r"|\b(admin|api key|attachment|comment|dashboard|directory|filter|issue|page|policy|project role|request type|space|token)"
    r"s?\b(?!.*\b(customer|by default|participant))",
    re.IGNORECASE,
)
# Who joins a group that is no default has been inside before.
_GROUP = re.compile(r"^(?!.*\bdefault).*\bgroups?\b", re.IGNORECASE)
# Who is put out has nothing left; who loses an app, a desk, a team or a session may be inside still.
_WHOSE = r"((account|customer|member|people|person|user)s?\b ?)+('s |')?(access\b)?"
_ENDED = r"\b(deactivat|delet|deprovision|suspend)"
_LEFT = re.compile(
    r"^(?!.*\b(app|customer organi[sz]ation|group|project|role|site|space|team)s?\b)("
    rf".*{_ENDED}\w* ((a|an|the|managed|portal.only) )*({_WHOSE}|access\b) *($|\b(by|for|from|in|of|to)\b)"
    rf"|.*\b{_WHOSE} *((has|have|is|was|were) )?(been )?{_ENDED}ed\b"
    rf"|(?=.*\b(access|{_PERSON})).*\b(left|(remov|revok)\w*\b.*\b(from|to))\b.*\b(directory|organi[sz]ation)\b(?! admin)"
    r")",
    re.IGNORECASE,
)
_BACK = re.compile(rf"(?=.*\b(reactivat|restor|unsuspend))(?=.*\b({_PERSON}|customers?\b|access\b))", re.IGNORECASE)


def entrance_of(words: str) -> Entrance | None:
    """Return the way in that words of the catalogue tell of; None if they tell of none."""
    if _NONE.search(words) or _GROUP.search(words):
        return None
    return next((each for each in ENTRANCES.values() if re.search(each.words, words, re.IGNORECASE)), None)


def tells_of_leaving(words: str) -> bool:
    """Tell whether words of the catalogue say that somebody was put out altogether, or left."""
    return _LEFT.search(words) is not None


def tells_of_return(words: str) -> bool:
    """Tell whether words of the catalogue say that somebody who was put out was let in again."""
    return _BACK.search(words) is not None

"""The manual of the commands, generated from the click tree: what `--help` says, and what it has no room for."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from scanner import config
from scanner.cli import cli, credentials, options

WIDTH = 80
DEFAULT = re.compile(r"\s+\[(?:default: )?([^\]]+)\]$")
GATE = (
    "0 if all that matters was judged, and passes or is waived; 1 if something fails; 2 if a file or the command line is wrong; "
    "3 if something could not be judged, or the work could not be done"
)
PLAIN = "0; 2 if a file or the command line is wrong; 3 if the work could not be done"


@dataclass(frozen=True, slots=True)
class More:
    """What the click tree does not know of a command. A test demands it of every one."""

    examples: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    exits: str = PLAIN


MORE = {
    "atlascan": More(("atlascan --version", "atlascan scan --help"), ("exit-codes", "completion"), ""),
    "atlascan demo": More(("atlascan demo -o made-up",), ("getting-started",)),
    "atlascan init": More(("atlascan init --site https://acme.atlassian.net --company-domain acme.com",), ("configuration",)),
    "atlascan doctor": More(
        ("atlascan doctor", "atlascan doctor -f json"),
        ("doctor", "reference/permissions"),
        "0 if every policy can be proven; 2 if a file or the command line is wrong; 3 if one cannot",
    ),
    "atlascan scan": More(
        (
            "atlascan scan -f html=report.html -f junit=junit.xml",
            "atlascan scan --baseline baseline.json --fail-on new",
            "atlascan scan -o snapshot.ndjson.zst -f json=- > result.json",
        ),
        ("configuration", "formats", "baseline", "collection", "exit-codes"),
        GATE,
    ),
    "atlascan snapshot": More(
        (
            "atlascan snapshot --plan",
            "atlascan snapshot --all -o all.ndjson.zst",
            "atlascan snapshot --logs -o - | atlascan check -",
        ),
        ("snapshots", "collection"),
    ),
    "atlascan check": More(
        (
            "atlascan check atlascan-snapshot.ndjson -f html=report.html",
            "atlascan check --explain jsm/public-signup-off jsm.customer_permissions/acme/HR",
        ),
        ("formats", "baseline", "policy-language", "exit-codes"),
        GATE,
    ),
    "atlascan diff": More(
        ("atlascan diff last-quarter.ndjson.zst atlascan-snapshot.ndjson", "atlascan diff old.ndjson new.ndjson --fail-on any"),
        ("drift", "snapshots", "exit-codes"),
        "0 if nothing of that happened; 1 if what `--fail-on` names did; 2 if a file or the command line is wrong; "
        "3 if sight was lost, or something cannot be compared",
    ),
    "atlascan history": More(
        ("atlascan history kept", "atlascan history kept --since 2026-07-01 -f html=history.html"), ("history",)
    ),
    "atlascan history show": More(("atlascan history show s3://acme-audit/atlascan -f json=history.json",), ("history",)),
    "atlascan history prune": More(("atlascan history prune kept --keep 12m",), ("history",)),
    "atlascan review": More(
        ("atlascan review --from 2026-07-01 --to 2026-09-30 --store kept -o 2026-q3.zip",), ("review", "history")
    ),
    "atlascan verify": More(
        ("atlascan verify 2026-q3.zip", "atlascan verify 2026-q3.zip --re-derive"),
        ("review",),
        "0 if all is as it was packed; 1 if something differs, is missing or was added; 2 if it is no pack; "
        "3 if the work could not be done",
    ),
    "atlascan trace": More(
        ("atlascan trace otto@partner.example snapshot.ndjson", "atlascan trace 'Otto Outsider' -f html=otto.html -f markdown=-"),
        ("trace", "a-stranger-in-jira"),
        "0 if the trace was made, whatever stands in it; 2 if nobody or several match, or a file or the command line is wrong",
    ),
    "atlascan strangers": More(
        ("atlascan strangers snapshot.ndjson -f csv=strangers.csv", "atlascan strangers snapshot.ndjson --since 2026-11-01"),
        ("strangers", "a-stranger-in-jira"),
        "0 if all people could be read, and with `--since` all who are new may be here; 1 with `--since`, if somebody new should "
        "not; 2 if a file or the command line is wrong; 3 if not all people could be read, or with `--since` it could not be told",
    ),
    "atlascan whatif": More(("atlascan whatif snapshot.ndjson --close access/no-open-domain-signup",), ("what-if",)),
    "atlascan report": More(("atlascan report result.json -f html=report.html",), ("formats",)),
    "atlascan attest": More(("atlascan attest --by kim@acme.com",), ("attestations",)),
    "atlascan waive": More(
        ("atlascan waive jsm/public-signup-off 'jsm.customer_permissions/acme/*' --result result.json",), ("waivers",)
    ),
    "atlascan policy": More(("atlascan policy list",), ("reference/policies",)),
    "atlascan policy list": More(
        ("atlascan policy list --area jsm --severity high", "atlascan policy list --format json"), ("reference/policies",)
    ),
    "atlascan policy show": More(("atlascan policy show jsm/public-signup-off",), ("reference/policies",)),
    "atlascan policy test": More(
        ("atlascan policy test our-policies --junit policies.xml",),
        ("write-a-policy",),
        "0 if all examples come out as they say; 1 if one does not; 2 if a file or the command line is wrong",
    ),
    "atlascan policy lint": More(
        ("atlascan policy lint our-policies --strict",),
        ("write-a-policy", "policy-language"),
        "0 if nothing is an error; 1 if something is; 2 if the command line is wrong",
    ),
    "atlascan policy new": More(("atlascan policy new jsm/knowledge-base-needs-login",), ("write-a-policy",)),
    "atlascan schema": More(("atlascan schema config > atlascan.schema.json",), ("configuration",)),
}

ENVIRONMENT = {
    credentials.ORG_KEY: "the API key of the organization",
    credentials.EMAIL: "the account that is used on sites",
    credentials.TOKEN: "its API token",
    credentials.CLIENT_ID: "a service account's client, for sites with `auth: oauth`",
    credentials.CLIENT_SECRET: "its secret",
    "ATLASCAN_<NAME>_EMAIL": "as without `<NAME>`, for the site of that name alone (in capitals, `-` as `_`); so for the others",
    credentials.PSEUDONYM_KEY: "the key that [pseudonyms](../pseudonyms.md) are made with, of 32 characters or more",
    "PYTHON_KEYRING_BACKEND": "which keyring is looked into for a credential that the environment has not, under the service "
    f"`{credentials.SERVICE}`; `keyring.backends.null.Keyring` is none",
    "HTTPS_PROXY": "the proxy, and `NO_PROXY` what goes past it",
    "REQUESTS_CA_BUNDLE": "a file of certificates to trust instead of those that come with the program; else `CURL_CA_BUNDLE`",
    "NO_COLOR": "if it is set, no colours on a terminal",
    "_ATLASCAN_COMPLETE": "set by the shell when it [completes](../completion.md)",
}
FILES = {
    config.FILE: "the [configuration](../configuration.md); it names the other files, and folders of policies",
    "attestations.yaml": "what people [attest](../attestations.md)",
    "waivers.yaml": "what is [waived](../waivers.md)",
    options.SNAPSHOT: "the [snapshot](../snapshots.md) of the last scan; beside it, while it is collected, its journal",
}


def sections() -> Iterator[str]:
    """Yield the parts of the page: each command, then what all of them share."""
    for context in contexts(cli, "atlascan", None):
        yield from _command(context)
    yield "## Environment"
    yield "Credentials come from here or from the system's keyring, and from nowhere else."
    yield _table(("variable", "meaning"), [(f"`{name}`", meaning) for name, meaning in ENVIRONMENT.items()])
    yield "## Files"
    yield _table(("file", "what it is"), [(f"`{name}`", meaning) for name, meaning in FILES.items()])


def contexts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    """Yield a context for a command, and for each below it."""
    context = click.Context(
        command, parent=parent, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, **command.context_settings
    )
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            if inner:
                yield from contexts(inner, each, context)


# ---------------------------------------------------------------------------------------------------------------- private


def _command(context: click.Context) -> Iterator[str]:
    command, more = context.command, MORE.get(context.command_path, More())
    summary, *rest = re.split(r"\n\s*\n", (command.help or "").strip())
    yield f"## `{context.command_path}`"
    yield _prose(summary)
    yield f"```text\n{context.get_usage()}\n```"
    yield from map(_prose, rest)
    if isinstance(command, click.Group):
        yield _table(
            ("command", "does"), [(f"`{name}`", _prose(_short(command, context, name))) for name in command.list_commands(context)]
        )
    if rows := [_option(*record) for record in _records(context)]:
        yield _table(("option", "meaning", "default"), rows)
    if more.exits:
        yield f"Exit code: {more.exits}."
    yield "```sh\n{}\n```".format("\n".join(more.examples))
    yield f"See also: {', '.join(f'[{_name(page)}](../{page}.md)' for page in more.see)}."


def _short(group: click.Group, context: click.Context, name: str) -> str:
    command = group.get_command(context, name)
    return re.split(r"\n\s*\n", (command.help or "").strip())[0] if command else ""


def _records(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield what `--help` says of each argument and option."""
    for param in context.command.get_params(context) if context.parent is None else context.command.params:  # --help once
        if isinstance(param, click.Argument):
            default = f"  [default: {param.default}]" if isinstance(param.default, str) else ""
            yield param.make_metavar(context), f"{'May be left out.' if not param.required else 'Has to be given.'}{default}"
        elif record := param.get_help_record(context):
            yield record


def _option(left: str, right: str) -> tuple[str, str, str]:
    default = DEFAULT.search(right)
    # Not in backticks: in a table these need a bar escaped on one site that shows Markdown, and not on another.
    return f"<code>{html.escape(left)}</code>", _prose(DEFAULT.sub("", right)), _prose(default[1]) if default else ""


def _prose(text: str) -> str:
    """Return text of `--help` on one line, so that Markdown shows `*` and `<` as they are."""
    line = " ".join(text.split())
    return "".join(part if quoted else re.sub(r"([*<])", r"\\\1", part) for part, quoted in _by_quotes(line))


def _by_quotes(line: str) -> Iterator[tuple[str, bool]]:
    for number, part in enumerate(re.split(r"(`[^`]*`)", line)):
        yield part, bool(number % 2)


def _name(page: str) -> str:
    return page.removeprefix("reference/").removesuffix("/index").replace("-", " ")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)

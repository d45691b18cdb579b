"""Jira: the site and its projects."""

from collections.abc import Iterator
from typing import Any

from scanner.collect.api import Surface
from scanner.collect.endpoint import About, Endpoint, Pager, Reading, text_at, whole
from scanner.model import Record, Source

_REFERENCE = "https://developer.atlassian.com/cloud/jira/platform/rest/v3/"
_ACCOUNT = "an account that may administer Jira (ATLASCAN_EMAIL and ATLASCAN_API_TOKEN)"


def _site(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401  JSON border
    reading = Reading("jira.site", whole(record))
    reading.take("base_url", "baseUrl")
    reading.take("version", "version")
    reading.take("deployment_type", "deploymentType")
    title = reading.take("title", "serverTitle")
    yield from reading.results(about.site, title, Source.API, None)


def _project(record: Any, about: About) -> Iterator[Record]:  # noqa: ANN401
    reading = Reading("jira.project", record)
    key = text_at(record, "key")
    name = reading.take("name", "name")
    reading.take("project_id", "id")
    reading.take("type", "projectTypeKey")
    reading.take("style", "style")
    reading.take("is_private", "isPrivate")
    reading.take("archived", "archived")
    yield from reading.results(f"{about.site}/{key}" if key else None, name, Source.API, about.parent_address)


ENDPOINTS = (
    Endpoint(
        kinds=("jira.site",),
        path="/rest/api/3/serverInfo",
        surface=Surface.SITE,
        shape=_site,
        source=Source.API,
        documented=_REFERENCE + "api-group-server-info/",
        hint=f"give {_ACCOUNT}",
        absent=lambda _endpoint, about: [("jira.site", about.site, None)],
    ),
    Endpoint(
        kinds=("jira.project",),
        path="/rest/api/3/project/search",
        surface=Surface.SITE,
        parent="jira.site",
        params={"maxResults": "100"},
        pager=Pager.START_AT,
        records="values",
        shape=_project,
        source=Source.API,
        documented=_REFERENCE + "api-group-projects/",
        hint=f"give {_ACCOUNT}; a scoped token needs read:jira-work",
        whole_with="ADMINISTER",
    ),
)

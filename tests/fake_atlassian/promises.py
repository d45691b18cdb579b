"""Hold requests and answers against what Atlassian's OpenAPI documents promise."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.datatypes import RequestParameters
from openapi_core.security.exceptions import SecurityProviderError
from openapi_core.security.factories import SecurityProviderFactory
from openapi_core.security.providers import BaseProvider

from .problems import JsonObject
from .spec_patches import PATCHES, patched

SPECS = Path(__file__).parents[3] / "shared" / "specs"
KEPT = ("openapi", "info", "security")
BELOW = {"confluence-v2.json": "/wiki/api/v2"}  # what a document's paths leave out


class Promise:
    """Be what one document promises of the paths that are played, at the address where they are."""

    def __init__(self, document: str, templates: Sequence[str], url: str) -> None:
        below = BELOW.get(document, "")
        paths = {template.removeprefix(below) for template in templates}
        described = {**reduced(document, tuple(sorted(paths))), "servers": [{"url": url + below}]}
        self._openapi = OpenAPI.from_dict(described, config=_STRICT)

    def check_request(self, request: requests.PreparedRequest) -> None:
        """Raise what openapi-core has against a request: its method, path, parameters, credentials or body."""
        self._openapi.validate_request(RequestsOpenAPIRequest(request))

    def check_answer(self, answer: requests.Response) -> None:
        """Raise what openapi-core has against an answer: its status, media type or body."""
        self._openapi.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))


@cache
def reduced(document: str, templates: tuple[str, ...]) -> JsonObject:
    """Keep of a document what some of its paths need: 2 MB take seconds to check, a few KB do not."""
    whole = patched_document(document)
    paths = {template: whole["paths"][template] for template in templates}
    components: JsonObject = {"securitySchemes": whole["components"]["securitySchemes"]}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop()
        if name not in components.setdefault(kind, {}):
            components[kind][name] = joined(whole["components"][kind][name], whole)
            waiting.extend(_references(components[kind][name]))
    kept = {key: whole[key] for key in KEPT if key in whole}
    return {**kept, "paths": paths, "components": components}


def joined(node: Any, whole: JsonObject) -> Any:  # noqa: ANN401 - any JSON
    """Write each allOf of several objects as one object.

    Otherwise the strictness below would hold each part against the properties of the others.
    """
    if isinstance(node, list):
        return [joined(each, whole) for each in node]
    if not isinstance(node, dict):
        return node
    parts = [_resolved(part, whole) for part in node.get("allOf", [])]
    if len(parts) > 1:
        return _one_object(parts)
    return {key: joined(each, whole) for key, each in node.items()}


@cache
def patched_document(document: str) -> JsonObject:
    """Read a document, repaired."""
    return patched(read(document), [patch for patch in PATCHES if patch.document == document])


def read(document: str) -> JsonObject:
    """Read a document as Atlassian published it."""
    return cast("JsonObject", json.loads((SPECS / document).read_text(encoding="utf-8")))


def _one_object(parts: Sequence[JsonObject]) -> JsonObject:
    properties: JsonObject = {}
    for part in parts:
        for name, schema in part["properties"].items():
            properties[name] = {"allOf": [properties[name], schema]} if name in properties else schema
    required = [name for part in parts for name in part.get("required", [])]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _resolved(schema: JsonObject, whole: JsonObject) -> JsonObject:
    if "$ref" not in schema:
        return schema
    _, _, kind, name = schema["$ref"].split("/")
    return cast("JsonObject", whole["components"][kind][name])


def _references(node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            _, _, kind, name = reference.split("/")
            yield kind, name
        for each in node.values():
            yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)


class _NotPlayed(BaseProvider):
    def __call__(self, parameters: RequestParameters) -> None:
        del parameters
        raise SecurityProviderError("The stand-in takes no OAuth 2 token.")


class _Credentials(SecurityProviderFactory):
    PROVIDERS = {**SecurityProviderFactory.PROVIDERS, "oauth2": _NotPlayed}  # noqa: RUF012 - as the parent has it


_STRICT = Config(additional_properties_default_policy="forbid", security_provider_factory=_Credentials())
"""Refuse properties that a document does not name, though OpenAPI allows them: a stand-in must not invent any."""

"""Start the stand-in: one process, one port for api.atlassian.com and one for each site."""

import argparse
import json
import socket
import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from . import faces
from .scenario import Scenario, ScenarioError, load, names


def main() -> None:
    """Play the scenario that the command line names, until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_atlassian", description=__doc__)
    parser.add_argument("--scenario", required=True, help=f"{', '.join(names())}, or the path of a .yaml file")
    try:
        scenario = load(parser.parse_args().scenario)
    except ScenarioError as error:
        sys.exit(f"error: {error}")
    play(scenario)


def play(scenario: Scenario) -> None:
    """Serve every face of a scenario, each on its own port."""
    api_socket = _listening()
    site_sockets = {site.name: _listening() for site in scenario.sites}
    api_url = _url(api_socket)
    site_urls = {name: _url(each) for name, each in site_sockets.items()}

    applications: dict[int, ASGIApp] = {_port(api_socket): faces.api(scenario, api_url, site_urls)}
    for site in scenario.sites:
        applications[_port(site_sockets[site.name])] = faces.site_alone(scenario, site, site_urls[site.name])

    config = uvicorn.Config(by_port(applications), lifespan="off", log_config=None, access_log=False, server_header=False)
    announcement = json.dumps({"api_url": api_url, "sites": site_urls})
    AnnouncedServer(config, announcement).run(sockets=[api_socket, *site_sockets.values()])


def by_port(applications: dict[int, ASGIApp]) -> ASGIApp:
    """Choose the face by the port that was asked."""

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        await applications[scope["server"][1]](scope, receive, send)

    return choose


class AnnouncedServer(uvicorn.Server):
    """Say on stdout where the faces are, once they answer."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self._announcement}\n")
        sys.stdout.flush()


def _listening() -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the protocol is stated; without that, each answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def _url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{_port(listening)}"


if __name__ == "__main__":
    main()

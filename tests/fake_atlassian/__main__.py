"""Start the stand-in: one process, one port for api.atlassian.com and one for each site."""

import argparse
import gc
import json
import socket
import sys

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from . import faces, weather
from .oauth import Tokens
from .outdoors import API, Outdoors, ReachableProtocol, Sky
from .scenario import LARGE, Scenario, ScenarioError, load, names
from .weather import Weather, WeatherError


def main() -> None:
    """Play the scenario that the command line names, until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_atlassian", description=__doc__)
    parser.add_argument("--scenario", required=True, help=f"{', '.join(names())}, {LARGE}, or the path of a .yaml file")
    parser.add_argument("--weather", help="the path of a file that says how bad the way is")
    asked = parser.parse_args()
    try:
        play(load(asked.scenario), weather.load(asked.weather) if asked.weather else Weather())
    except (ScenarioError, WeatherError) as error:
        sys.exit(f"error: {error}")


def play(scenario: Scenario, met: Weather) -> None:
    """Serve every face of a scenario, each on its own port."""
    api_socket = _listening()
    site_sockets = {site.name: _listening() for site in scenario.sites}
    api_url = _url(api_socket)
    site_urls = {name: _url(each) for name, each in site_sockets.items()}

    sky = Sky(met, [API, *site_urls])
    tokens = Tokens(met.token_seconds or scenario.token_seconds)
    applications: dict[int, ASGIApp] = {_port(api_socket): Outdoors(API, faces.api(scenario, api_url, site_urls, tokens), sky)}
    for site in scenario.sites:
        face = faces.site_alone(scenario, site, site_urls[site.name])
        applications[_port(site_sockets[site.name])] = Outdoors(site.name, face, sky)

    config = uvicorn.Config(
        by_port(applications), http=ReachableProtocol, lifespan="off", log_config=None, access_log=False, server_header=False
    )
    gc.freeze()  # what a large scenario is made of stays: there is no need to look through it again and again
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

"""Start the stand-in: one process, one port for api.atlassian.com and one for each site."""

import argparse
import gc
import json
import socket
import sys
from collections.abc import Mapping

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
    sockets = {name: listening() for name in names_of_faces(scenario)}
    served = config(applications(scenario, met, sockets))
    gc.freeze()  # what a large scenario is made of stays: there is no need to look through it again and again
    urls = {name: url(each) for name, each in sockets.items()}
    announcement = json.dumps({"api_url": urls.pop(API), "sites": urls})
    AnnouncedServer(served, announcement).run(sockets=list(sockets.values()))


def names_of_faces(scenario: Scenario) -> list[str]:
    """Name the faces of a scenario: that of the admin API, and one for each site."""
    return [API, *(site.name for site in scenario.sites)]


def applications(scenario: Scenario, met: Weather, sockets: Mapping[str, socket.socket]) -> dict[int, ASGIApp]:
    """Return every face of a scenario by its port."""
    site_urls = {site.name: url(sockets[site.name]) for site in scenario.sites}
    sky = Sky(met, names_of_faces(scenario))
    tokens = Tokens(met.token_seconds or scenario.token_seconds)
    met_there = {site.name: faces.site_alone(scenario, site, site_urls[site.name]) for site in scenario.sites}
    met_there[API] = faces.api(scenario, url(sockets[API]), site_urls, tokens)
    return {_port(sockets[name]): Outdoors(name, face, sky) for name, face in met_there.items()}


def config(served: Mapping[int, ASGIApp]) -> uvicorn.Config:
    """Return how faces are served."""
    return uvicorn.Config(
        by_port(served), http=ReachableProtocol, lifespan="off", log_config=None, access_log=False, server_header=False
    )


def by_port(served: Mapping[int, ASGIApp]) -> ASGIApp:
    """Choose the face by the port that was asked."""

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        await served[scope["server"][1]](scope, receive, send)

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


def listening() -> socket.socket:
    """Open a port of this machine, whichever is free."""
    # asyncio turns Nagle's algorithm off only where the protocol is stated; without that, each answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def url(listening: socket.socket) -> str:
    """Return the address of a port."""
    return f"http://127.0.0.1:{_port(listening)}"


if __name__ == "__main__":
    main()

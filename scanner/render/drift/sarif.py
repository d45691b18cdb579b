"""Drift as SARIF 2.1.0, in the shape of the report's: what opened is new, what is open still unchanged, what closed is absent.

It is a category of its own: on GitHub it takes the place of an earlier drift, never of the results of a scan.
"""

from scanner.model import Drift
from scanner.render import sarif
from scanner.render.drift import compared


def render(drift: Drift) -> str:
    """Return drift as SARIF with one run; what went out of sight is a notification."""
    return sarif.render(compared.report(drift), category="atlascan-drift")

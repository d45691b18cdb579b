"""Where the data that ships with the program lies: policies, report templates, the demo's recording."""

from pathlib import Path


def shipped(folder: str) -> Path:
    """Return the shipped data folder, whether the program runs from a wheel or from a checkout."""
    package = Path(__file__).parent
    in_wheel = package / "_data" / folder
    return in_wheel if in_wheel.is_dir() else package.parent / folder

"""The stand-in site's credentials, put where the program looks for them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest.mock import patch

ADMIN = {
    "ATLASCAN_ORG_API_KEY": "stand-in-org-key",
    "ATLASCAN_EMAIL": "admin@acme.example",
    "ATLASCAN_API_TOKEN": "stand-in-api-token",
}
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}


@contextmanager
def credentials(of: Mapping[str, str] = ADMIN) -> Iterator[None]:
    """Set the credentials in the environment for a while, and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ATLASCAN_")}
    with patch.dict(os.environ, {**others, **of, **NO_KEYRING}, clear=True):
        yield

"""A key service that the tests can switch off: the function that `sign_callback` names."""

from __future__ import annotations

import os
from pathlib import Path

from tests.generation.signing import sign_with

#: Names a folder: key.pem, and a file called `down` while the service is not there.
VARIABLE = "SPOTMILL_TEST_KEY_SERVICE"


def sign(data: bytes, algorithm: str) -> bytes:
    """As a client of a cloud service does it."""
    folder = Path(os.environ[VARIABLE])
    if (folder / "down").exists():
        raise ConnectionError("no route to the key service")
    return sign_with(folder / "key.pem")(data, algorithm)

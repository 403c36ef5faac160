"""What the Python clients share: the tenant that they are told of, and their one way to report."""

import json
import os
import sys
from pathlib import Path

TENANT = json.loads(os.environ["TENANT"])
AUTHORITY = f"https://{TENANT['login_host']}/{TENANT['tenant_id']}"
GRAPH = f"https://{TENANT['graph_host']}/v1.0"
SCOPES = [f"https://{TENANT['graph_host']}/.default"]


def certificate() -> str:
    """The application's certificate, PEM."""
    return Path(TENANT["certificate_file"]).read_text()


def key() -> str:
    """The certificate's key, PEM."""
    return Path(TENANT["key_file"]).read_text()


def report(seen: dict) -> None:
    """Hands over what the client saw."""
    json.dump(seen, sys.stdout)

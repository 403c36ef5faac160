"""A program that drives the sign-in pages like a browser, with a one-time code: grizzly's Azure credential.

Nothing documents these pages, so what such programs send and expect is the only outside witness there is.
"""

import sys
import time

import requests
from grizzly_common.azure.aad import AuthMethod, AzureAadCredential, AzureAadError

from common import GRAPH, TENANT, report


def credential(name: str, password: str, otp_secret: str | None) -> AzureAadCredential:
    return AzureAadCredential(
        name,
        password,
        TENANT["tenant_id"],
        AuthMethod.USER,
        host="https://graph.microsoft.com",
        client_id=TENANT["public_client_id"],
        otp_secret=otp_secret,
        # Without `openid` the answer has no ID token, which this client would take instead of the access token.
        scope="https://graph.microsoft.com/User.Read",
    )


def attempt(name: str, password: str, otp_secret: str | None) -> dict:
    try:
        token = credential(name, password, otp_secret).get_token().token
    except AzureAadError as error:
        return {"error": str(error)}
    me = requests.get(f"{GRAPH}/me", headers={"Authorization": f"Bearer {token}"}).json()
    return {"me": me["userPrincipalName"]}


def twice(name: str) -> dict:
    """The second of two sign-ins within one half minute, which have the same code."""
    while True:
        step = int(time.time()) // 30
        attempt(name, TENANT["password"], TENANT["otp_secret"])
        second = attempt(name, TENANT["password"], TENANT["otp_secret"])
        if int(time.time()) // 30 == step:
            return second


def pages() -> dict:
    right = TENANT["password"]
    return {
        "plain": attempt("mia@contoso.example", right, None),
        "with_code": attempt("otto@contoso.example", right, TENANT["otp_secret"]),
        "twice": twice("olga@contoso.example"),
        "no_code": attempt("otto@contoso.example", right, None),
        "wrong": attempt("mia@contoso.example", "wrong", None),
    }


if __name__ == "__main__":
    report(globals()[sys.argv[1]]())

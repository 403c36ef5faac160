"""MSAL for Python signs in, and requests talks to Graph: what most scripts out there do."""

import base64
import json
import sys

import jwt
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from common import AUTHORITY, GRAPH, SCOPES, TENANT, certificate, key, report


def application(credential, **more) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        TENANT["client_id"], authority=AUTHORITY, client_credential=credential, **more
    )


def token(app, **more) -> str:
    answer = app.acquire_token_for_client(SCOPES, **more)
    assert "access_token" in answer, answer
    return answer["access_token"]


def session(bearer: str) -> requests.Session:
    """A session that waits as it is told and asks again."""
    made = requests.Session()
    made.headers["Authorization"] = f"Bearer {bearer}"
    patience = Retry(total=3, status_forcelist=[429, 503], allowed_methods=None, respect_retry_after_header=True)
    made.mount("https://", HTTPAdapter(max_retries=patience))
    return made


def claims(bearer: str) -> dict:
    return jwt.decode(bearer, options={"verify_signature": False})


def checked(bearer: str) -> dict:
    """The claims of a token whose signature was checked with the published keys."""
    keys = jwt.PyJWKClient(
        f"{AUTHORITY}/discovery/v2.0/keys", headers={"User-Agent": "python"}
    )
    return jwt.decode(
        bearer, keys.get_signing_key_from_jwt(bearer).key, algorithms=["RS256"], audience=claims(bearer)["aud"]
    )


def facts(error: dict) -> dict:
    """What a program may act upon in an error of the token endpoint."""
    return {name: error.get(name) for name in ("error", "error_codes", "suberror")}


def by_secret() -> dict:
    app = application(TENANT["client_secret"])
    first = app.acquire_token_for_client(SCOPES)
    again = app.acquire_token_for_client(SCOPES)
    said = checked(first["access_token"])
    return {
        "sources": [first["token_source"], again["token_source"]],
        "expires_in": first["expires_in"],
        "roles": said["roles"],
        "appid": said["appid"],
        "wrong": facts(application("wrong").acquire_token_for_client(SCOPES)),
    }


def by_certificate() -> dict:
    """With SHA-256 and PS256, as MSAL does by itself, and with SHA-1 and RS256, as it did before."""
    pem = certificate()
    loaded = x509.load_pem_x509_certificate(pem.encode())
    sha1 = loaded.fingerprint(hashes.SHA1()).hex()
    now = {"private_key": key(), "public_certificate": pem}
    before = {"private_key": key(), "thumbprint": sha1}
    other = {"private_key": key(), "thumbprint": "00" * 20}
    return {
        "now": claims(token(application(now)))["appidacr"],
        "before": claims(token(application(before)))["appidacr"],
        "unknown": facts(application(other).acquire_token_for_client(SCOPES)),
    }


def by_federation() -> dict:
    outside = TENANT["federated"]
    assertion = jwt.encode(
        {
            "iss": outside["issuer"],
            "sub": outside["subject"],
            "aud": outside["audience"],
            "iat": TENANT["now"],
            "nbf": TENANT["now"],
            "exp": TENANT["now"] + 600,
        },
        key(),
        algorithm="RS256",
    )
    return {"appid": claims(token(application({"client_assertion": lambda: assertion})))["appid"]}


def people() -> dict:
    graph = session(token(application(TENANT["client_secret"])))
    listed, pages, url = [], 0, f"{GRAPH}/users?$select=id,userPrincipalName&$top=7"
    while url:
        page = graph.get(url).json()
        listed += [user["id"] for user in page["value"]]
        url, pages = page.get("@odata.nextLink"), pages + 1
    one = graph.get(f"{GRAPH}/users/ada@contoso.example", params={"$select": "id,userType"}).json()
    by_mail = graph.get(
        f"{GRAPH}/users", params={"$filter": "mail eq 'b.liskov@contoso.example'", "$select": "id"}
    ).json()
    nobody = graph.get(f"{GRAPH}/users/nobody@contoso.example")
    return {
        "listed": len(set(listed)),
        "pages": pages,
        "ada": one["id"],
        "of_one_mail": len(by_mail["value"]),
        "nobody": [nobody.status_code, nobody.json()["error"]["code"]],
    }


def revoke() -> dict:
    graph = session(token(application(TENANT["client_secret"])))
    # What it is to be called comes from the test, which looks for it in the journal.
    answer = graph.post(
        f"{GRAPH}/users/ada@contoso.example/revokeSignInSessions",
        headers={"client-request-id": TENANT["request_id"]},
    )
    return {
        "status": answer.status_code,
        "value": answer.json()["value"],
        "request": answer.headers["client-request-id"],
        "units": answer.headers["x-ms-resource-unit"],
    }


def batch() -> dict:
    """Twenty parts, of which the quota refuses some: these are asked again when the longest wait is over."""
    graph = session(token(application(TENANT["client_secret"])))
    open_parts = {
        str(number): f"/users/user{number:06}@contoso.example/revokeSignInSessions" for number in range(1, 21)
    }
    refused, rounds = 0, 0
    while open_parts and rounds < 5:
        requests_ = [
            {"id": part, "method": "POST", "url": url, "headers": {"Content-Type": "application/json"}, "body": {}}
            for part, url in open_parts.items()
        ]
        answer = graph.post(f"{GRAPH}/$batch", json={"requests": requests_})
        assert answer.status_code == 200, answer.text
        waits = []
        for part in answer.json()["responses"]:
            if part["status"] == 429:
                refused += 1
                waits.append(int(part["headers"]["Retry-After"]))
            else:
                assert part["status"] == 200 and part["body"]["value"] is True, part
                del open_parts[part["id"]]
        rounds += 1
        if waits:
            # The tenant's clock is the test's, and this makes it pass.
            requests.post(f"{TENANT['admin_url']}/clock", json={"advance_s": max(waits)}).raise_for_status()
    return {"open": len(open_parts), "refused": refused, "rounds": rounds}


def throttled() -> dict:
    """429 twice, with a second to wait each time; urllib3 waits and asks again."""
    graph = session(token(application(TENANT["client_secret"])))
    answer = graph.post(f"{GRAPH}/users/grace@contoso.example/revokeSignInSessions")
    return {"status": answer.status_code, "tries": len(answer.raw.retries.history) + 1}


def delegated() -> dict:
    """A person signs in, an administrator revokes, and the refresh token is dead."""
    public = msal.PublicClientApplication(TENANT["public_client_id"], authority=AUTHORITY)
    scopes = ["https://graph.microsoft.com/User.Read"]
    first = public.acquire_token_by_username_password("mia@contoso.example", TENANT["password"], scopes)
    assert "access_token" in first, first
    account = public.get_accounts(username="mia@contoso.example")[0]
    alive = public.acquire_token_silent_with_error(scopes, account, force_refresh=True)
    graph = session(token(application(TENANT["client_secret"])))
    graph.post(f"{GRAPH}/users/mia@contoso.example/revokeSignInSessions").raise_for_status()
    me = requests.get(f"{GRAPH}/me", headers={"Authorization": f"Bearer {first['access_token']}"})
    dead = public.acquire_token_silent_with_error(scopes, account, force_refresh=True)
    wrong = public.acquire_token_by_username_password("mia@contoso.example", "wrong", scopes)
    second_factor = public.acquire_token_by_username_password("otto@contoso.example", TENANT["password"], scopes)
    return {
        "name": first["id_token_claims"]["preferred_username"],
        "alive": "access_token" in alive,
        "access_token_lives_on": me.json()["userPrincipalName"],
        "dead": facts(dead),
        "wrong": facts(wrong),
        "second_factor": facts(second_factor),
    }


def challenged() -> dict:
    """A client that says it can handle challenges gets one, and answers it."""
    app = application(TENANT["client_secret"], client_capabilities=["CP1"])
    first = app.acquire_token_for_client(SCOPES)
    requests.post(f"{TENANT['admin_url']}/challenges", json={"who": TENANT["client_id"]}).raise_for_status()
    url = f"{GRAPH}/users/ada@contoso.example"
    refused = session(first["access_token"]).get(url)
    fields = requests.utils.parse_dict_header(refused.headers["WWW-Authenticate"].removeprefix("Bearer "))
    decoded = base64.b64decode(fields["claims"] + "==").decode()
    # Without the claims MSAL gives the cached token once more.
    stubborn = app.acquire_token_for_client(SCOPES)
    answer = app.acquire_token_for_client(SCOPES, claims_challenge=decoded)
    accepted = session(answer["access_token"]).get(url)
    return {
        "long_lived": first["expires_in"] > 80_000,
        "refused": [refused.status_code, fields["error"]],
        "asked_for": sorted(json.loads(decoded)["access_token"]),
        "stubborn": stubborn["access_token"] == first["access_token"],
        "accepted": accepted.status_code,
    }


if __name__ == "__main__":
    report(globals()[sys.argv[1]]())

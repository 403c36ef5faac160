"""What else revokes sessions, each as its makers' documentation shows it: `peers.py loop|threads|sdk FIRST COUNT [AT_ONCE]`.

Prints how many users were revoked, and in how many seconds from before the sign-in to the last answer: starting Python
and importing is not counted.
"""

import asyncio
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

TENANT = json.loads(os.environ["TENANT"])
GRAPH = "https://graph.microsoft.com/v1.0"
SCOPES = ["https://graph.microsoft.com/.default"]


def user(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def loop(users: list[str], at_once: int) -> int:
    """MSAL for the token, and requests with a session for each thread, so that connections are kept."""
    import msal
    import requests

    global began
    began = time.perf_counter()
    application = msal.ConfidentialClientApplication(
        TENANT["client_id"],
        authority=f"https://login.microsoftonline.com/{TENANT['tenant_id']}",
        client_credential=TENANT["client_secret"],
    )
    token = application.acquire_token_for_client(SCOPES)["access_token"]
    mine = threading.local()

    def revoke(name: str) -> bool:
        if not hasattr(mine, "session"):
            mine.session = requests.Session()
            mine.session.headers["Authorization"] = f"Bearer {token}"
        answer = mine.session.post(f"{GRAPH}/users/{name}/revokeSignInSessions")
        return answer.status_code == 200 and answer.json()["value"]

    if at_once == 1:
        return sum(map(revoke, users))
    with ThreadPoolExecutor(at_once) as pool:
        return sum(pool.map(revoke, users))


async def sdk(users: list[str], at_once: int) -> int:
    """Microsoft's SDK, so many requests at a time."""
    from azure.identity.aio import ClientSecretCredential
    from msgraph import GraphServiceClient

    # The SDK loads its parts when they are first used.
    import msgraph.generated.users.item.revoke_sign_in_sessions.revoke_sign_in_sessions_post_response  # noqa: F401

    global began
    began = time.perf_counter()
    room = asyncio.Semaphore(at_once)
    async with ClientSecretCredential(
        TENANT["tenant_id"], TENANT["client_id"], TENANT["client_secret"]
    ) as credential:
        graph = GraphServiceClient(credential, SCOPES)

        async def revoke(name: str) -> bool:
            async with room:
                answer = await graph.users.by_user_id(name).revoke_sign_in_sessions.post()
                return bool(answer.value)

        return sum(await asyncio.gather(*map(revoke, users)))


def main() -> None:
    who, first, count, at_once = sys.argv[1], *map(int, sys.argv[2:5])
    users = [user(number) for number in range(first, first + count)]
    revoked = asyncio.run(sdk(users, at_once)) if who == "sdk" else loop(users, at_once)
    seconds = time.perf_counter() - began
    json.dump({"revoked": revoked, "seconds": seconds}, sys.stdout)


main()

"""Microsoft's Graph SDK for Python, with azure-identity, as its own documentation shows it."""

import asyncio
import re
import sys

from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import CertificateCredential, ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

from common import SCOPES, TENANT, report


def secret_credential() -> ClientSecretCredential:
    return ClientSecretCredential(TENANT["tenant_id"], TENANT["client_id"], TENANT["client_secret"])


async def by_secret() -> dict:
    async with secret_credential() as credential:
        graph = GraphServiceClient(credential, SCOPES)
        fields = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
            select=["id", "userType", "accountEnabled", "signInSessionsValidFromDateTime"]
        )
        wanted = RequestConfiguration(query_parameters=fields)
        guest = await graph.users.by_user_id("tim_partner.example#EXT#@contoso.onmicrosoft.com").get(wanted)
        ada = graph.users.by_user_id("ada@contoso.example")
        before = await ada.get(wanted)
        revoked = await ada.revoke_sign_in_sessions.post()
        after = await ada.get(wanted)
        return {
            "guest": guest.user_type,
            "value": revoked.value,
            "moved": after.sign_in_sessions_valid_from_date_time > before.sign_in_sessions_valid_from_date_time,
        }


async def by_certificate() -> dict:
    async with CertificateCredential(
        TENANT["tenant_id"], TENANT["client_id"], certificate_path=TENANT["pem_file"]
    ) as credential:
        graph = GraphServiceClient(credential, SCOPES)
        user = await graph.users.by_user_id("ada@contoso.example").get()
        return {"name": user.display_name, "principal_name": user.user_principal_name}


async def pages() -> dict:
    async with secret_credential() as credential:
        graph = GraphServiceClient(credential, SCOPES)
        fields = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            select=["id", "userPrincipalName"], top=7, count=True
        )
        wanted = RequestConfiguration(query_parameters=fields)
        wanted.headers.add("ConsistencyLevel", "eventual")
        first = await graph.users.get(wanted)
        seen = set()

        def note(user) -> bool:
            seen.add(user.id)
            return True

        await PageIterator(first, graph.request_adapter).iterate(note)
        return {"seen": len(seen), "count": first.odata_count}


async def batch() -> dict:
    async with secret_credential() as credential:
        graph = GraphServiceClient(credential, SCOPES)
        names = ["ada@contoso.example", "grace@contoso.example", "nobody@contoso.example"]
        parts = [
            BatchRequestItem(graph.users.by_user_id(name).revoke_sign_in_sessions.to_post_request_information())
            for name in names
        ]
        content = BatchRequestContent()
        for part in parts:
            content.add_request(part.id, part)
        answer = await graph.batch.post(batch_request_content=content)
        statuses = answer.get_response_status_codes()
        # Its `response_body` fails for every part, whatever the service says, so that is not asked.
        return {"statuses": [statuses[part.id] for part in parts]}


async def throttled() -> dict:
    """The SDK itself waits and asks again; three times is its own limit."""
    async with secret_credential() as credential:
        graph = GraphServiceClient(credential, SCOPES)
        revoked = await graph.users.by_user_id("grace@contoso.example").revoke_sign_in_sessions.post()
        return {"value": revoked.value}


async def errors() -> dict:
    async with secret_credential() as credential:
        graph = GraphServiceClient(credential, SCOPES)
        try:
            await graph.users.by_user_id("nobody@contoso.example").revoke_sign_in_sessions.post()
            raise AssertionError("nobody was revoked")
        except ODataError as error:
            nobody = error
    wrong = ClientSecretCredential(TENANT["tenant_id"], TENANT["client_id"], "wrong")
    async with wrong:
        try:
            await GraphServiceClient(wrong, SCOPES).users.get()
            raise AssertionError("a wrong secret was good")
        except ClientAuthenticationError as error:
            refused = error.message
    return {
        "status": nobody.response_status_code,
        "code": nobody.error.code,
        "message": nobody.error.message,
        "has_request_id": bool(nobody.error.inner_error.request_id),
        "has_date": nobody.error.inner_error.date is not None,
        "refused": re.search("AADSTS[0-9]+", refused)[0],
    }


if __name__ == "__main__":
    report(asyncio.run(globals()[sys.argv[1]]()))

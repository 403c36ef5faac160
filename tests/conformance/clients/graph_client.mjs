// MSAL for Node signs in, and Microsoft's Graph client for JavaScript does the rest.

import {createHash, X509Certificate} from 'node:crypto';

import {authority, certificate, key, load, run, scopes, tenant} from './common.mjs';

const {ConfidentialClientApplication, ServerError} = load('@azure/msal-node');
const {BatchRequestContent, BatchResponseContent, Client, GraphError, PageIterator} = load(
  '@microsoft/microsoft-graph-client',
);

const application = credential =>
  new ConfidentialClientApplication({auth: {clientId: tenant.client_id, authority, ...credential}});

const withSecret = () => application({clientSecret: tenant.client_secret});

const graph = app =>
  Client.initWithMiddleware({
    authProvider: {getAccessToken: async () => (await app.acquireTokenByClientCredential({scopes})).accessToken},
  });

const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

const error = async does => {
  try {
    await does();
  } catch (error) {
    return error;
  }
  throw new Error('it went well');
};

async function signIn() {
  const secret = await withSecret().acquireTokenByClientCredential({scopes});
  const thumbprintSha256 = createHash('sha256').update(new X509Certificate(certificate()).raw).digest('hex');
  const withCertificate = application({clientCertificate: {thumbprintSha256, privateKey: key()}});
  const byCertificate = await withCertificate.acquireTokenByClientCredential({scopes});
  const wrong = await error(() => application({clientSecret: 'wrong'}).acquireTokenByClientCredential({scopes}));
  return {
    secret: claims(secret.accessToken).appidacr,
    certificate: claims(byCertificate.accessToken).appidacr,
    wrong: [wrong instanceof ServerError, wrong.errorCode, wrong.errorNo],
  };
}

async function people() {
  const client = graph(withSecret());
  const first = await client.api('/users').select('id,userPrincipalName').top(7).get();
  const seen = new Set();
  await new PageIterator(client, first, user => seen.add(user.id) && true).iterate();
  const guest = await client
    .api(`/users/${encodeURIComponent('tim_partner.example#EXT#@contoso.onmicrosoft.com')}`)
    .select('userType')
    .get();
  const byMail = await client.api('/users').filter("mail eq 'b.liskov@contoso.example'").select('id').get();
  const nobody = await error(() => client.api('/users/nobody@contoso.example').get());
  return {
    seen: seen.size,
    guest: guest.userType,
    ofOneMail: byMail.value.length,
    nobody: [nobody instanceof GraphError, nobody.statusCode, nobody.code, typeof nobody.requestId],
  };
}

async function revoke() {
  // Its retry handler waits as told, three times at most.
  const answer = await graph(withSecret()).api('/users/grace@contoso.example/revokeSignInSessions').post({});
  return {value: answer.value};
}

async function batch() {
  const client = graph(withSecret());
  // Requests have to be whole addresses, of which it keeps what comes after the host: so without the version.
  const part = (id, name) => ({
    id,
    request: new Request(`https://graph.microsoft.com/users/${name}/revokeSignInSessions`, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: '{}',
    }),
  });
  const content = new BatchRequestContent([
    part('1', 'ada@contoso.example'),
    part('2', 'nobody@contoso.example'),
    part('3', 'grace@contoso.example'),
  ]);
  const answer = new BatchResponseContent(await client.api('/$batch').post(await content.getContent()));
  const one = async id => [answer.getResponseById(id).status, (await answer.getResponseById(id).json()).value ?? null];
  return {1: await one('1'), 2: await one('2'), 3: await one('3')};
}

await run({signIn, people, revoke, batch});

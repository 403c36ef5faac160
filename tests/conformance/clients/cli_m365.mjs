// CLI for Microsoft 365, one process a command, as somebody would type it.

import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

import {load, run, tenant} from './common.mjs';

const program = join(dirname(load.resolve('@pnp/cli-microsoft365/package.json')), 'dist/index.js');
// It keeps its sign-ins and its settings there.
const home = mkdtempSync(join(tmpdir(), 'cli-m365-'));
process.on('exit', () => rmSync(home, {recursive: true, force: true}));

/** The exit code, what was printed, and the error, without colours. */
function m365(...words) {
  return new Promise(resolve => {
    const env = {...process.env, HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1', FORCE_COLOR: '0'};
    execFile(process.execPath, [program, ...words], {env}, (error, stdout, stderr) =>
      resolve({code: error ? error.code : 0, stdout, stderr}),
    );
  });
}

async function json(...words) {
  const {code, stdout, stderr} = await m365(...words, '--output', 'json');
  if (code !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
  return stdout.trim() === '' ? null : JSON.parse(stdout);
}

const application = ['--appId', tenant.client_id, '--tenant', tenant.tenant_id];
const bySecret = () => json('login', '--authType', 'secret', ...application, '--secret', tenant.client_secret);
const byCertificate = () =>
  json('login', '--authType', 'certificate', ...application, '--certificateFile', tenant.pem_file);

async function secret() {
  await json('cli', 'config', 'set', '--key', 'disableTelemetry', '--value', 'true');
  await bySecret();
  const ada = await json('entra', 'user', 'get', '--userName', 'ada@contoso.example', '--properties', 'id,userType');
  const guests = await json('entra', 'user', 'list', '--type', 'Guest', '--properties', 'id');
  const everybody = await json('entra', 'user', 'list', '--properties', 'id');
  await json('entra', 'user', 'session', 'revoke', '--userName', 'ada@contoso.example', '--force');
  const nobody = await m365('entra', 'user', 'session', 'revoke', '--userName', 'nobody@contoso.example', '--force');
  return {ada: ada.id, guests: guests.length, everybody: everybody.length, nobody: [nobody.code, nobody.stderr.trim()]};
}

async function certificate() {
  await json('cli', 'config', 'set', '--key', 'disableTelemetry', '--value', 'true');
  await byCertificate();
  const status = await json('status');
  // 429 comes first, with a second to wait; it waits and asks again by itself.
  await json('entra', 'user', 'session', 'revoke', '--userId', tenant.user_id, '--force');
  const parts = ['ada@contoso.example', 'nobody@contoso.example'].map((name, number) => ({
    id: String(number + 1),
    method: 'POST',
    url: `/users/${name}/revokeSignInSessions`,
    headers: {'Content-Type': 'application/json'},
    body: {},
  }));
  const answer = await json(
    'request',
    ...['--method', 'post', '--url', 'https://graph.microsoft.com/v1.0/$batch', '--content-type', 'application/json'],
    ...['--body', JSON.stringify({requests: parts})],
  );
  await json('logout');
  return {
    as: status.authType,
    parts: Object.fromEntries(answer.responses.map(part => [part.id, part.status])),
  };
}

await run({secret, certificate});

// What the Node clients share: the tenant that they are told of, and their one way to report.

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

/** Loads a client from where `make conformance-clients` installed it. */
export const load = createRequire(join(process.env.CLIENTS, 'package.json'));

export const tenant = JSON.parse(process.env.TENANT);
export const authority = `https://${tenant.login_host}/${tenant.tenant_id}`;
export const scopes = [`https://${tenant.graph_host}/.default`];

export const certificate = () => readFileSync(tenant.certificate_file, 'utf8');
export const key = () => readFileSync(tenant.key_file, 'utf8');

/** Runs what the command line names, and hands over what the client saw. */
export async function run(trials) {
  process.stdout.write(JSON.stringify(await trials[process.argv[2]]()));
}

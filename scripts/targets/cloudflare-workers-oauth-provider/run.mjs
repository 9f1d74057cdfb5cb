// Bundles the Worker and runs it in workerd, with its namespaces in memory.
import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';

const { EXCHANGE = '', PORT, RAW = '', UPSTREAM_ISSUER: IDP = '' } = process.env;
const bundle = await build({ bundle: true, conditions: ['workerd'], entryPoints: ['worker.js'], external: ['cloudflare:*', 'node:*'], format: 'esm', target: 'es2022', write: false });
const keys = IDP && (await (await fetch(`${IDP}/.well-known/openid-configuration`)).json()).jwks_uri;
const worker = new Miniflare({
  bindings: { EXCHANGE, IDP, IDP_KEYS: keys, ORIGIN: `http://127.0.0.1:${PORT}`, RAW },
  compatibilityDate: '2026-04-01',
  compatibilityFlags: ['global_fetch_strictly_public', 'nodejs_compat'],
  host: '127.0.0.1',
  kvNamespaces: ['OAUTH_KV', 'SESSIONS'],
  modules: [{ contents: bundle.outputFiles[0].text, path: 'worker.js', type: 'ESModule' }],
  port: Number(PORT)
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void worker.dispose().then(() => process.exit(0)));
await worker.ready;
if (EXCHANGE) {
  // Two clients registered beforehand: the records that createClient() would write, with ids that a profile can name.
  const kv = await worker.getKVNamespace('OAUTH_KV');
  const grantTypes = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange', ...(IDP ? ['urn:ietf:params:oauth:grant-type:jwt-bearer'] : [])];
  for (const clientId of ['gateway', 'other']) {
    const clientSecret = createHash('sha256').update(`${clientId}-secret-for-tests-only`).digest('hex');
    await kv.put(`client:${clientId}`, JSON.stringify({ authMethodExplicit: true, clientId, clientName: `The ${clientId}`, clientSecret, grantTypes,
      redirectUris: ['http://127.0.0.1:33418/callback'], registrationDate: Math.floor(Date.now() / 1000), responseTypes: ['code'], tokenEndpointAuthMethod: 'client_secret_basic' }));
  }
}
console.log(`READY http://127.0.0.1:${PORT}/mcp`);

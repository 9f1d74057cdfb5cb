// An MCP client of the TypeScript SDK for `authspec run client.toml`: command = ["node", "oauth_by_ts_sdk.mjs", "{url}"].
// Runs beside an installation of @modelcontextprotocol/client (2.x) or @modelcontextprotocol/sdk (1.x), whichever is there.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await import('@modelcontextprotocol/client').catch(async () => ({
  ...(await import('@modelcontextprotocol/sdk/client/index.js')),
  ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
  ...(await import('@modelcontextprotocol/sdk/client/auth.js')),
}));

// What comes back to the redirect URI. The SDK leaves `state` to its user, so that is checked here.
let answered;
const callback = createServer((request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  if (url.pathname !== '/callback') return response.writeHead(404).end();
  response.end('You can close this page.');
  answered?.(url.searchParams);
});
await new Promise(resolve => callback.listen(0, '127.0.0.1', resolve));

const kept = {};
const provider = {
  redirectUrl: `http://127.0.0.1:${callback.address().port}/callback`,
  clientMetadataUrl: 'https://client.invalid/authspec-example.json', // used with servers that take it
  get clientMetadata() {
    return {
      client_name: 'authspec example',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  },
  state: () => (kept.state = randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: client => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: tokens => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: verifier => void (kept.verifier = verifier),
  discoveryState: () => kept.discovery,
  saveDiscoveryState: state => void (kept.discovery = state),
  invalidateCredentials: what => {
    if (what === 'all' || what === 'client') kept.client = undefined;
    if (what === 'all' || what === 'tokens') kept.tokens = undefined;
    if (what === 'all' || what === 'verifier') kept.verifier = undefined;
    if (what === 'all' || what === 'discovery') kept.discovery = undefined;
  },
  redirectToAuthorization: url => {
    kept.answer = new Promise(resolve => (answered = resolve));
    const [browser, ...rest] = (process.env.BROWSER ?? 'xdg-open').replace(/&$/, '').trim().split(' ').filter(word => word !== '%s');
    spawn(browser.replaceAll('"', ''), [...rest, String(url)], { stdio: 'ignore' });
  },
};

const client = new Client({ name: 'authspec-example', version: '1' });
let transport;
const connect = () => client.connect((transport = new StreamableHTTPClientTransport(new URL(process.argv[2]), { authProvider: provider })));

// The SDK stops where the user has to log in; afterwards the request is made again.
async function withLogin(request, again = request) {
  for (let logins = 0; ; logins++) {
    try {
      return await (logins ? again() : request());
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || logins === 3) throw error;
      const answer = await kept.answer;
      if (answer.get('state') !== kept.state) throw new Error('the answer has another state');
      if (answer.get('error')) throw new Error(`refused: ${answer.get('error')}`);
      await transport.finishAuth(answer.get('code'), answer.get('iss') ?? undefined);
    }
  }
}

try {
  await withLogin(connect);
  const { tools } = await withLogin(() => client.listTools());
  for (const { name } of tools) await withLogin(() => client.callTool({ name, arguments: {} }));
  await client.close();
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}

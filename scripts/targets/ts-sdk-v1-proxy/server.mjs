// The ProxyOAuthServerProvider of the MCP TypeScript SDK behind its mcpAuthRouter, as its documentation shows it, before the issuer in UPSTREAM_ISSUER.
import express from 'express';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { ProxyOAuthServerProvider } from '@modelcontextprotocol/sdk/server/auth/providers/proxyProvider.js';
import { InvalidTokenError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';

const port = Number(process.env.PORT), issuer = process.env.UPSTREAM_ISSUER, register = process.env.REGISTER === '1';
const base = new URL(`http://127.0.0.1:${port}`), mcp = new URL('/mcp', base);
let idp;
for (let attempt = 0; !idp && attempt < 100; attempt++) {
  idp = await fetch(`${issuer}/.well-known/openid-configuration`).then(answer => answer.json(), () => new Promise(later => setTimeout(later, 100)));
}

// What the library leaves to its user: which clients there are, and which tokens are good.
const clients = new Map();
if (!register) {
  for (const id of ['mcp-client', 'mcp-other']) {
    clients.set(id, { client_id: id, client_secret: `${id}-secret`, redirect_uris: ['http://127.0.0.1:33418/callback'] });
  }
}
const provider = new ProxyOAuthServerProvider({
  endpoints: {
    authorizationUrl: idp.authorization_endpoint,
    tokenUrl: idp.token_endpoint,
    revocationUrl: idp.revocation_endpoint,
    registrationUrl: register ? idp.registration_endpoint : undefined
  },
  getClient: async id => clients.get(id),
  verifyAccessToken: async token => {
    const answer = await fetch(idp.introspection_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('mcp-client:mcp-client-secret')}` },
      body: new URLSearchParams({ token })
    });
    if (!answer.ok) throw new ServerError('introspection failed');
    const told = await answer.json();
    if (told.active !== true) throw new InvalidTokenError('not active');
    if (![told.aud].flat().includes(mcp.href)) throw new InvalidTokenError('not for this server');
    return { token, clientId: told.client_id, scopes: String(told.scope ?? '').split(' ').filter(Boolean), expiresAt: told.exp };
  },
  fetch: async (url, options) => {
    const answer = await fetch(url, options);
    if (register && url === idp.registration_endpoint && answer.ok) {
      const client = await answer.clone().json();
      clients.set(client.client_id, client);
    }
    return answer;
  }
});

const app = express();
app.use(mcpAuthRouter({ provider, issuerUrl: base, baseUrl: base, resourceServerUrl: mcp }));
app.use('/mcp', requireBearerAuth({ verifier: provider, resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(mcp) }), express.json());
app.post('/mcp', async (request, response) => {
  const server = new McpServer({ name: 'proxy-provider', version: '1.0.0' });
  server.registerTool('ping', { description: 'Answers.' }, async () => ({ content: [{ type: 'text', text: 'pong' }] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => (transport.close(), server.close()));
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
for (const method of ['get', 'delete']) {
  app[method]('/mcp', (_, response) => response.status(405).json({ jsonrpc: '2.0', error: { code: -32000, message: 'Method not allowed.' }, id: null }));
}
app.listen(port, '127.0.0.1', () => console.log(`READY ${mcp}`));

// express-oauth2-jwt-bearer as its documentation shows it, before an MCP server of the TypeScript SDK, for the issuer in UPSTREAM_ISSUER.
// The SDK serves the resource metadata. DPOP=1: bound tokens only; else both kinds, which is the default of the library.
import { createMcpExpressApp, mcpAuthMetadataRouter } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import bearer from 'express-oauth2-jwt-bearer';

const port = Number(process.env.PORT), issuer = process.env.UPSTREAM_ISSUER, resource = new URL(`http://127.0.0.1:${port}/mcp`);
let oauthMetadata;
for (let attempt = 0; !oauthMetadata && attempt < 100; attempt++) {
  oauthMetadata = await fetch(`${issuer}/.well-known/openid-configuration`).then(answer => answer.json(), () => new Promise(later => setTimeout(later, 100)));
}
const app = createMcpExpressApp();
app.use(mcpAuthMetadataRouter({ dangerouslyAllowInsecureIssuerUrl: true, oauthMetadata, resourceServerUrl: resource }));
app.use(bearer.auth({ issuerBaseURL: issuer, audience: resource.href, ...(process.env.DPOP === '1' ? { dpop: { required: true } } : {}) }));
const mcp = toNodeHandler(createMcpHandler(() => {
  const server = new McpServer({ name: 'express-oauth2-jwt-bearer target', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Says hello' }, async () => ({ content: [{ text: 'hello', type: 'text' }] }));
  return server;
}));
app.all('/mcp', (request, response) => void mcp(request, response, request.body));
app.listen(port, '127.0.0.1', () => console.log(`READY ${resource}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

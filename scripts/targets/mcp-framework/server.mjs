// mcp-framework with its OAuthAuthProvider, as the quick start of its documentation shows it, for the issuer in UPSTREAM_ISSUER.
import { MCPServer, OAuthAuthProvider } from 'mcp-framework';

const port = Number(process.env.PORT), issuer = process.env.UPSTREAM_ISSUER, resource = `http://127.0.0.1:${port}/mcp`;
let document;
for (let attempt = 0; !document && attempt < 100; attempt++) {
  document = await fetch(`${issuer}/.well-known/openid-configuration`).then(answer => answer.json(), () => new Promise(later => setTimeout(later, 100)));
}
const server = new MCPServer({
  name: 'mcp-framework target',
  version: '1.0.0',
  transport: {
    type: 'http-stream',
    options: {
      port,
      auth: {
        provider: new OAuthAuthProvider({
          authorizationServers: [issuer],
          resource,
          validation: { type: 'jwt', jwksUri: document.jwks_uri, audience: resource, issuer }
        })
      }
    }
  }
});
server.start().catch(error => (console.error(error), process.exit(1)));
for (let attempt = 0; attempt < 100; attempt++) {
  if (await fetch(`http://127.0.0.1:${port}/.well-known/oauth-protected-resource`).then(() => true, () => new Promise(later => setTimeout(later, 100)))) break;
}
console.log(`READY ${resource}`);

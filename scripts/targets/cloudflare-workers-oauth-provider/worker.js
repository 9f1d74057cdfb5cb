// A Worker as the README of @cloudflare/workers-oauth-provider shows it ("One Worker") with the consent page of docs/consent-page.md.
// Ours: the login (a form and a session), and the MCP endpoint, which is the v2 TypeScript SDK. Everything not set here is the library's default.
import { AuthorizationError, CimdFetchError, insufficientScope, OAuthProvider } from '@cloudflare/workers-oauth-provider';
import { createMcpHandler, hostHeaderValidationResponse, McpServer, originValidationResponse } from '@modelcontextprotocol/server';
import { WorkerEntrypoint } from 'cloudflare:workers';

const people = { alice: 'alice-password', mallory: 'mallory-password' };
const escape = value => value.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
const headers = { 'Cache-Control': 'no-store', 'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'", 'Content-Type': 'text/html; charset=utf-8',
  'Referrer-Policy': 'same-origin', 'X-Frame-Options': 'DENY' };

async function signedIn(request, env) {
  const cookie = /(?:^|;\s*)__Host-session=([^;]+)/.exec(request.headers.get('Cookie') ?? '');
  return cookie && env.SESSIONS.get(cookie[1]);
}

function loginPage(next, wrong) {
  return new Response(`<!doctype html><meta charset="utf-8"><title>Sign in</title><h1>Sign in</h1>${wrong ? '<p>Wrong name or password.</p>' : ''}
<form method="post" action="/login"><input type="hidden" name="next" value="${escape(next)}">
<label>Name <input name="username"></label> <label>Password <input name="password" type="password"></label> <button>Sign in</button></form>`, { headers });
}

async function login(request, env) {
  const form = await request.formData();
  const name = String(form.get('username')), next = String(form.get('next'));
  if (request.headers.get('Origin') !== env.ORIGIN || !next.startsWith('/authorize?')) return new Response('Bad request', { status: 400 });
  if (!Object.hasOwn(people, name) || people[name] !== form.get('password')) return loginPage(next, true);
  const id = crypto.randomUUID();
  await env.SESSIONS.put(id, name, { expirationTtl: 3600 });
  return new Response(null, { headers: { Location: next, 'Set-Cookie': `__Host-session=${id}; Path=/; Secure; HttpOnly; SameSite=Lax` }, status: 303 });
}

function consentPage(details, handle) {
  const name = escape(details.clientName);
  const origin = details.clientDomain ? `Published by <strong>${escape(details.clientDomain)}</strong>.` : 'This app registered itself; its name is not verified.';
  const scopes = details.scope.map(scope => `<label><input type="checkbox" name="scope" value="${escape(scope)}" checked> ${escape(scope)}</label>`).join('<br>');
  return `<!doctype html>
<meta charset="utf-8">
<title>Authorize ${name}</title>
<h1>Allow ${name} to access your account?</h1>
<p>${origin} Access will be sent to <strong>${escape(details.redirectHost)}</strong>.</p>
${details.redirectIsLoopback ? '<p><strong>This sends access to an app on your computer.</strong> Continue only if you just started signing in from it.</p>' : ''}
<form method="post">
  <input type="hidden" name="handle" value="${escape(handle)}">
  ${scopes}
  <p><button name="decision" value="approve">Allow</button> <button name="decision" value="deny">Deny</button></p>
</form>`;
}

async function authorize(req, env) {
  const oauth = env.OAUTH_PROVIDER, url = new URL(req.url);
  try {
    if (req.method === 'POST') {
      const user = await signedIn(req, env);
      if (!user) return new Response('Sign in first', { status: 403 });
      const form = await req.formData();
      const handle = String(form.get('handle'));
      if (form.get('decision') !== 'approve') {
        const denied = await oauth.denyConsent(req, handle);
        return new Response(null, { headers: denied.headers, status: 302 });
      }
      const approved = await oauth.approveConsent(req, handle, { scope: form.getAll('scope').map(String) });
      const { redirectTo } = await oauth.completeAuthorization({ metadata: {}, props: { userId: user }, request: approved.request,
        scope: approved.request.scope, userId: user });
      approved.headers.set('Location', redirectTo);
      return new Response(null, { headers: approved.headers, status: 302 });
    }
    if (!(await signedIn(req, env))) return loginPage(url.pathname + url.search);
    const request = await oauth.parseAuthRequest(req);
    const details = await oauth.describeConsent(request);
    const consent = await oauth.beginConsent(request);
    consent.headers.set('Content-Type', 'text/html; charset=utf-8');
    return new Response(consentPage(details, consent.handle), { headers: consent.headers });
  } catch (error) {
    if (error instanceof AuthorizationError && error.redirectTo) return Response.redirect(error.redirectTo, 302);
    if (error instanceof AuthorizationError || error instanceof CimdFetchError) {
      const message = error instanceof AuthorizationError ? error.description : 'This app could not be verified.';
      return new Response(escape(message), { headers: { 'Content-Type': 'text/plain; charset=utf-8' }, status: 400 });
    }
    throw error;
  }
}

const defaultHandler = {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/authorize') return authorize(request, env);
    if (pathname === '/login' && request.method === 'POST') return login(request, env);
    return new Response('Not found', { status: 404 });
  }
};

const mcp = createMcpHandler(({ authInfo }) => {
  const server = new McpServer({ name: 'cloudflare target', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who the token is about' }, async () => ({ content: [{ text: authInfo?.extra?.userId ?? '-', type: 'text' }] }));
  server.registerTool('write', { description: 'Needs mcp:write' }, async () => ({ content: [{ text: 'written', type: 'text' }] }));
  return server;
});

class McpApiHandler extends WorkerEntrypoint {
  async fetch(request) {
    const { auth, props } = this.ctx;
    const foreign = hostHeaderValidationResponse(request, ['127.0.0.1']) ?? originValidationResponse(request, ['127.0.0.1']);
    if (foreign) return foreign;
    const body = request.method === 'POST' ? await request.clone().json().catch(() => null) : null;
    const needed = body?.method === 'tools/call' && body.params?.name === 'write' ? ['mcp:read', 'mcp:write'] : ['mcp:read'];
    if (!needed.every(scope => auth.scope.includes(scope))) return insufficientScope(auth, needed);
    return mcp.fetch(request, { authInfo: { clientId: auth.clientId, extra: props, scopes: auth.scope, token: auth.token } });
  }
}

let provider;
const options = env => ({
  apiHandler: McpApiHandler,
  apiRoute: '/mcp',
  authorizeEndpoint: '/authorize',
  clientIdMetadataDocumentEnabled: true,
  clientRegistrationEndpoint: '/oauth/register',
  defaultHandler,
  // Only written down: why something was refused, which the answer does not say.
  onError({ code, internal, status }) {
    console.warn(`refused ${status} ${code}: ${internal.category}/${internal.reason}`, JSON.stringify(internal.detail ?? null));
  },
  requiredScopes: ['mcp:read'],
  resourceMetadata: { authorization_servers: [env.ORIGIN], resource: `${env.ORIGIN}/mcp` },
  scopesSupported: ['mcp:read', 'mcp:write', 'offline_access'],
  tokenEndpoint: '/oauth/token',
  ...(env.EXCHANGE === '1' && { allowTokenExchangeGrant: true }),
  ...(env.IDP && {
    enterpriseManagedAuthorization: {
      mapClaims: async ({ claims, requestedScope }) => ({ metadata: { issuer: claims.iss, subject: claims.sub }, props: { userId: claims.sub },
        scope: requestedScope.length ? requestedScope : ['mcp:read'], userId: `enterprise-${encodeURIComponent(claims.sub)}` }),
      trustedIssuers: async ({ iss }) => (iss === env.IDP ? { algorithms: ['RS256'], issuer: iss, jwksUri: env.IDP_KEYS } : null)
    }
  })
});

export default {
  async fetch(request, env, ctx) {
    provider ??= new OAuthProvider(options(env));
    // Where nobody reads the body of a request, workerd ends the connection after its answer without saying so; in front of real Workers stands another server.
    const whole = request.body && env.RAW !== '1' ? new Request(request, { body: await request.arrayBuffer() }) : request;
    return provider.fetch(whole, env, ctx);
  }
};

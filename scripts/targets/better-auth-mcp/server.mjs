// Better Auth with its MCP plugin, as the README of @better-auth/mcp shows it, with clients that register by themselves because metadata documents
// need https. Ours: the pages for login and consent, which the library wants from its user, as forms. Everything not set here is the library's default.
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { mcp, requireMcpAuth } from '@better-auth/mcp';
import { createMcpHandler, hostHeaderValidationResponse, McpServer, originValidationResponse } from '@modelcontextprotocol/server';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { createInsufficientScopeError } from 'better-auth/oauth2';
import { jwt } from 'better-auth/plugins';
import { toNodeHandler } from 'better-call/node';

const port = Number(process.env.PORT), origin = `http://127.0.0.1:${port}`, resource = `${origin}/mcp`;
const options = {
  baseURL: origin,
  database: new DatabaseSync(':memory:'),
  emailAndPassword: { enabled: true },
  plugins: [
    jwt(),
    mcp({
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
      consentPage: '/consent',
      loginPage: '/login',
      resource,
      scopes: ['openid', 'profile', 'email', 'offline_access', 'mcp:read', 'mcp:write']
    })
  ],
  secret: 'a-secret-of-the-target-for-tests-only-0123456789'
};
await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);
for (const name of ['alice', 'mallory']) await auth.api.signUpEmail({ body: { email: `${name}@example.com`, name, password: `${name}-password` } });

const escape = value => value.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
const page = (title, body) => new Response(`<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}`, {
  headers: { 'Cache-Control': 'no-store', 'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'", 'Content-Type': 'text/html; charset=utf-8',
    'Referrer-Policy': 'same-origin', 'X-Frame-Options': 'DENY' }
});

// What the library's browser client would send from a page: the body and the signed query of the page, as JSON.
async function send(request, path, body) {
  const headers = new Headers({ accept: 'application/json', 'content-type': 'application/json', origin: request.headers.get('origin') ?? 'null' });
  if (request.headers.has('cookie')) headers.set('cookie', request.headers.get('cookie'));
  const answer = await auth.handler(new Request(`${origin}/api/auth${path}`, { body: JSON.stringify(body), headers, method: 'POST' }));
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok || !said.url) return { failed: said.message ?? said.error_description ?? said.error ?? `status ${answer.status}` };
  const out = new Headers({ location: said.url });
  for (const cookie of answer.headers.getSetCookie()) out.append('set-cookie', cookie);
  return { redirect: new Response(null, { headers: out, status: 303 }) };
}

async function login(request, url) {
  let wrong = '', query = url.search.slice(1);
  if (request.method === 'POST') {
    const form = await request.formData();
    query = String(form.get('query'));
    const { failed, redirect } = await send(request, '/sign-in/email', { email: form.get('email'), oauth_query: query, password: form.get('password') });
    if (redirect) return redirect;
    wrong = `<p>${escape(failed)}</p>`;
  }
  return page('Sign in', `${wrong}<form method="post" action="/login"><input type="hidden" name="query" value="${escape(query)}">
<label>Email <input name="email" type="email"></label> <label>Password <input name="password" type="password"></label> <button>Sign in</button></form>`);
}

async function consent(request, url) {
  if (request.method === 'POST') {
    const form = await request.formData();
    const { failed, redirect } = await send(request, '/oauth2/consent', { accept: form.get('decision') === 'approve', oauth_query: String(form.get('query')) });
    return redirect ?? new Response(escape(failed), { headers: { 'Content-Type': 'text/plain; charset=utf-8' }, status: 400 });
  }
  const asked = name => url.searchParams.get(name) ?? '';
  const client = await auth.api.getOAuthClientPublic({ headers: request.headers, query: { client_id: asked('client_id') } }).catch(() => null);
  const scopes = asked('scope').split(' ').filter(Boolean).map(scope => `<li>${escape(scope)}</li>`).join('');
  const host = URL.canParse(asked('redirect_uri')) ? new URL(asked('redirect_uri')).host : '';
  return page('Allow access?', `<p>${escape(client?.client_name ?? asked('client_id'))} wants access to your account. You will be sent to <strong>${escape(host)}</strong>.</p>
<ul>${scopes}</ul><form method="post" action="/consent"><input type="hidden" name="query" value="${escape(url.search.slice(1))}">
<button name="decision" value="approve">Allow</button> <button name="decision" value="deny">Deny</button></form>`);
}

const server = createMcpHandler(({ authInfo }) => {
  const server = new McpServer({ name: 'better-auth target', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who the token is about' }, async () => ({ content: [{ text: authInfo?.extra?.sub ?? '-', type: 'text' }] }));
  server.registerTool('write', { description: 'Needs mcp:write' }, async () => ({ content: [{ text: 'written', type: 'text' }] }));
  return server;
}, { legacy: 'reject' });
const guarded = requireMcpAuth(auth, async (request, claims) => {
  const scopes = String(claims.scope ?? '').split(' ');
  const body = await request.clone().json().catch(() => null);
  if (body?.method === 'tools/call' && body.params?.name === 'write' && !scopes.includes('mcp:write')) throw createInsufficientScopeError(['mcp:write']);
  return server.fetch(request, { authInfo: { clientId: claims.azp ?? claims.client_id, extra: { sub: claims.sub }, scopes, token: '' } });
}, { requiredScopes: ['mcp:read'], resource });

async function answer(request) {
  const url = new URL(request.url);
  if (url.pathname === '/login') return login(request, url);
  if (url.pathname === '/consent') return consent(request, url);
  if (url.pathname === '/mcp') {
    const foreign = hostHeaderValidationResponse(request, ['127.0.0.1']) ?? originValidationResponse(request, ['127.0.0.1']);
    return foreign ?? (request.method === 'POST' ? guarded(request) : new Response(null, { headers: { Allow: 'POST' }, status: 405 }));
  }
  return auth.handler(request);
}
// What every web framework does with an error that nobody caught.
const caught = error => (console.error(error), new Response('Internal Server Error', { status: 500 }));
const listener = createServer(toNodeHandler(request => answer(request).catch(caught)));
listener.listen(port, '127.0.0.1', () => console.log(`READY ${resource}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

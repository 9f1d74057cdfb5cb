// Bluesky's PDS in its own development environment, as the README of @atproto/dev-env starts it. Its pages for login and consent are built by a
// script; the ones here are forms of ours that send what that script would (POST of JSON with its CSRF token, from the page). Nothing else is touched.
import http from 'node:http';
import { TestPds, TestPlc } from '@atproto/dev-env';

const port = Number(process.env.PORT), origin = `http://localhost:${port}`, api = '/@atproto/oauth-provider/~api';
const plc = await TestPlc.create({ port: port + 1 });
const pds = await TestPds.create({ didPlcUrl: plc.url, port });
for (const name of ['alice', 'mallory'])
  await pds.getAgent().createAccount({ email: `${name}@example.com`, handle: `${name}.test`, password: `${name}-password` });

const escape = value => String(value).replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
const read = async stream => { let all = ''; for await (const part of stream) all += part; return all; };
const inside = (method, path, headers, body) => new Promise((done, fail) => {
  const sent = http.request({ headers: { ...headers, 'x-target-inside': '1' }, host: '127.0.0.1', method, path, port }, async answer => done({ answer, text: await read(answer) }));
  sent.on('error', fail).end(body);
});
const hidden = fields => Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`).join('');

// The page as a form: who has no session on this device logs in, who has one is asked. Like the script, it gives its page the address of the pushed
// request only if the address names none: what is sent later is refused where it names another.
function form(html, page) {
  const data = name => JSON.parse(JSON.parse(new RegExp(`window\\["${name}"\\]=JSON\\.parse\\((".*?[^\\\\]")\\)`).exec(html)[1]));
  const asked = data('__authorizeData'), session = data('__sessions').find(session => !session.loginRequired);
  if (!page.searchParams.has('request_uri')) page.search = new URLSearchParams({ client_id: asked.clientId, request_uri: asked.requestUri });
  const fields = hidden({ page: page.pathname + page.search });
  const client = `<p>${escape(asked.clientMetadata.client_name ?? asked.clientId)} asks for: ${escape(asked.scope)}</p>`;
  return session
    ? `<title>Allow access?</title><h1>Allow access?</h1>${client}<p>${escape(session.account.preferred_username ?? session.account.did)}</p><form method="post" action="/target/answer">${fields}
${hidden({ did: session.account.did })}<button name="decision" value="approve">Allow</button> <button name="decision" value="deny">Deny</button></form>`
    : `<title>Sign in</title><h1>Sign in</h1><form method="post" action="/target/answer">${fields}
<label>Name <input name="username"></label> <label>Password <input name="password" type="password"></label> <button>Sign in</button></form>`;
}

// GET of the authorization endpoint: the product's answer, with its headers; only where it is the page of its script, the form instead.
async function authorize(req, res) {
  const { answer, text } = await inside('GET', req.url, req.headers);
  const isPage = answer.statusCode === 200 && text.includes('__authorizeData');
  const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers;
  const body = isPage ? `<!doctype html><meta charset="utf-8">${form(text, new URL(req.url, origin))}` : text;
  res.writeHead(answer.statusCode, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

// What the script sends when a button is pressed. Origin and Sec-Fetch-Site are those of the browser.
async function answered(req, res) {
  const sent = new URLSearchParams(await read(req)), path = sent.get('page');
  const { 'content-length': _, 'content-type': __, ...own } = req.headers;
  const headers = { ...own, 'accept-encoding': 'identity', 'content-type': 'application/json', referer: origin + path, 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'same-origin',
    'x-csrf-token': /(?:^|;\s*)csrf-token=([^;]+)/.exec(req.headers.cookie ?? '')?.[1] ?? '' };
  const post = (name, body) => inside('POST', api + name, headers, JSON.stringify(body));
  const { answer, text } = sent.has('username')
    ? await post('/sign-in', { locale: 'en', password: sent.get('password'), remember: true, username: sent.get('username') })
    : sent.get('decision') === 'approve' ? await post('/consent', { did: sent.get('did') }) : await post('/reject', {});
  const cookies = answer.headers['set-cookie'] ? { 'set-cookie': answer.headers['set-cookie'] } : {};
  const said = JSON.parse(text), location = said.url ?? (said.account && path);
  if (location) res.writeHead(303, { ...cookies, location, 'referrer-policy': 'same-origin' }).end();
  else res.writeHead(answer.statusCode, { ...cookies, 'content-type': 'text/plain; charset=utf-8' }).end(said.error_description ?? said.error ?? text);
}

const server = pds.server.server, [product] = server.listeners('request');
// PAGES=own: nothing stands in front, for a browser that runs its script.
if (process.env.PAGES !== 'own') server.removeAllListeners('request').on('request', (req, res) => {
  if (req.headers['x-target-inside']) { delete req.headers['x-target-inside']; return product(req, res); }
  const { pathname } = new URL(req.url, origin);
  const ours = req.method === 'GET' && pathname === '/oauth/authorize' ? authorize : req.method === 'POST' && pathname === '/target/answer' ? answered : null;
  if (!ours) return product(req, res);
  ours(req, res).catch(error => { console.error(error); res.headersSent ? res.end() : res.writeHead(500).end('Internal Server Error'); });
});
console.log(`READY ${origin}`);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));

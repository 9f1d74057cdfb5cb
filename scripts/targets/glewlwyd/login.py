"""Logs in at glewlwyd and answers its consent page as its pages do, which a script builds over a JSON API. For login.how = "command"."""
import http.cookiejar, json, os, sys, urllib.error, urllib.parse, urllib.request

back = os.environ["AUTHSPEC_REDIRECT_URI"]


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


browser = urllib.request.build_opener(Stay, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def call(method, url, body=None):
    """The status, the address that it leads to, and the JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        answer = browser.open(request)
    except urllib.error.HTTPError as refused:
        answer = refused
    text = answer.read()
    target = answer.headers.get("Location")
    return answer.status, target and urllib.parse.urljoin(url, target), json.loads(text) if text[:1] in (b"{", b"[") else None


def visit(url):
    """Follows redirects to a page of the server, or to the client, which ends it all."""
    for _ in range(10):
        status, target, _ = call("GET", url)
        if target is None:
            return url
        url = target
        if urllib.parse.urlsplit(url).path == "/login.html":
            return url
        if url.startswith(back) or urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(sys.argv[-1]).netloc:
            print(url)
            sys.exit()
    return url


page = visit(sys.argv[-1])
where = urllib.parse.urlsplit(page)
asked = dict(urllib.parse.parse_qsl(where.query))
# Without a scope there is nothing that the user could grant.
if where.path != "/login.html" or not {"callback_url", "scope"} <= asked.keys():
    print(page)
    sys.exit()
api = f"{where.scheme}://{where.netloc}/api"
status, _, _ = call("POST", f"{api}/auth/", {"username": os.environ["AUTHSPEC_USERNAME"], "password": os.environ["AUTHSPEC_PASSWORD"]})
if status == 200:
    # Its page lists the scopes that the user may grant, each to be ticked; none ticked is a no.
    grant = f"{api}/auth/grant/{urllib.parse.quote(asked['client_id'], safe='')}"
    _, _, offered = call("GET", f"{grant}/{urllib.parse.quote(asked['scope'], safe='')}")
    names = [scope["name"] for scope in (offered or {}).get("scope", [])]
    approved = names if os.environ["AUTHSPEC_ANSWER"] == "approve" else []
    call("PUT", grant, {"scope": " ".join(approved)})
    page = visit(asked["callback_url"] + ("&" if "?" in asked["callback_url"] else "?") + "g_continue")
print(page)

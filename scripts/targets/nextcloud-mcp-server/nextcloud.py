"""A stand-in for the Nextcloud behind the server: its status, its capabilities, who somebody is, and the Notes app. Takes any name
with the app password below; knows nothing of OAuth. Notes are kept apart by name."""
import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASSWORD = "stand-in-app-password"
NOTES = {}


def ocs(data):
    return {"ocs": {"meta": {"status": "ok", "statuscode": 200, "message": "OK"}, "data": data}}


class Nextcloud(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def user(self):
        try:
            scheme, _, rest = (self.headers.get("Authorization") or "").partition(" ")
            name, _, password = base64.b64decode(rest).decode().partition(":")
        except ValueError:
            return None
        return name if scheme.lower() == "basic" and password == PASSWORD and name else None

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0].removeprefix("/index.php")
        if path == "/status.php":
            return self.answer({"installed": True, "maintenance": False, "versionstring": "32.0.0", "productname": "stand-in"})
        user = self.user()
        if user is None:
            return self.answer({"message": "Current user is not logged in"}, 401)
        if path.endswith("/cloud/user"):
            return self.answer(ocs({"id": user, "display-name": user}))
        if path.endswith("/cloud/capabilities"):
            return self.answer(ocs({"version": {"string": "32.0.0"}, "capabilities": {"notes": {"version": "4.12.0", "api_version": ["1.3"]}}}))
        mine = NOTES.setdefault(user, [])
        if path.rstrip("/") == "/apps/notes/api/v1/notes":
            if self.command == "POST":
                note = {"id": len(mine) + 1, "etag": str(len(mine) + 1), "readonly": False, "modified": int(time.time()), "favorite": False}
                mine.append(note | {"title": "", "content": "", "category": ""} | json.loads(body or b"{}"))
                return self.answer(mine[-1])
            return self.answer(mine[-20:])
        if path == "/apps/notes/api/v1/settings":
            return self.answer({"notesPath": "Notes", "fileSuffix": ".md"})
        self.answer({"message": "not here"}, 404)

    do_GET = do_POST = do_PUT = do_DELETE = serve


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Nextcloud).serve_forever()

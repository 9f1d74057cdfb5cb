"""Uses a program that leads from stdio to a remote MCP server, as desktop applications do:
command = ["python", "examples/clients/over_stdio.py", "npx", "mcp-remote", "{url}"]."""

import json
import subprocess
import sys

with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:

    def send(**message):
        program.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        program.stdin.flush()

    def request(number, method, params):
        send(id=number, method=method, params=params)
        for line in program.stdout:
            message = json.loads(line)
            if message.get("id") != number:
                continue
            if "error" in message:
                sys.exit(f"{method}: {message['error'].get('message')}")
            return message["result"]
        sys.exit(f"{method}: the program ended without an answer")

    try:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "authspec-example", "version": "1"}}
        request(1, "initialize", hello)
        send(method="notifications/initialized")
        for number, tool in enumerate(request(2, "tools/list", {})["tools"], start=3):
            request(number, "tools/call", {"name": tool["name"], "arguments": {}})
    finally:
        program.terminate()

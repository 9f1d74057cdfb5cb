"""Makes two people and enters the server behind the gateway, by the gateway's own modules: what its admin pages do."""
import sys

from authmcp_gateway.auth.password import hash_password
from authmcp_gateway.auth.user_store import create_user
from authmcp_gateway.mcp.store import create_mcp_server, init_mcp_database

database, backend = sys.argv[1:]
init_mcp_database(database)
create_user(database, "root", "root@example.com", hash_password("root-password"), is_superuser=True)  # without one it shows its setup pages only
for name in ("alice", "mallory"):
    create_user(database, name, f"{name}@example.com", hash_password(f"{name}-password"))
create_mcp_server(database, "notes", backend)

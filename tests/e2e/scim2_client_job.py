"""Drives create, update and deactivate through scim2-client, which checks every
answer against the RFCs. Called by scim_test.py: URL, token, CA."""
import ssl
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation

url, token, authority = sys.argv[1:]
http = Client(base_url=url, headers={"Authorization": f"Bearer {token}"},
              verify=ssl.create_default_context(cafile=authority))
scim = SyncSCIMClient(http)
scim.discover()
User = scim.get_resource_model("User")
user = scim.create(User(user_name="alice", active=True, display_name="Alice"))
assert user.id and user.meta.version, user
user.display_name = "Alice A."
user = scim.replace(user)
assert user.display_name == "Alice A.", user
found = scim.query(User)
assert found.total_results == 1, found
patch = PatchOp[User](operations=[PatchOperation(
    op=PatchOperation.Op.replace_, path="active", value=False)])
gone = scim.modify(User, user.id, patch)
assert gone is None or gone.active is False, gone
assert scim.query(User, user.id).active is False
print("ok")

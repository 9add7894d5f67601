"""`python -m tests.stripe_fake [--multicapture]`: serve until killed; prints the port first."""

import sys

from tests.stripe_fake.account import Account
from tests.stripe_fake.web import serve

server = serve(Account(multicapture="--multicapture" in sys.argv))
print(server.server_address[1], flush=True)  # noqa: T201 - the starter waits for it
server.serve_forever()

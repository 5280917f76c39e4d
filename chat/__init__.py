"""encchat: an encrypted chat server and client for self-hosting.

The layers, each of which imports only those below it:

* ``chat.client``, ``chat.server``: the shells around terminals, sockets and the reactor;
* ``chat.store``: logs; ``chat.receiver``: the Twisted protocol that both shells build on;
* ``chat.rooms``: the domain, without bytes, keys or I/O;
* ``chat.wire``: the protocol of docs/protocol.md, without I/O;
* ``chat.limits``: every bound.
"""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"

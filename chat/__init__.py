"""encchat: an encrypted multi-client chat that people host themselves.

The layers, each importing only what is below it:

* ``chat.client``, ``chat.server``: the shells around terminals, sockets and the reactor;
* ``chat.store``: logs; ``chat.receiver``: the Twisted protocol both shells build on;
* ``chat.rooms``: the domain, without bytes, keys or I/O;
* ``chat.wire``: the protocol of docs/protocol.md, without I/O;
* ``chat.limits``: every bound there is.
"""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"

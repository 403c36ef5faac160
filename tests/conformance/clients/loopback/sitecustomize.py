"""Lets Microsoft's host names stand for the emulator, in this process only.

Python imports a module of this name by itself when its folder is on PYTHONPATH; the clients know nothing of it. Names
that are not emulated do not resolve, so that no client can reach anything else.
"""

import os
import socket

_NAMES = frozenset(os.environ["EMULATED_HOSTS"].split(","))
_PORT = int(os.environ["EMULATED_PORT"])
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Clients that insist on Microsoft's names insist on 443 too.
_ASKED = ("127.0.0.1", 443)

_getaddrinfo = socket.getaddrinfo
_connect = socket.socket.connect


def _resolve(host, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name in _NAMES:
        host = "127.0.0.1"
    elif name not in (None, *_LOOPBACK):
        raise socket.gaierror(socket.EAI_NONAME, f"`{name}` is not emulated")
    return _getaddrinfo(host, *args, **kwargs)


def _connect_to(self, address):
    return _connect(self, ("127.0.0.1", _PORT) if address == _ASKED else address)


socket.getaddrinfo = _resolve
socket.socket.connect = _connect_to

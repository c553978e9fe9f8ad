"""The connections of an API process: how many, from where, and which of them nobody uses.

A newcomer that finds no place gets that of the connection that has waited longest for its client.
So connections that are merely held shut nobody out, and one whose request is being answered is
never given up for another.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from ipaddress import IPv6Address, ip_network
from typing import Protocol

from app.http.client_address import Address, Networks, is_within
from app.telemetry import logger

log = logger(__name__)

#: One client has at least this many IPv6 addresses: a /64 network.
_IPV6_PREFIX = 64
_LOG_SECONDS = 60.0


class Connection(Protocol):
    def give_way(self) -> None:
        """Closes the connection at once."""


class Connections:
    """Limits all connections, and those of each client address. The addresses of `trusted` proxies
    stand for many clients, so only the limit of all applies to them."""

    def __init__(self, *, most: int, most_of_address: int, trusted: Networks = ()) -> None:
        self._most = most
        self._most_of_address = most_of_address
        self._trusted = trusted
        self._clients: dict[Connection, Hashable | None] = {}
        self._of_client: dict[Hashable, int] = {}
        #: Connections that wait for their clients, the longest wait first.
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._waiting_of_client: dict[Hashable, OrderedDict[Connection, None]] = {}
        self._logged_at = -_LOG_SECONDS

    def enter(self, connection: Connection, address: Address | None) -> bool:
        """False if there is no slot and none can be freed."""
        client = self._client(address)
        if client is not None and self._of_client.get(client, 0) >= self._most_of_address:
            self._log(address, "REELGATE_MAX_CONNECTIONS_PER_ADDRESS", self._most_of_address)
            if not self._make_place(self._waiting_of_client.get(client)):
                return False
        if len(self._clients) >= self._most:
            self._log(address, "REELGATE_MAX_CONNECTIONS", self._most)
            if not self._make_place(self._waiting):
                return False
        self._clients[connection] = client
        if client is not None:
            self._of_client[client] = self._of_client.get(client, 0) + 1
        return True

    def leave(self, connection: Connection) -> None:
        if connection not in self._clients:
            return
        self.answers(connection)
        client = self._clients.pop(connection)
        if client is not None:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]

    def waits(self, connection: Connection) -> None:
        """The connection waits for its client from now on."""
        if connection not in self._clients:
            return
        client = self._clients[connection]
        self._waiting[connection] = None
        self._waiting.move_to_end(connection)
        if client is not None:
            others = self._waiting_of_client.setdefault(client, OrderedDict())
            others[connection] = None
            others.move_to_end(connection)

    def answers(self, connection: Connection) -> None:
        """The connection no longer waits for its client."""
        self._waiting.pop(connection, None)
        client = self._clients.get(connection)
        others = self._waiting_of_client.get(client) if client is not None else None
        if others is not None:
            others.pop(connection, None)
            if not others:
                del self._waiting_of_client[client]

    def _make_place(self, waiting: OrderedDict[Connection, None] | None) -> bool:
        if not waiting:
            return False
        longest = next(iter(waiting))
        self.leave(longest)
        longest.give_way()
        return True

    def _client(self, address: Address | None) -> Hashable | None:
        if address is None or is_within(address, self._trusted):
            return None
        if isinstance(address, IPv6Address):
            return ip_network((address, _IPV6_PREFIX), strict=False)
        return address

    def _log(self, address: Address | None, setting: str, limit: int) -> None:
        """Rarely: otherwise those who bring a process to its limit would fill the log as well."""
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            log.warning("connections_full", address=str(address), setting=setting, limit=limit)

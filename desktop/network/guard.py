"""A server that refuses by limits: whom it does not know, what is too long, and too many at once.

pynetdicom reads a PDU of whatever length its header claims, keeps a data set that never ends, agrees on TLS in the
thread that takes calls, and starts two threads for each caller before it looks who calls.
"""

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, cast

from pynetdicom import evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import InvalidEventError
from pynetdicom.transport import AddressInformation, AssociationSocket, RequestHandler, ThreadedAssociationServer

from desktop.network import limits

if TYPE_CHECKING:
    from pynetdicom.pdu_primitives import P_DATA

_log = logging.getLogger(__name__)

_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)
"""Linux forgets it after a while. Without it a sender that waits for our acknowledgement before its last, short segment
(Nagle's algorithm) waits 40 ms for each object."""

_LOOK_SECONDS = 0.005

Address = Any
"""(host, port) or IPv6's four parts, as `socketserver` hands them on."""


class Budget:
    """Bytes that all associations together may hold."""

    def __init__(self, most: int = limits.MOST_BYTES_AT_ONCE) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        """Whether so many are still to be had; they are taken then."""
        with self._lock:
            if count > self._left:
                return False
            self._left -= count
            return True

    def give_back(self, count: int) -> None:
        """They are free again."""
        with self._lock:
            self._left += count


class Places:
    """Who may be connected at the same time."""

    def __init__(self, most: int = limits.MOST_ASSOCIATIONS) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, host: str) -> bool:
        """Whether a caller from there still finds a place; it is taken then."""
        with self._lock:
            if self._taken.total() >= self._most or self._taken[host] >= max(1, self._most // 2):
                return False
            self._taken[host] += 1
            return True

    def leave(self, host: str) -> None:
        """A caller from there has gone."""
        with self._lock:
            self._taken[host] -= 1

    @property
    def taken(self) -> int:
        """How many are connected."""
        with self._lock:
            return self._taken.total()


class GuardedSocket(AssociationSocket):
    """Reads no PDU that is too long, none for ever, and in large pieces. A line that breaks a rule is hung up at once:
    pynetdicom would go on reading, and stumble over what it finds after the end of an association."""

    def recv(self, nr_bytes: int) -> bytearray:
        """So many bytes; fewer, and the line is closed, where they do not come or will not be taken."""
        line = self.socket
        # Sta13: we have aborted and only wait for the other side to hang up (PS3.8 9.2.1).
        over = self.assoc.dul.state_machine.current_state == "Sta13"
        if line is None or over or nr_bytes > limits.MOST_PDU:
            return self._hang_up(bytearray())
        buffer = bytearray(nr_bytes)
        done, end = 0, time.monotonic() + limits.PDU_SECONDS
        with memoryview(buffer) as view:
            while done < nr_bytes:
                try:
                    if _QUICK_ACK is not None:
                        line.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
                    line.settimeout(max(0.001, end - time.monotonic()))
                    count = line.recv_into(view[done:])
                except OSError:  # a timeout is one too
                    count = 0
                if not count:
                    break
                done += count
        return buffer if done == nr_bytes else self._hang_up(buffer[:done])

    def _shutdown_socket(self) -> None:
        """Close it, connected or not; pynetdicom leaves one open that never was connected."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                self.socket.close()

    def _hang_up(self, read: bytearray) -> bytearray:
        """Too few bytes tell pynetdicom that the line is closed; so it is."""
        self._shutdown_socket()
        self._is_connected = False
        return read

    def send(self, bytestream: bytes) -> None:
        """As pynetdicom; but nobody who does not listen holds us up for ever, and nothing goes to a line that is
        closed."""
        if self.socket is not None and self._is_connected:
            with contextlib.suppress(OSError):
                self.socket.settimeout(limits.PDU_SECONDS)
            super().send(bytestream)


class GuardedMessages(DIMSEServiceProvider):
    """Puts messages together only as far as they stay within bounds; the association is aborted where they do not."""

    def __init__(self, assoc: Association, budget: Budget) -> None:
        super().__init__(assoc)
        self._budget = budget
        self._coming = self._queued = self._served = 0
        self._command = 0

    def receive_primitive(self, primitive: "P_DATA") -> None:
        """The next piece of a message."""
        for _, data in primitive.presentation_data_value_list:
            self._coming += len(data)
            if data[:1] and data[0] & 1:
                self._command += len(data)
            if not self._budget.take(len(data)):
                self._coming -= len(data)
                self._refuse("no memory left for")
                return
        if self._command > limits.MOST_COMMAND_BYTES or self._coming > self._most() or self.msg_queue.qsize() > 1:
            self._refuse("too long or too many")
            return
        super().receive_primitive(primitive)
        if self.message is None:
            self._queued, self._coming, self._command = self._queued + self._coming, 0, 0

    def get_msg(self, block: bool = False) -> Any:
        """The next complete message; the one before has been answered."""
        item = self._awaited() if block else super().get_msg()
        if item[1] is not None:
            self._budget.give_back(self._served)
            self._served, self._queued = self._queued, 0
        return item

    def _awaited(self) -> Any:
        """The next message while we ask something ourselves; none where the other side hangs up instead."""
        end = time.monotonic() + (self.dimse_timeout or limits.ANSWER_SECONDS)
        while time.monotonic() < end:
            hung_up = self.dul.peek_next_pdu() is not None or not self.dul.is_alive()
            item = super().get_msg()
            if hung_up or item[1] is not None:
                return item
            time.sleep(_LOOK_SECONDS)
        return None, None

    def forget(self) -> None:
        """Nothing is held any more."""
        self._budget.give_back(self._coming + self._queued + self._served)
        self._coming = self._queued = self._served = 0
        self.message = None

    def _most(self) -> int:
        """Of a message whose kind is not known yet only the command is taken."""
        if isinstance(self.message, C_STORE_RQ):
            return limits.MOST_OBJECT_BYTES + limits.MOST_COMMAND_BYTES
        return limits.MOST_MESSAGE_BYTES

    def _refuse(self, why: str) -> None:
        _log.warning("an association was aborted: %s messages", why)
        self.message = None
        # Evt19: "unrecognized or invalid PDU": the state machine sends an A-ABORT and closes the line (PS3.8 9.2.3).
        self.dul.event_queue.put("Evt19")


class GuardedProvider(DULServiceProvider):
    """Ends in silence where an answer of ours crosses the abort of the association it was meant for."""

    def run(self) -> None:
        """Read and write until the association is over."""
        try:
            super().run()
        except InvalidEventError:
            _log.info("an association ended while it was being answered")


class GuardedAssociation(Association):
    """Says when it is over."""

    def __init__(self, ae: ApplicationEntity, budget: Budget, ended: Callable[[], None]) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        self.dul = GuardedProvider(self)
        # Both are kept with the provider, and were given to the one before.
        self.acse_timeout, self.network_timeout = ae.acse_timeout, ae.network_timeout
        self._messages = GuardedMessages(self, budget)
        self.dimse = self._messages
        self._ended = ended

    def run(self) -> None:
        """The association from its request to its end."""
        try:
            super().run()
        finally:
            self._messages.forget()
            self._ended()


class GuardedHandler(RequestHandler):
    """Takes a call that the server let through."""

    server: "GuardedServer"

    def _create_association(self) -> Association:
        server, host = self.server, str(self.client_address[0])
        association = GuardedAssociation(self.ae, server.budget, lambda: server.end(host))
        association._server = server
        association.name = "AcceptorThread@lantern"
        association.set_socket(GuardedSocket(association, client_socket=self.request))
        acceptor = association.acceptor
        acceptor.maximum_length = self.ae.maximum_pdu_size
        acceptor.ae_title = server.ae_title
        acceptor.address_info = self.local
        acceptor.implementation_class_uid = self.ae.implementation_class_uid
        acceptor.implementation_version_name = self.ae.implementation_version_name
        # Nobody changes them: each association makes its own out of what was agreed.
        acceptor.supported_contexts = server.contexts
        association.requestor.address_info = AddressInformation.from_tuple(self.client_address)
        for event, bound in server._handlers.items():
            if event.is_intervention and bound:
                association.bind(event, *cast(Any, bound))
            elif isinstance(event, evt.NotificationEvent):
                for handler, arguments in cast(Any, bound):
                    association.bind(event, handler, arguments)
        return association


class GuardedServer(ThreadedAssociationServer):
    """Takes calls from known addresses, as many as there are places; the rest is hung up on at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        contexts: list[Any],
        handlers: list[Any],
        *,
        known: Callable[[str], bool],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.budget = Budget()
        self.places = Places()
        self._known = known
        self._tls = tls
        self.refused = 0
        super().__init__(ae, address, ae.ae_title, contexts, None, handlers, GuardedHandler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next call."""
        line, address = cast(socket.socket, self.socket).accept()
        line.settimeout(limits.REQUEST_SECONDS)
        with contextlib.suppress(OSError):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
        return line, address

    def verify_request(self, request: Any, client_address: Address) -> bool:
        """Whether the call is taken at all."""
        host = str(client_address[0])
        if self._known(host) and self.places.take(host):
            return True
        self.refused += 1
        return False

    def process_request_thread(self, request: Any, client_address: Address) -> None:
        """Agree on TLS, then start the association's own threads."""
        line = request
        try:
            if self._tls is not None:
                line = self._tls.wrap_socket(request, server_side=True)
            self.finish_request(line, client_address)
        except Exception as error:  # whatever a caller did, the others are served
            _log.warning("a call could not be taken: %s", type(error).__name__)
            self.refused += 1
            self.shutdown_request(line)
            self.end(str(client_address[0]))

    def handle_error(self, request: Any, client_address: Address) -> None:
        """Nothing is printed."""
        _log.warning("a call could not be taken")

    def end(self, host: str) -> None:
        """An association is over, or never came about."""
        self.places.leave(host)

    def service_actions(self) -> None:
        """No garbage collection from this thread: it would stop the window, and free what belongs to it."""

    def stop(self) -> None:
        """Take no more calls and free the port. Only while `serve_forever` runs in another thread."""
        TCPServer.shutdown(self)
        self.server_close()

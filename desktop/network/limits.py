"""How much of a stranger's wishes the node grants. Checked before memory or a thread is given."""

MOST_PDU = 512 * 1024
"""Longest PDU read, bytes; we ask for half of that."""

ASKED_PDU = 256 * 1024
"""Longest P-DATA PDU we ask for (PS3.8 D.1): 33 PDUs of the usual 16 KiB cost more time than one of this length."""

MOST_OBJECT_BYTES = 512 * 1024 * 1024
"""Largest object taken, as the largest file that is read."""

MOST_MESSAGE_BYTES = 1024 * 1024
"""Largest data set of anything but a C-STORE: queries, reports."""

MOST_COMMAND_BYTES = 16 * 1024
"""Largest command set; an honest one has some hundred bytes."""

MOST_BYTES_AT_ONCE = 640 * 1024 * 1024
"""Of all objects that are on their way at the same time."""

MOST_ASSOCIATIONS = 16
"""At the same time; and half of them from one address."""

PDU_SECONDS = 30.0
"""In which a PDU that has begun must be complete, and an answer taken."""

IDLE_SECONDS = 60.0
"""After which a silent association ends."""

REQUEST_SECONDS = 10.0
"""In which a connection must ask for an association, a TLS line must be agreed on, and a rejected caller hang up."""

CONNECT_SECONDS = 10.0
"""In which a peer must take our call."""

ANSWER_SECONDS = 60.0
"""In which a peer must answer a request."""

MOST_ANSWERS = 500
"""Matches taken of one query, and given for one worklist."""

MOST_KEEPINGS = 4
"""Requests for storage commitment looked into at the same time; each reads everything it names."""

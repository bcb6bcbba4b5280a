"""Closing and opening one slot: private keys under the slot's secret, the master key sealed to its public key.

Because the master key is sealed to a public key, a new master key can be given to every slot without anybody's
passphrase.
"""

import json
import os
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from desktop.records import new_id
from desktop.vault.derive import hkdf
from desktop.vault.keystore_file import WrappedKeys
from desktop.vault.signatures import SigningKey

_NONCE_BYTES = 12
_KEY_BYTES = 32


class WrongSecret(Exception):
    """The secret does not open the slot, or the slot was changed."""


@dataclass(frozen=True)
class OpenedSlot:
    """What a slot holds. master: 32 bytes."""

    master: bytearray
    signing_key: SigningKey


def close_slot(
    secret: bytes,
    parameters: object,
    master: bytes | bytearray,
    store_id: str,
    epoch: int,
    *,
    signing_key: SigningKey | None = None,
) -> WrappedKeys:
    """A new slot with fresh key pairs, or with a signing key that its owner already has.

    secret: 32 bytes that open it. parameters: how the secret is derived, JSON-serialisable; bound into the slot.
    """
    slot_id = new_id()
    private = X25519PrivateKey.generate()
    if signing_key is None:
        seed = bytearray(os.urandom(_KEY_BYTES))
    else:
        with signing_key.lent() as lent:
            seed = bytearray(lent)
    own = SigningKey(seed)
    both = bytearray(private.private_bytes_raw() + seed)
    nonce = os.urandom(_NONCE_BYTES)
    wrapped = nonce + AESGCM(secret).encrypt(nonce, both, _bound(store_id, slot_id, parameters, epoch, "keys"))
    both[:] = bytes(len(both))
    seed[:] = bytes(len(seed))
    own.close()
    public = private.public_key().public_bytes_raw()
    sealed = seal_to(public, master, _bound(store_id, slot_id, parameters, epoch, "master"))
    return WrappedKeys(slot_id, epoch, public, own.public_key, wrapped, sealed)


def open_slot(keys: WrappedKeys, secret: bytes, parameters: object, store_id: str, epoch: int) -> OpenedSlot:
    """Open a slot. epoch: the keystore's, in which the master key was sealed. Raises WrongSecret."""
    nonce, wrapped = keys.private_keys[:_NONCE_BYTES], keys.private_keys[_NONCE_BYTES:]
    try:
        both = bytearray(
            AESGCM(secret).decrypt(nonce, wrapped, _bound(store_id, keys.slot_id, parameters, keys.epoch, "keys"))
        )
        if len(both) != 2 * _KEY_BYTES:
            raise WrongSecret
        private = X25519PrivateKey.from_private_bytes(both[:_KEY_BYTES])
        master = open_sealed(private, keys.master, _bound(store_id, keys.slot_id, parameters, epoch, "master"))
        signing_key = SigningKey(both[_KEY_BYTES:])
    except (InvalidTag, ValueError):
        raise WrongSecret from None
    both[:] = bytes(len(both))
    return OpenedSlot(master, signing_key)


def give_master(
    keys: WrappedKeys, parameters: object, master: bytes | bytearray, store_id: str, epoch: int
) -> WrappedKeys:
    """The same slot holding another epoch's master key; its owner's passphrase stays and is not needed."""
    bound = _bound(store_id, keys.slot_id, parameters, epoch, "master")
    return replace(keys, master=seal_to(keys.public_key, master, bound))


def seal_to(public_key: bytes, plain: bytes | bytearray, bound: bytes) -> bytes:
    """Encrypt to an X25519 public key: ephemeral public key (32), then AES-256-GCM under HKDF of the exchange."""
    ephemeral = X25519PrivateKey.generate()
    sender = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_key))
    key = hkdf(shared, salt=sender + public_key, info="lantern/seal-to-public-key")
    # The key is used once, so the nonce may be constant.
    return sender + AESGCM(key).encrypt(bytes(_NONCE_BYTES), plain, bound)


def open_sealed(private: X25519PrivateKey, sealed: bytes, bound: bytes) -> bytearray:
    """Undo `seal_to`. Raises InvalidTag or ValueError."""
    sender, wrapped = sealed[:_KEY_BYTES], sealed[_KEY_BYTES:]
    public = private.public_key().public_bytes_raw()
    shared = private.exchange(X25519PublicKey.from_public_bytes(sender))
    key = hkdf(shared, salt=sender + public, info="lantern/seal-to-public-key")
    return bytearray(AESGCM(key).decrypt(bytes(_NONCE_BYTES), wrapped, bound))


def _bound(store_id: str, slot_id: str, parameters: object, epoch: int, purpose: str) -> bytes:
    """What a wrap is bound to, so that it cannot be moved to another store, slot, cost or epoch."""
    return json.dumps([store_id, slot_id, parameters, epoch, purpose], sort_keys=True, separators=(",", ":")).encode()

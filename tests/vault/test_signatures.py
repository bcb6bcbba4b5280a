from desktop.vault import SigningKey, verify_signature


def test_a_signature_holds_for_its_words_and_its_key_only() -> None:
    key, other = SigningKey(bytes(32)), SigningKey(bytes(range(32)))
    signature = key.sign(b"report")
    assert verify_signature(key.public_key, b"report", signature)
    assert not verify_signature(key.public_key, b"Report", signature)
    assert not verify_signature(other.public_key, b"report", signature)
    assert not verify_signature(key.public_key, b"report", bytes(64))
    assert not verify_signature(b"short", b"report", signature)


def test_the_published_vector() -> None:
    """RFC 8032, section 7.1, test 2."""
    key = SigningKey(bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public_key.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )

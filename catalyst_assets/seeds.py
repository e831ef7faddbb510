"""Seeds that differ by campaign, iteration and purpose, and are the same on every run."""

import hashlib


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a seed of its own for each ``purpose``.

    21 bits, because libraries add to a seed or multiply it and still expect 32.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 11

"""The states that an implementation of HMAC-SHA-512 keeps of a key: as good as the key to whoever finds them."""

import hashlib
import math
import struct

MASK = (1 << 64) - 1


def primes(count):
    found = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def cube_root(value):
    guess = 1 << (value.bit_length() // 3 + 1)
    while True:
        better = (2 * guess + value // (guess * guess)) // 3
        if better >= guess:
            return guess
        guess = better


INITIAL = [math.isqrt(prime << 128) & MASK for prime in primes(8)]
ROUNDS = [cube_root(prime << 192) & MASK for prime in primes(80)]


def rotated(word, *counts):
    result = 0
    for count in counts:
        result ^= (word >> count | word << (64 - count)) & MASK
    return result


def compress(state, block):
    """SHA-512's compression function (FIPS 180-4, section 6.4.2)."""
    words = list(struct.unpack(">16Q", block))
    for at in range(16, 80):
        low = rotated(words[at - 15], 1, 8) ^ words[at - 15] >> 7
        high = rotated(words[at - 2], 19, 61) ^ words[at - 2] >> 6
        words.append((words[at - 16] + low + words[at - 7] + high) & MASK)
    a, b, c, d, e, f, g, h = state
    for word, constant in zip(words, ROUNDS):
        first = h + rotated(e, 14, 18, 41) + (e & f ^ ~e & g & MASK) + constant + word
        second = rotated(a, 28, 34, 39) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (first + second) & MASK, a, b, c, (d + first) & MASK, e, f, g
    return [(old + new) & MASK for old, new in zip(state, (a, b, c, d, e, f, g, h))]


def padded(key):
    """What of a key is hashed first on either side, without the padding that every key has."""
    for pad in (0x36, 0x5C):
        yield bytes(byte ^ pad for byte in key)


def states(key):
    """The inner and the outer state of a key of up to 128 bytes, as a little-endian machine holds them."""
    for block in padded(key.ljust(128, b"\0")):
        yield struct.pack("<8Q", *compress(INITIAL, block))


ABC = b"abc\x80" + bytes(123) + b"\x18"
assert struct.pack(">8Q", *compress(INITIAL, ABC)) == hashlib.sha512(b"abc").digest()

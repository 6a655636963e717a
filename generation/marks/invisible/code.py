"""48 bits into many signs and back: a check of 24 bits, a convolutional code, decoded softly.

The code has rate 1/3 and constraint length 9 (generators 557, 663, 711, octal; the best known of that size by free
distance), ended by eight zeros. Soft decisions are worth 2 dB over a block code that is fed with bits; no kept library
of ours has a soft decoder. Knows no picture: it takes and gives numbers.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

PAYLOAD_BYTES = 6
CHECK_BITS = 24
_MEMORY = 8
_GENERATORS = (0o557, 0o663, 0o711)
_STATES = 1 << _MEMORY
#: Bits of payload, check and tail.
STEPS = 8 * PAYLOAD_BYTES + CHECK_BITS + _MEMORY
#: Signs of one word.
LENGTH = STEPS * len(_GENERATORS)

Signs = NDArray[np.int8]
Soft = NDArray[np.float32]


def _outputs() -> Signs:
    """(states, 2, 3): the signs sent when a bit comes in a state; the state holds the last eight bits, newest high."""
    registers = np.arange(_STATES)[:, None] | (np.arange(2)[None, :] << _MEMORY)
    parity = [[[bin(int(one) & g).count("1") & 1 for g in _GENERATORS] for one in row] for row in registers]
    return np.asarray(1 - 2 * np.array(parity), np.int8)


_OUTPUTS = _outputs()


def check(payload: bytes) -> bytes:
    """The low three bytes of CRC-32; a payload of zeros has a check that is not zero."""
    return (zlib.crc32(payload) & 0xFFFFFF).to_bytes(CHECK_BITS // 8, "big")


def encode(payload: bytes) -> Signs:
    """`LENGTH` signs, -1 or 1, for six bytes."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(payload)} bytes; a mark carries {PAYLOAD_BYTES}")
    bits = np.unpackbits(np.frombuffer(payload + check(payload), np.uint8))
    state, signs = 0, []
    for bit in [*bits.tolist(), *[0] * _MEMORY]:
        signs.append(_OUTPUTS[state, bit])
        state = (state | bit << _MEMORY) >> 1
    return np.concatenate(signs)


def decode(soft: Soft) -> tuple[bytes, bool]:
    """The likeliest payload for `LENGTH` soft values (positive for 1), and whether its check agrees."""
    # Branch gains of every step at once: (steps, states, 2).
    gains = soft.reshape(STEPS, -1) @ _OUTPUTS.reshape(-1, len(_GENERATORS)).T.astype(np.float32)
    gains = gains.reshape(STEPS, _STATES, 2)
    best = np.full(_STATES, -np.inf, np.float32)
    best[0] = 0
    came = np.zeros((STEPS, _STATES), np.uint8)
    # A state's two predecessors differ in their lowest bit, which is shifted out; its own highest bit is what came in.
    for step in range(STEPS):
        totals = (best[:, None] + gains[step]).T.reshape(2, _STATES // 2, 2)  # bit in, upper seven bits, lowest bit
        came[step] = totals.argmax(axis=2).reshape(-1)
        best = totals.max(axis=2).reshape(-1)
    state, bits = 0, []
    for step in reversed(range(STEPS)):
        bits.append(state >> _MEMORY - 1)
        state = (state << 1 & _STATES - 1) | int(came[step, state])
    word = np.packbits(np.array(bits[::-1][: STEPS - _MEMORY], np.uint8)).tobytes()
    payload = word[:PAYLOAD_BYTES]
    return payload, word[PAYLOAD_BYTES:] == check(payload)

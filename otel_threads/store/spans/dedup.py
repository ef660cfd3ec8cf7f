"""Which spans were stored lately, so that a batch of new ones need not be looked up in the file.

To look a batch up costs as much as to insert it. Bloom filters answer most of them: they say yes
of a span that is not there now and then (then the file is asked), and never no of one that is.
"""

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

BITS = 1 << 24  # of a filter, 2 MB: with SPANS_MAX in it, one span of 40,000 is said to be there
SPANS_MAX = 250_000  # then the older filter is dropped
_SHIFTS = np.array([0, 13, 27, 40], dtype=np.uint64)  # four places of each hash
_FACTORS = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0xD6E8FEB86659FD93,
        0xA0761D6478BD642F,
        0xE7037ED1A0B428DB,
    ],
    dtype=np.uint64,
)
_FINAL = np.uint64(0xFF51AFD7ED558CCD)


class RecentSpans:
    """What the one writer of a file has stored of late; for its thread alone."""

    def __init__(self, *, stored_until_unix_nano: int) -> None:
        """Begin with a file whose spans started at the latest at a time."""
        self._known_after = stored_until_unix_nano  # each stored span that starts later is in here
        self._filters = [_Filter(), _Filter()]  # the older, and the one that is filled

    def may_hold(self, hashes: Hashes, first_unix_nano: int) -> bool:
        """Return whether any of some spans, of which the first starts at a time, may be stored."""
        if first_unix_nano <= self._known_after:
            return True
        return any(bloom.may_hold(hashes) for bloom in self._filters)

    def add(self, hashes: Hashes, last_unix_nano: int) -> None:
        """Remember spans, of which the last starts at a time; before they are committed."""
        filled = self._filters[1]
        if filled.count and filled.count + len(hashes) > SPANS_MAX:
            self._known_after = max(self._known_after, self._filters[0].last_unix_nano)
            self._filters = [filled, filled := _Filter()]
        filled.add(hashes, last_unix_nano)


class _Filter:
    def __init__(self) -> None:
        self._bytes = np.zeros(BITS // 8, dtype=np.uint8)
        self.count = 0
        self.last_unix_nano = -1  # the latest start in it

    def may_hold(self, hashes: Hashes) -> bool:
        places, bits = _places(hashes)
        return bool(((self._bytes[places] & bits) != 0).all(axis=1).any())

    def add(self, hashes: Hashes, last_unix_nano: int) -> None:
        places, bits = _places(hashes)
        np.bitwise_or.at(self._bytes, places, bits)
        self.count += len(hashes)
        self.last_unix_nano = max(self.last_unix_nano, last_unix_nano)


def hashes_of(trace_ids: npt.NDArray[np.bytes_], span_ids: npt.NDArray[np.bytes_]) -> Hashes:
    """Return a hash of each span's two ids, given as hex: 32 and 16 bytes each."""
    words = np.hstack(
        [trace_ids.view(np.uint64).reshape(-1, 4), span_ids.view(np.uint64).reshape(-1, 2)]
    )
    words = (words ^ (words >> np.uint64(32))) * _FACTORS  # the last digits are in the highest bits
    mixed: Hashes = (words ^ (words >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(32)
    mixed *= _FINAL
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _places(hashes: Hashes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
    """Return for each hash four bytes and the bit in each."""
    bits = (hashes[:, None] >> _SHIFTS) & np.uint64(BITS - 1)
    return bits >> np.uint64(3), np.uint8(1) << (bits & np.uint64(7)).astype(np.uint8)

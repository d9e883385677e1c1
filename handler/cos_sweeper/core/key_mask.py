"""
What stands for a key in every output: the key itself, or a keyed hash of it (RECORD_KEYS=hash).

Each segment of the path is hashed together with all that is before it. So a hash hides the names, and equal directories
still have equal hashes: `masked(key)` begins with `masked(prefix)` when the key is in the directory `prefix`.
"""

import hashlib
import hmac
import re

# Hexadecimal digits of a hash, for one segment: 64 bits. The odds that two of ten million share one are 1 : 370,000.
HASH_LENGTH = 16
MASKED = re.compile(rf"(?:~[0-9a-f]{{{HASH_LENGTH}}}/)*(?:~[0-9a-f]{{{HASH_LENGTH}}})?")
# Listings are in the order of the keys, so the directories of one page suffice.
MAX_CACHED = 4096
DIGEST_LENGTH = 32


class KeyMask:
    """
    Masks keys and prefixes. secret: None to show them as they are.

    A text that looks like a mask is returned as it is, so that no output is masked twice.
    """

    def __init__(self, secret: str | None = None) -> None:
        # A copy of it costs half of a new one.
        self._hmac = None if secret is None else hmac.new(secret.encode(), digestmod="sha256")
        self._directories: dict[str, str] = {}

    @property
    def is_on(self) -> bool:
        """Whether keys are hashed."""
        return self._hmac is not None

    def key(self, key: str) -> str:
        """The mask of a key."""
        if self._hmac is None or MASKED.fullmatch(key):
            return key
        head, slash, name = key.rpartition("/")
        directory = self._directory(self._hmac, head + slash)
        return f"{directory}~{_hash(self._hmac, key)}" if name else directory

    def prefix(self, prefix: str) -> str:
        """The mask of a prefix. It is a prefix of the masks of all keys under it if it ends with `/`."""
        return self.key(prefix)

    def digest(self, text: str) -> str:
        """A digest of a text that may hold keys: without the secret, no key can be tried on it."""
        if self._hmac is None:
            return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
        return _hash(self._hmac, text, DIGEST_LENGTH)

    def _directory(self, keyed: hmac.HMAC, path: str) -> str:
        """path: '' or ends with '/'."""
        known = self._directories.get(path)
        if known is not None:
            return known
        if len(self._directories) >= MAX_CACHED:
            self._directories.clear()
        # A loop: the key of an event can have a slash for every byte.
        masked, end = "", path.find("/") + 1
        while end:
            inner = path[:end]
            masked = self._directories.get(inner) or f"{masked}~{_hash(keyed, inner)}/"
            end = path.find("/", end) + 1
        self._directories[path] = masked
        return masked


def _hash(keyed: hmac.HMAC, text: str, length: int = HASH_LENGTH) -> str:
    mac = keyed.copy()
    mac.update(text.encode("utf-8", "surrogatepass"))
    return mac.hexdigest()[:length]


PLAIN = KeyMask()

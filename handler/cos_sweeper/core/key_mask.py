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
        self._secret = None if secret is None else secret.encode()
        self._directories: dict[str, str] = {"": ""}

    @property
    def is_on(self) -> bool:
        """Whether keys are hashed."""
        return self._secret is not None

    def key(self, key: str) -> str:
        """The mask of a key."""
        if self._secret is None or MASKED.fullmatch(key):
            return key
        head, slash, name = key.rpartition("/")
        directory = self._directory(head + slash)
        return directory + self._hash(self._secret, key) if name else directory

    def prefix(self, prefix: str) -> str:
        """The mask of a prefix. It is a prefix of the masks of all keys under it if it ends with `/`."""
        return self.key(prefix)

    def digest(self, text: str) -> str:
        """A digest of a text that may hold keys: nobody can try keys on it without the secret."""
        if self._secret is None:
            return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
        return hmac.digest(self._secret, text.encode(), "sha256").hex()[:DIGEST_LENGTH]

    def _directory(self, path: str) -> str:
        """path: '' or ends with '/'."""
        found = self._directories.get(path)
        if found is not None:
            return found
        if len(self._directories) >= MAX_CACHED:
            self._directories = {"": ""}
        # A key has at most 850 bytes, but an event's key can have a slash for every byte: no recursion.
        masked, end = "", -1
        while (start := end + 1) < len(path):
            end = path.index("/", start)
            inner = path[: end + 1]
            known = self._directories.get(inner)
            masked = known if known is not None else f"{masked}{self._hash(self._secret or b'', inner)}/"
            if len(self._directories) < MAX_CACHED:
                self._directories[inner] = masked
        return masked

    @staticmethod
    def _hash(secret: bytes, text: str) -> str:
        return "~" + hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:HASH_LENGTH]


PLAIN = KeyMask()

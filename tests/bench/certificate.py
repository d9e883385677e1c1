"""
A certificate for the responder, of an authority made for the occasion: `ca.pem` and `server.pem` in a folder.
"""

import sys
from pathlib import Path

from tests.bench import load


def main() -> None:
    """Write both into the folder that is named."""
    import trustme

    folder = Path(sys.argv[1])
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued = authority.issue_cert(load.HOST, "127.0.0.1", "localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")


if __name__ == "__main__":
    main()

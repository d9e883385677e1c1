"""Python processes that find this file trust whom the test trusts: the SDK of the API asks certifi alone."""

import contextlib
import os

with contextlib.suppress(ImportError):
    import certifi

    certifi.where = lambda: os.environ["SSL_CERT_FILE"]

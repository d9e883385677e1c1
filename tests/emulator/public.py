"""
All of the emulator that the rest of the project uses. Nothing else in this package is imported from outside it.

Over HTTP: `Cloud` starts an emulator and talks to its control port; `Credentials`, `Seeded`, `HeldUpload`, `Request`,
and `InvocationRecord` are what it returns; `send` signs a request as any COS client does.

In memory: `Account` holds buckets under COS's rules, `plant` seeds uploads as a `Seed` describes, and `MemoryStore` is
the sweeper's store over them.

For servers and oracles of a test's own: COS's documents, orders and dialects as values, and how a request is read and
authenticated.
"""

from tests.emulator import bucket, documents, listing
from tests.emulator.account import Account, BucketsPage
from tests.emulator.bucket import Bucket
from tests.emulator.cam import FULL_ACCESS, read_policy
from tests.emulator.cam import Credentials as StoredCredentials
from tests.emulator.client import Cloud, Credentials, HeldUpload, Seeded
from tests.emulator.console import say
from tests.emulator.dialect import read_dialect, time_writer
from tests.emulator.invocations import InvocationRecord
from tests.emulator.journal import Request
from tests.emulator.listing import Page, Query
from tests.emulator.memory import MemoryStore
from tests.emulator.seeding import Seed, plant
from tests.emulator.signature import authenticate
from tests.emulator.signed import send
from tests.emulator.stored import Part, Parts, PartsPage, StoredObject, Upload
from tests.emulator.wire import read_call

__all__ = [
    "FULL_ACCESS",
    "Account",
    "Bucket",
    "BucketsPage",
    "Cloud",
    "Credentials",
    "HeldUpload",
    "InvocationRecord",
    "MemoryStore",
    "Page",
    "Part",
    "Parts",
    "PartsPage",
    "Query",
    "Request",
    "Seed",
    "Seeded",
    "StoredCredentials",
    "StoredObject",
    "Upload",
    "authenticate",
    "bucket",
    "documents",
    "listing",
    "plant",
    "read_call",
    "read_dialect",
    "read_policy",
    "say",
    "send",
    "time_writer",
]

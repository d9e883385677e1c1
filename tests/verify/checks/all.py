"""
All checks, in the order in which they run: the cheap and telling ones first, the one with most requests last.
"""

from tests.verify.checks import aborts, buckets, engine, forms, keys, listings, permissions, services, signatures
from tests.verify.outcome import Check

CHECKS: tuple[Check, ...] = (
    *buckets.CHECKS,
    *signatures.CHECKS,
    *aborts.CHECKS,
    *listings.CHECKS,
    *forms.CHECKS,
    *keys.CHECKS,
    *engine.CHECKS,
    *permissions.CHECKS,
    *services.CHECKS,
    *listings.LARGE,
)

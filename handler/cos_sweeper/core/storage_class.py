"""
Storage classes as COS names them. Another name may be anything that a server sends, so it is shown as OTHER.
"""

CLASSES = frozenset(
    (
        *("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ARCHIVE", "DEEP_ARCHIVE", "COLD"),
        *("MAZ_STANDARD", "MAZ_STANDARD_IA", "MAZ_INTELLIGENT_TIERING", "MAZ_ARCHIVE", "MAZ_DEEP_ARCHIVE", "MAZ_COLD"),
    )
)
OTHER = "OTHER"


def known(text: str) -> str:
    """The class in capital letters, '' without one. COS writes `Standard` and `STANDARD`."""
    name = text.upper()
    return name if name in CLASSES or not name else OTHER

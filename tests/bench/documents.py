"""
What the responder answers with, as COS words it: documents of a bucket that is told by a count alone.

Pure: takes what was asked, returns bytes. Upload n of N stands on the page that its number says.
"""

from functools import lru_cache
from urllib.parse import quote

from tests.bench import load

PAGE = 1000
HEAD = "<?xml version='1.0' encoding='utf-8' ?>\n"


def first_after(key_marker: str) -> int:
    """The number of the first upload after a marker. Keys are unique, so the upload id marker says nothing more."""
    return load.number_of(key_marker) + 1 if key_marker else 0


@lru_cache(maxsize=256)
def uploads_page(first: int, count: int, encoding: str) -> bytes:
    """A page of List Multipart Uploads, from upload `first` of `count` on. encoding: `url` or nothing."""
    end = min(first + PAGE, count)
    entries = "".join(_upload(load.key(number), encoding) for number in range(first, end))
    last = load.key(end - 1) if end < count else ""
    following = f"<NextKeyMarker>{_key(last, encoding)}</NextKeyMarker>" if last else ""
    following += f"<NextUploadIdMarker>{load.upload_id(last)}</NextUploadIdMarker>" if last else ""
    text = (
        f"{HEAD}<ListMultipartUploadsResult>\n"
        f"\t<Bucket>{load.BUCKET}</Bucket>\n"
        f"\t<Encoding-Type>{encoding}</Encoding-Type>\n"
        f"\t<KeyMarker/>\n\t<UploadIdMarker/>\n\t<MaxUploads>{PAGE}</MaxUploads>\n\t<Prefix/>\n\t<Delimiter/>\n"
        f"\t<IsTruncated>{'true' if last else 'false'}</IsTruncated>\n"
        f"{following}{entries}</ListMultipartUploadsResult>\n"
    )
    return text.encode()


@lru_cache(maxsize=64)
def _parts(after: int, count: int) -> str:
    """The entries of a page of parts, and where it goes on."""
    last = min(after + PAGE, count)
    entries = "".join(
        f"\t<Part>\n\t\t<PartNumber>{number}</PartNumber>\n\t\t<LastModified>{load.STARTED}</LastModified>\n"
        f"\t\t<ETag>&quot;39270a968a357d24207e9911{number:08x}&quot;</ETag>\n\t\t<Size>5242880</Size>\n\t</Part>\n"
        for number in range(after + 1, last + 1)
    )
    return (
        f"\t<PartNumberMarker>{after}</PartNumberMarker>\n\t<NextPartNumberMarker>{last}</NextPartNumberMarker>\n"
        f"\t<StorageClass>STANDARD</StorageClass>\n\t<MaxParts>{PAGE}</MaxParts>\n"
        f"\t<IsTruncated>{'true' if last < count else 'false'}</IsTruncated>\n{entries}"
    )


def parts(of_key: str, upload_id: str, after: int = 0, count: int = 1) -> bytes:
    """A page of List Parts of an upload that has so many, as old as itself."""
    text = (
        f"{HEAD}<ListPartsResult>\n"
        f"\t<Bucket>{load.BUCKET}</Bucket>\n\t<Encoding-type>url</Encoding-type>\n"
        f"\t<Key>{of_key}</Key>\n\t<UploadId>{upload_id}</UploadId>\n{_people()}"
        f"{_parts(after, count)}</ListPartsResult>\n"
    )
    return text.encode()


def _upload(key: str, encoding: str) -> str:
    return (
        f"\t<Upload>\n\t\t<Key>{_key(key, encoding)}</Key>\n\t\t<UploadId>{load.upload_id(key)}</UploadId>\n{_people()}"
        f"\t\t<StorageClass>STANDARD</StorageClass>\n\t\t<Initiated>{load.STARTED}</Initiated>\n\t</Upload>\n"
    )


def _people() -> str:
    return "".join(
        f"\t\t<{role}>\n\t\t\t<ID>{uin}</ID>\n\t\t\t<DisplayName>{uin[-12:]}</DisplayName>\n\t\t</{role}>\n"
        for role, uin in (("Initiator", load.INITIATOR), ("Owner", load.ACCOUNT))
    )


def _key(key: str, encoding: str) -> str:
    return quote(key, safe="") if encoding == "url" else key

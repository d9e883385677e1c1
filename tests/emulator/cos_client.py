"""
What a test or a script can ask of the emulated COS beyond seeds and faults; the connection is in `client`.

The standard library only. A reset takes all of it back.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tests.emulator.control_calls import ControlCalls


@dataclass(frozen=True, slots=True)
class Arrival:
    """A part that arrived at an upload."""

    key: str
    upload_id: str
    number: int
    size: int
    time: datetime


class CosCalls(ControlCalls):
    """COS's part of a running cloud: what other clients do to uploads, and how COS behaves from now on."""

    def upload_part(
        self, bucket: str, key: str, upload_id: str, number: int | None = None, *, size: int = 1 << 20
    ) -> int:
        """Let a part arrive at an upload now, under the next free number unless one is given; returns its number."""
        payload = self._ask(
            "POST", "/uploads/part", {**_upload(bucket, key, upload_id), "number": number, "size": size}
        )
        arrived: int = payload["number"]
        return arrived

    def arrivals(self, bucket: str) -> list[Arrival]:
        """
        The parts that arrived: those that uploads hold, and the latest 10,000 that came since the last reset.

        Among the latter are parts that others replaced, and those of uploads that are gone. Seeds count as held only.
        """
        listed = self._ask("GET", "/uploads/arrivals", query={"bucket": bucket})["arrivals"]
        return [Arrival(**{**each, "time": datetime.fromisoformat(each["time"])}) for each in listed]

    def keep_bodies(self, *, on: bool = True) -> None:
        """Let the journal keep the responses' texts of List Multipart Uploads and List Parts until a reset."""
        self._ask("POST", "/journal", {"bodies": on})

    def complete(self, bucket: str, key: str, upload_id: str) -> None:
        """Complete an upload with all its parts, whatever their sizes."""
        self._ask("POST", "/uploads/complete", _upload(bucket, key, upload_id))

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """Abort an upload as another client does, without a request that the journal shows."""
        self._ask("POST", "/uploads/abort", _upload(bucket, key, upload_id))

    def ghost(self, bucket: str, key: str, upload_id: str, listings: int | None = None) -> None:
        """
        Let an upload be gone for every operation (404 NoSuchUpload) while ListMultipartUploads still shows it.

        listings: how many responses still show it; without it, for ever. `uploads` and `totals` leave ghosts out;
        `ghosts` returns those that are still listed.
        """
        self._ask("POST", "/uploads/ghost", {**_upload(bucket, key, upload_id), "listings": listings})

    def forget(self, bucket: str, key: str, upload_id: str, listings: int | None = None) -> None:
        """
        Let ListMultipartUploads leave an upload out that is there for every other operation.

        listings: how many pages on which it would stand leave it out; without it, for ever.
        """
        self._ask("POST", "/uploads/forget", {**_upload(bucket, key, upload_id), "listings": listings})

    def freeze(self, bucket: str, listings: int | None = None, *, on: bool = True) -> None:
        """
        Let ListMultipartUploads show a bucket as it is now, whatever happens to its uploads. `on=False` ends that.

        listings: how many responses are of this moment; without it, all. With the clock moved forward, the listing is
        as old as that.
        """
        self._ask("POST", "/buckets/freeze", {"bucket": bucket, "listings": listings, "on": on})

    def begin_complete(self, bucket: str, key: str, upload_id: str, aborts: Literal["204", "409"] = "204") -> None:
        """
        Let a Complete of an upload be under way: it is listed, and so are its parts, but it cannot be aborted.

        aborts: what an abort is answered: 204 without effect, or 409 UploadConflict.
        """
        self._ask("POST", "/uploads/begin-complete", {**_upload(bucket, key, upload_id), "aborts": aborts})

    def finish_complete(self, bucket: str, key: str, upload_id: str) -> None:
        """End a Complete that is under way: the upload is an object with all its parts, and gone."""
        self._ask("POST", "/uploads/finish-complete", _upload(bucket, key, upload_id))

    def content(self, bucket: str, key: str) -> bytes:
        """The content of an object whose content was kept, such as a report, without a request in the journal."""
        return b64decode(self._ask("GET", "/object", query={"bucket": bucket, "key": key})["content"])

    def delete_bucket(self, bucket: str) -> None:
        """Delete a bucket with everything in it."""
        self._ask("POST", "/buckets/delete", {"bucket": bucket})

    def throttle(
        self,
        bucket: str,
        requests_per_second: float | None,
        burst: float | None = None,
        *,
        status: int = 503,
        code: str = "SlowDown",
    ) -> None:
        """
        Reject what a bucket gets beyond so many requests a second of real time; `None` ends that.

        burst: how many it takes at once after a pause; without it, as many as in one second, and at least one. A
        request that is refused uses nothing up. status, code: of the answer to it.
        """
        self._ask(
            "POST",
            "/buckets/throttle",
            {
                "bucket": bucket,
                "requests_per_second": requests_per_second,
                "burst": burst,
                "status": status,
                "code": code,
            },
        )

    def hang(self, bucket: str, *, on: bool = True) -> None:
        """
        Let a bucket answer nothing: a request gets no response until its client leaves. `on=False` ends that.

        The journal shows such a request as soon as it comes, without a status, its fault being "hang".
        """
        self._ask("POST", "/buckets/hang", {"bucket": bucket, "on": on})

    def gone_markers(self, how: Literal["accept", "refuse", "refuse_without_uploads", "restart_key"]) -> None:
        """
        Say what ListMultipartUploads does with an upload-id-marker whose upload is not there any more.

        accept (the default): it goes on after that place. refuse: 400 InvalidArgument. refuse_without_uploads: 400 only
        where no upload of that key is left. restart_key: it lists the uploads of that key from the first one.
        """
        self._ask("POST", "/gone-markers", {"how": how})

    def lifecycle_checks(self, *, on: bool) -> None:
        """Let Put Bucket Lifecycle reject what COS's documentation does not know, or take whatever has a rule."""
        self._ask("POST", "/lifecycle-checks", {"on": on})

    def dialect(self, **fields: Any) -> None:
        """
        Say how COS writes its responses from now on, in place of what was said before; without fields, its own way.

        initiated, last_modified: a text such as "" or "yesterday", or an object with `format` (as `strftime` has it;
        `%f` is the fraction, `%:z` an offset like +08:00), `zone_hours` (default 0: UTC), `fraction_digits` (3).

        encoding: how keys, prefixes and markers are written where a request asks for `encoding-type=url`: "once" (as
        COS does), "once_unannounced" (without the Encoding-Type element), "plain" (as they are, without that element),
        "plain_announced" (with it), "twice", or "plus" (a space becomes `+`). next_key_marker, next_upload_id_marker:
        one of these, or "same" as keys; without it "same" for the key, "plain" for the id.

        garbage: a list of what a client must not mind. "control_characters", "control_references", "invalid_utf8": at
        the end of echoed Prefix, Delimiter and markers and of DisplayName. "unknown_elements": beside the known ones.
        "initiator_without_id". "max_uploads": MaxUploads and MaxParts are "abc". "namespace": the root has one. "bare":
        nothing that a client does not need (Bucket, Key, UploadId, IsTruncated, times and next markers stay).
        """
        self._ask("POST", "/dialect", fields)


def _upload(bucket: str, key: str, upload_id: str) -> dict[str, Any]:
    return {"bucket": bucket, "key": key, "upload_id": upload_id}

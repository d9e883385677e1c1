"""
What the control door adds for COS: what another client does to an upload, and how COS behaves from now on.

For tests and people only. Nothing of COS's rules is here. A reset takes all of it back.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from tests.emulator.bucket import ABORTS_WHILE_COMPLETING, Bucket
from tests.emulator.dialect import read_dialect
from tests.emulator.errors import CosError, slow_down
from tests.emulator.fields import BadInput, Fields
from tests.emulator.limits import Rate
from tests.emulator.sightings import GONE_MARKERS
from tests.emulator.state import State

TOO_MANY = slow_down().message


class CosControl:
    """Answers the control door's requests about uploads and COS's behaviour."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.answers: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("POST", "/uploads/part"): self._receive_part,
            ("GET", "/uploads/arrivals"): self._show_arrivals,
            ("POST", "/journal"): self._set_journal,
            ("POST", "/uploads/complete"): self._complete,
            ("POST", "/uploads/abort"): self._abort,
            ("POST", "/uploads/ghost"): self._ghost,
            ("POST", "/uploads/forget"): self._forget,
            ("POST", "/buckets/freeze"): self._freeze,
            ("POST", "/uploads/begin-complete"): self._begin_complete,
            ("POST", "/uploads/finish-complete"): self._finish_complete,
            ("GET", "/object"): self._show_content,
            ("POST", "/buckets/delete"): self._delete_bucket,
            ("POST", "/buckets/throttle"): self._throttle,
            ("POST", "/buckets/hang"): self._hang,
            ("POST", "/gone-markers"): self._set_gone_markers,
            ("POST", "/lifecycle-checks"): self._set_lifecycle_checks,
            ("POST", "/dialect"): self._set_dialect,
        }

    def _receive_part(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "part")
        bucket, key, upload_id = self._upload(fields)
        number, size = fields.whole("number", minimum=1), fields.whole("size")
        fields.reject_unknown()
        part = bucket.receive_part(
            key, upload_id, number, size=1 << 20 if size is None else size, now=self._state.clock.now()
        )
        return {"number": part.number}

    def _show_arrivals(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "arrivals")
        bucket = self._state.account.bucket(fields.required("bucket"))
        fields.reject_unknown()
        held = ((each.key, each.upload_id, part) for each in bucket.uploads for part in each.parts.by_number.values())
        found = dict.fromkeys((*held, *bucket.arrivals))
        return {
            "arrivals": [
                {
                    "key": key,
                    "upload_id": upload_id,
                    "number": part.number,
                    "size": part.size,
                    "time": part.last_modified.isoformat(),
                }
                for key, upload_id, part in found
            ]
        }

    def _set_journal(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "journal")
        self._state.journal.keep_bodies = fields.flag("bodies")
        fields.reject_unknown()
        return {}

    def _complete(self, given: Any) -> dict[str, Any]:
        bucket, key, upload_id = self._only_upload(given, "complete")
        bucket.complete_all(key, upload_id, now=self._state.clock.now())
        return {}

    def _abort(self, given: Any) -> dict[str, Any]:
        bucket, key, upload_id = self._only_upload(given, "abort")
        bucket.abort(key, upload_id)
        return {}

    def _ghost(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "ghost")
        bucket, key, upload_id = self._upload(fields)
        listings = fields.whole("listings", minimum=1)
        fields.reject_unknown()
        bucket.make_ghost(key, upload_id, listings)
        return {}

    def _forget(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "forget")
        bucket, key, upload_id = self._upload(fields)
        listings = fields.whole("listings", minimum=1)
        fields.reject_unknown()
        bucket.sightings.forget(bucket.upload(key, upload_id), listings)
        return {}

    def _freeze(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "freeze")
        bucket = self._state.account.bucket(fields.required("bucket"))
        listings, on = fields.whole("listings", minimum=1), fields.value("on") is not False
        fields.flag("on")
        fields.reject_unknown()
        bucket.sightings.freeze(listings) if on else bucket.sightings.thaw()
        return {}

    def _begin_complete(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "begin complete")
        bucket, key, upload_id = self._upload(fields)
        aborts = fields.choice("aborts", *ABORTS_WHILE_COMPLETING) or "204"
        fields.reject_unknown()
        bucket.begin_complete(key, upload_id, aborts)
        return {}

    def _finish_complete(self, given: Any) -> dict[str, Any]:
        bucket, key, upload_id = self._only_upload(given, "finish complete")
        bucket.finish_complete(key, upload_id, now=self._state.clock.now())
        return {}

    def _show_content(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "object")
        stored = self._state.account.bucket(fields.required("bucket")).get_object(fields.required("key"))
        fields.reject_unknown()
        if stored.content is None:
            raise BadInput(f"only the size of the object is known, {stored.size} bytes, not its content")
        return {"content": b64encode(stored.content[:]).decode()}

    def _delete_bucket(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "bucket")
        name = self._state.account.bucket(fields.required("bucket")).name
        fields.reject_unknown()
        del self._state.account.buckets[name]
        return {}

    def _throttle(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "throttle")
        name = self._state.account.bucket(fields.required("bucket")).name
        per_second = fields.number("requests_per_second", minimum=0)
        burst = fields.number("burst", minimum=1)
        status = fields.whole("status", minimum=400, maximum=999) or 503
        error = CosError(status, fields.text("code") or "SlowDown", TOO_MANY)
        fields.reject_unknown()
        default_burst = max(per_second or 0, 1)
        rate = None if per_second is None else Rate(per_second, default_burst if burst is None else burst, error)
        self._state.limits.throttle(name, rate)
        return {}

    def _hang(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "hang")
        name, on = self._state.account.bucket(fields.required("bucket")).name, fields.flag("on")
        fields.reject_unknown()
        self._state.limits.hang(name, on=on)
        return {}

    def _set_gone_markers(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "gone markers")
        how = fields.choice("how", *GONE_MARKERS) or "accept"
        fields.reject_unknown()
        self._state.account.gone_markers = how
        return {}

    def _set_lifecycle_checks(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "lifecycle checks")
        on = fields.flag("on")
        fields.reject_unknown()
        self._state.account.checks_lifecycle = on
        return {}

    def _set_dialect(self, given: Any) -> dict[str, Any]:
        self._state.account.dialect = read_dialect(given)
        return {}

    def _only_upload(self, given: Any, label: str) -> tuple[Bucket, str, str]:
        fields = Fields(given, label)
        upload = self._upload(fields)
        fields.reject_unknown()
        return upload

    def _upload(self, fields: Fields) -> tuple[Bucket, str, str]:
        bucket = self._state.account.bucket(fields.required("bucket"))
        return bucket, fields.required("key"), fields.required("upload_id")

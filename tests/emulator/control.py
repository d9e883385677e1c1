"""
The control door: HTTP and JSON, to move the clock, seed uploads, inject faults and read what is stored.

For tests and people only; it knows no signatures. Nothing of COS's rules is here.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from aiohttp import web

from tests.emulator.api import Api
from tests.emulator.api_control import ApiControl
from tests.emulator.bucket import Bucket
from tests.emulator.cam import ACCOUNT_UIN, FULL_ACCESS, BadPolicy, Credentials, read_policy
from tests.emulator.cos_control import CosControl
from tests.emulator.errors import CosError
from tests.emulator.faults import read_fault
from tests.emulator.fields import BadInput, Fields
from tests.emulator.journal import Request
from tests.emulator.listing import Query, page
from tests.emulator.scf import Scf
from tests.emulator.scf_control import ScfControl
from tests.emulator.seeding import plant, read_seed
from tests.emulator.state import State, make_credentials
from tests.emulator.stored import StoredObject, Upload
from tests.emulator.wire import read_call, whole_number

FIRST_YEAR, LAST_YEAR = 1971, 9000
MAX_SHOWN = 100_000
MAX_SEEDED_SHOWN = 1000


class Control:
    """Answers the control door's requests out of a state."""

    def __init__(self, state: State, api: Api, scf: Scf | None = None) -> None:
        self._api = api
        self._state = state
        self._scf = scf
        self._answers: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("POST", "/clock"): self._set_clock,
            ("GET", "/clock"): lambda _: self._clock(),
            ("POST", "/seed"): self._seed,
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/state"): self._show_state,
            ("GET", "/requests"): self._show_requests,
            ("POST", "/credentials"): self._add_credentials,
            ("GET", "/credentials"): self._show_credentials,
            ("POST", "/role"): self._set_role_policy,
            ("POST", "/reset"): self._reset,
            **CosControl(state).answers,
            **ApiControl(api).answers,
            **(ScfControl(scf).answers if scf else {}),
        }
        for faults in (state.faults, scf.faults) if scf else (state.faults,):
            faults.apply_effect = self._apply_effect

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; a wrong one gets 400, 404 or 405 with the reason."""
        answer = self._answers.get((request.method, request.path))
        if answer is None:
            known = ", ".join(f"{method} {path}" for method, path in self._answers)
            return _json({"error": f"no {request.method} {request.path} here; there is {known}"}, 404)
        try:
            payload = answer(await _given(request))
            return _json(await payload if inspect.isawaitable(payload) else payload)
        except (BadInput, BadPolicy) as wrong:
            return _json({"error": str(wrong)}, 400)
        except CosError as rejected:
            return _json({"error": rejected.message, "code": rejected.code}, 400)
        except OverflowError:
            return _json({"error": "a number is too large for what is computed of it"}, 400)

    def _clock(self) -> dict[str, Any]:
        clock = self._state.clock
        return {"now": clock.now().isoformat(), "offset_seconds": clock.offset.total_seconds()}

    def _set_clock(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "clock")
        offset, advance = fields.number("offset_seconds"), fields.number("advance_seconds")
        now = fields.text("now")
        fields.reject_unknown()
        if sum(each is not None for each in (offset, advance, now)) != 1:
            raise BadInput("clock: give one of 'offset_seconds', 'advance_seconds' and 'now'")
        clock = self._state.clock
        if now is not None:
            wanted = clock.offset + (read_moment(now) - clock.now())
        elif advance is not None:
            wanted = clock.offset + timedelta(seconds=advance)
        else:
            wanted = timedelta(seconds=offset or 0)
        if not FIRST_YEAR <= (clock.now() - clock.offset + wanted).year <= LAST_YEAR:
            raise BadInput(f"clock: the year must be from {FIRST_YEAR} to {LAST_YEAR}")
        clock.offset = wanted
        return self._clock()

    def _seed(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "seed")
        bucket = self._state.account.bucket(fields.required("bucket"))
        seed = read_seed(fields, self._state.clock.now())
        planted = plant(bucket, seed)
        shown = [{"key": each.key, "upload_id": each.upload_id} for each in planted[:MAX_SEEDED_SHOWN]]
        return {"seeded": len(planted), "uploads": shown}

    def _add_faults(self, given: Any) -> dict[str, Any]:
        if isinstance(given, dict) and "seed" in given:
            fields = Fields(given, "faults")
            seed, given = fields.whole("seed"), fields.value("faults") or []
            fields.reject_unknown()
            self._state.faults.seed(seed or 0)
        faults = [read_fault(each) for each in (given if isinstance(given, list) else [given])]
        if self._scf is None and any(fault.blow == "kill" for fault in faults):
            raise BadInput("a fault: without a function there is no instance to kill")
        return {"ids": [self._state.faults.add(fault) for fault in faults]}

    def _clear_faults(self, _: Any) -> dict[str, Any]:
        self._state.faults.clear()
        self._api.faults.clear()
        if self._scf is not None:
            self._scf.faults.clear()
        return {}

    def _apply_effect(self, blow: str) -> None:
        """Carry out a fault's blow. What expired comes back with the next reset."""
        if blow == "kill" and self._scf is not None:
            self._scf.dispatcher.kill(None)
        if blow == "expire":
            now = self._state.clock.now()
            for each in self._state.all_credentials():
                if each.expires is not None:
                    self._state.add_credentials(replace(each, expires=min(each.expires, now)))

    def _show_state(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "state")
        name, prefix, limit = fields.text("bucket"), fields.text("prefix") or "", _digits(fields, "limit", MAX_SHOWN)
        fields.reject_unknown()
        if name is None:
            buckets = {each.name: _totals(each) for each in self._state.account.buckets.values()}
            return {"buckets": buckets, "operations": dict(self._state.journal.counts)}
        bucket = self._state.account.bucket(name)
        query = Query(prefix=prefix, limit=limit)
        return {
            **_totals(bucket),
            "uploads": [_show_upload(each) for each in page(bucket.uploads, query).entries],
            "ghosts": [_show_upload(each.upload) for each in page(bucket.sightings.ghosts, query).entries],
            "objects": [_show_object(each) for each in page(bucket.objects, query).entries],
        }

    def _show_requests(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "requests")
        since = _digits(fields, "since", 0)
        limit = _digits(fields, "limit", MAX_SHOWN)
        fields.reject_unknown()
        shown = self._state.journal.since(since)[:limit]
        following = shown[-1].number + 1 if shown else self._state.journal.next_number
        return {"requests": [_show_request(each) for each in shown], "next": following}

    def _add_credentials(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "credentials")
        lifetime, policy = fields.number("expires_in_seconds"), fields.value("policy")
        credentials = make_credentials(
            read_policy(FULL_ACCESS if policy is None else policy),
            secret_id=fields.text("secret_id"),
            secret_key=fields.text("secret_key"),
            token=fields.text("token"),
            expires=None if lifetime is None else self._state.clock.now() + timedelta(seconds=lifetime),
            uin=fields.text("uin") or ACCOUNT_UIN,
        )
        fields.reject_unknown()
        self._state.add_credentials(credentials)
        return show_credentials(credentials)

    def _show_credentials(self, given: Any) -> dict[str, Any]:
        Fields(given, "credentials").reject_unknown()
        return {"credentials": [show_credentials(each) for each in self._state.all_credentials()]}

    def _set_role_policy(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "role")
        policy = fields.value("policy")
        fields.reject_unknown()
        self._state.set_role_policy(read_policy(policy))
        return {}

    async def _reset(self, given: Any) -> dict[str, Any]:
        fields = Fields(given, "reset")
        buckets = fields.texts("buckets")
        fields.reject_unknown()
        if self._scf is not None:
            await self._scf.reset()
        self._state.reset(buckets)
        self._api.reset()
        return {"buckets": [f"{each.name}@{each.region}" for each in self._state.account.buckets.values()]}


def read_moment(text: str) -> datetime:
    """An ISO 8601 time with its offset from UTC."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError:
        raise BadInput(f"{text!r} is not a time like 2026-03-04T10:01:33+00:00") from None
    if moment.tzinfo is None:
        raise BadInput(f"{text!r} has no offset from UTC, like +00:00 or Z at its end")
    return moment.astimezone(timezone.utc)


def show_credentials(credentials: Credentials) -> dict[str, Any]:
    """Credentials with their secrets: this is an emulator, and they open nothing else."""
    return {
        "secret_id": credentials.secret_id,
        "secret_key": credentials.secret_key,
        "token": credentials.token,
        "expires": credentials.expires.isoformat() if credentials.expires else None,
        "policy": credentials.policy.document,
    }


async def _given(request: web.BaseRequest) -> Any:
    """What is asked for: the query of a GET, the JSON of anything else."""
    if request.method == "GET":
        return dict(read_call(request.method, request.raw_path, ()).query)
    return _read_json(b"".join([received async for received in request.content.iter_any()]))


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except ValueError as wrong:
        raise BadInput(f"the body is not JSON: {wrong}") from None
    except RecursionError:
        raise BadInput("the body is nested too deeply") from None


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(value).encode() + b"\n", content_type="application/json")


def _digits(fields: Fields, name: str, default: int) -> int:
    """A whole number out of a query, where every value is text."""
    value = fields.text(name)
    number = default if value is None else whole_number(value)
    if number is None:
        raise BadInput(f"{name!r} must be a whole number, not {value!r}")
    return number


def _totals(bucket: Bucket) -> dict[str, Any]:
    return {
        "region": bucket.region,
        "upload_count": len(bucket.uploads),
        "upload_bytes": sum(each.parts.bytes for each in bucket.uploads),
        "orphan_count": len(bucket.orphans),
        "orphan_bytes": sum(each.size for each in bucket.orphans),
        "object_count": len(bucket.objects),
        "object_bytes": sum(each.size for each in bucket.objects),
    }


def _show_upload(upload: Upload) -> dict[str, Any]:
    last_part = upload.parts.last_modified
    return {
        "key": upload.key,
        "upload_id": upload.upload_id,
        "parts": len(upload.parts.by_number),
        "bytes": upload.parts.bytes,
        "initiated": upload.initiated.isoformat(),
        "last_part": last_part.isoformat() if last_part else None,
        "initiator": upload.initiator,
        "storage_class": upload.storage_class,
    }


def _show_request(request: Request) -> dict[str, Any]:
    return {**asdict(request), "time": request.time.isoformat(), "arrived": request.arrived.isoformat()}


def _show_object(stored: StoredObject) -> dict[str, Any]:
    return {"key": stored.key, "size": stored.size, "etag": stored.etag}

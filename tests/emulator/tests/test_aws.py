import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.aws import Unchunker, is_aws_signed, is_chunked
from tests.emulator.wire import read_call


def framed(chunks: list[bytes], trailer: bytes) -> bytes:
    heads = (b"%x;chunk-signature=0123\r\n" % len(chunk) for chunk in chunks)
    return b"".join(head + chunk + b"\r\n" for head, chunk in zip(heads, chunks, strict=True)) + b"0\r\n" + trailer


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    trailer=st.sampled_from([b"\r\n", b"x-amz-checksum-crc32:AAAA\r\n\r\n"]),
    step=st.integers(1, 50),
)
def test_framing_comes_off_however_the_bytes_arrive(chunks: list[bytes], trailer: bytes, step: int) -> None:
    sent = framed(chunks, trailer)
    unchunker = Unchunker()

    content = b"".join(unchunker.feed(sent[at : at + step]) for at in range(0, len(sent), step))

    assert content == b"".join(chunks)


@pytest.mark.parametrize(
    ("target", "authorization", "known"),
    [
        pytest.param("/a", "AWS4-HMAC-SHA256 Credential=x", True, id="version 4"),
        pytest.param("/a", "AWS x:y", True, id="version 2"),
        pytest.param("/a?X-Amz-Signature=x", "", True, id="presigned"),
        pytest.param("/a?AWSAccessKeyId=x&Signature=y", "", True, id="presigned in version 2"),
        pytest.param("/a", "q-sign-algorithm=sha1&q-ak=AWS", False, id="COS's own"),
        pytest.param("/a", "", False, id="none"),
    ],
)
def test_aws_signatures_are_recognised(target: str, authorization: str, *, known: bool) -> None:
    assert is_aws_signed(read_call("GET", target, [("Authorization", authorization)])) is known


@pytest.mark.parametrize(
    ("header", "value"),
    [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), ("Content-Encoding", "gzip,aws-chunked")],
)
def test_chunked_bodies_are_recognised(header: str, value: str) -> None:
    assert is_chunked(read_call("PUT", "/a", [(header, value)]))
    assert not is_chunked(read_call("PUT", "/a", []))

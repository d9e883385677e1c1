"""
The signature is COS's: its documented vector, and the SDK's.
"""

from cos_sweeper.core.settings import Credentials
from tests.verify.signing import Request, authorization

UPLOAD_ID = "1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361"


def test_signature_is_that_of_the_sdk() -> None:
    request = Request(
        "DELETE",
        "/dir/中文 a+b%/x?.bin",
        {"uploadId": UPLOAD_ID},
        {
            "host": "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com",
            "content-length": "0",
            "x-cos-security-token": "tokenExample",
        },
    )

    made = authorization(request, Credentials("AKIDEXAMPLE", "secretExampleKey", ""), 1699999940, 1700010000)

    assert made.endswith("q-signature=1a16d3e340ed2dc24ffe7975bc852952be18425d")
    assert "q-header-list=content-length;host;x-cos-security-token&q-url-param-list=uploadid" in made

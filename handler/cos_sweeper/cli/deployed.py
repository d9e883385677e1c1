"""
The deployed function, as SCF describes it: its time limit and its memory. One read request, GetFunction.
"""

from dataclasses import dataclass

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416.models import GetFunctionRequest
from tencentcloud.scf.v20180416.scf_client import ScfClient

from cos_sweeper.cli.problems import Misused
from cos_sweeper.cli.session import Session
from cos_sweeper.cli.words import t
from cos_sweeper.net.sdk_bridge import run_in_greenlet
from cos_sweeper.scf.invoker import HttpAdapter

REQUEST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Deployed:
    """seconds: its time limit; memory_mb: its memory; runtime: such as Python3.10; environment: names of variables."""

    seconds: int
    memory_mb: int
    runtime: str
    environment: frozenset[str]


@dataclass(frozen=True, slots=True)
class Name:
    """A function. region: such as ap-guangzhou."""

    region: str
    namespace: str
    name: str


def name_of(text: str) -> Name:
    """`REGION/NAME` or `REGION/NAMESPACE/NAME`. Raises Misused."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise Misused(t("{text} is no function.", text=text), t("Write REGION/NAME, such as ap-guangzhou/cos-sweeper."))
    return Name(parts[0], parts[1] if len(parts) == 3 else "default", parts[-1])


async def describe(session: Session, name: Name) -> Deployed | str:
    """What SCF says of it, or the code of its error."""
    port = session.config.settings_of_all.invoke_port
    http = HttpAdapter(port, lambda: REQUEST_SECONDS, REQUEST_SECONDS, session.connections_to(port))
    client = _client(session, name.region, port)
    client.request = http
    request = GetFunctionRequest()
    request.FunctionName, request.Namespace, request.ShowCode = name.name, name.namespace, "FALSE"
    try:
        found = await run_in_greenlet(lambda: client.GetFunction(request))
    except TencentCloudSDKException as exc:
        return str(exc.code) or "Unknown"
    finally:
        http.close()
    variables = found.Environment.Variables if found.Environment else []
    return Deployed(
        int(found.Timeout or 0),
        int(found.MemorySize or 0),
        str(found.Runtime or ""),
        frozenset(str(one.Key) for one in variables or []),
    )


def _client(session: Session, region: str, port: int | None) -> ScfClient:
    given = session.credentials
    http = HttpProfile(reqTimeout=REQUEST_SECONDS)
    if port is not None:
        http = HttpProfile(protocol="http", endpoint=f"127.0.0.1:{port}", reqTimeout=REQUEST_SECONDS)
    credential = Credential(given.secret_id, given.secret_key, given.token)
    return ScfClient(credential, region, ClientProfile(httpProfile=http))

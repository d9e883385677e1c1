"""
Reports unfinished uploads by invoking the function: FUNCTION_REGION and FUNCTION_NAME say which.

The keys need `scf:InvokeFunction` on that one function. SCF queues the event, and repeats it when the function fails.
"""

import json
import os

from tencentcloud.common.credential import EnvironmentVariableCredential
from tencentcloud.scf.v20180416 import models
from tencentcloud.scf.v20180416.scf_client import ScfClient


def send(uploads):
    """Send one event that names these uploads. Returns when SCF has accepted it; raises when it has not."""
    client = ScfClient(EnvironmentVariableCredential().get_credential(), os.environ["FUNCTION_REGION"])
    request = models.InvokeRequest()
    request.FunctionName = os.environ.get("FUNCTION_NAME", "cos-sweeper")
    request.InvocationType = "Event"
    request.ClientContext = json.dumps({"uploads": uploads})
    client.Invoke(request)

#!/usr/bin/env bash
# Reports one unfinished upload by invoking the function with tccli: bash send_by_invoke.sh BUCKET KEY UPLOAD_ID
# The keys need scf:InvokeFunction on that one function. tccli reads them from TENCENTCLOUD_SECRET_ID and _KEY.
set -euo pipefail

text() { printf %s "$1" | sed 's/[\\"]/\\&/g'; } # as JSON has it; upload.sh rejects control characters

event="{\"bucket\": \"$1\", \"key\": \"$(text "$2")\", \"uploadId\": \"$(text "$3")\"}"
tccli scf Invoke --region "$FUNCTION_REGION" --FunctionName "${FUNCTION_NAME:-cos-sweeper}" --InvocationType Event \
    --ClientContext "$event"

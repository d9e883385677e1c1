#!/usr/bin/env bash
# Reports one unfinished upload to the Function URL in FUNCTION_URL: bash send_by_function_url.sh BUCKET KEY UPLOAD_ID
# For servers only: who has HTTP_TOKEN can have any upload aborted that the function's settings allow.
set -euo pipefail

text() { printf %s "$1" | sed 's/[\\"]/\\&/g'; } # as JSON has it; upload.sh rejects control characters

event="{\"bucket\": \"$1\", \"key\": \"$(text "$2")\", \"uploadId\": \"$(text "$3")\"}"
curl --fail --silent --show-error --retry 3 --header @- --data-binary "$event" "$FUNCTION_URL" <<END
Authorization: Bearer $HTTP_TOKEN
Content-Type: application/json
END

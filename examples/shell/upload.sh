#!/usr/bin/env bash
# Uploads a file in parts with curl, and reports its upload when it gives up, also after Ctrl-C or SIGTERM.
#
#     SEND_BY=function_url bash upload.sh BUCKET REGION KEY FILE    # or SEND_BY=invoke
#
# It starts the upload itself, so it knows the id; it never continues an earlier one. So when it ends, nobody else has
# a use for what it leaves. Do NOT report from a script that runs a client that continues, such as coscmd, again.
set -euo pipefail
bucket=$1 host=$1.cos.$2.myqcloud.com key=$3 file=$4 size=${PART_BYTES:-16777216}
case $key in *[[:cntrl:]]*) exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cos.sh"

id= part=$(mktemp)
end() {
    rm -f "$part"
    [ -z "$id" ] || bash "$here/send_by_${SEND_BY:-function_url}.sh" "$bucket" "$key" "$id"
}
trap end EXIT

id=$(cos POST uploads= | sed -n 's/.*<UploadId>\(.*\)<.UploadId>.*/\1/p')
list=
for ((number = 1; (number - 1) * size < $(wc -c <"$file"); number++)); do
    tail -c "+$(((number - 1) * size + 1))" "$file" | head -c "$size" >"$part" || [ $? = 141 ] # head has enough
    etag=$(cos PUT "partNumber=$number&uploadId=$id" --dump-header - --output /dev/null --data-binary "@$part" |
        tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p')
    list+="<Part><PartNumber>$number</PartNumber><ETag>$etag</ETag></Part>"
done
cos POST "uploadId=$id" --data "<CompleteMultipartUpload>$list</CompleteMultipartUpload>" | grep '<ETag>'
id= # it is complete: nothing is left to report

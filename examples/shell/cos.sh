# Signed requests to COS with bash, curl and coreutils; `. cos.sh` after $host and $key are set.
# No secret is an argument of a program, where every user of the machine could read it.

path=$(printf '/%s' "$key" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g; s/%2f/\//g')

hmac() { # KEY: the HMAC-SHA1 of the input, in hex
    local at byte inner='' outer=''
    for ((at = 0; at < 64; at++)); do
        printf -v byte %d "'${1:at:1}"
        printf -v inner '%s\\x%02x' "$inner" $((byte ^ 0x36))
        printf -v outer '%s\\x%02x' "$outer" $((byte ^ 0x5c))
    done
    inner=$({ printf "$inner" && cat; } | digest | sed 's/../\\x&/g')
    printf "$outer$inner" | digest
}

digest() { sha1sum | cut -c -40; }

cos() { # METHOD QUERY [OPTIONS OF CURL]: one request, repeated by curl where that may help
    local query=${2/partNumber/partnumber} names now time request signature
    query=${query/uploadId/uploadid}
    names=$(sed -E 's/=[^&]*//g; s/&/;/g' <<<"$query")
    now=$(date +%s) && time="$((now - 60));$((now + 900))"
    request=$(printf '%s\n/%s\n%s\nhost=%s\n' "${1,,}" "$key" "$query" "$host" | digest)
    signature=$(printf 'sha1\n%s\n%s\n' "$time" "$request" | hmac "$(printf %s "$time" | hmac "$TENCENTCLOUD_SECRET_KEY")")
    curl --fail --silent --show-error --retry 3 --request "$1" --header @- "${@:3}" "https://$host$path?$2" <<END
Authorization: q-sign-algorithm=sha1&q-ak=$TENCENTCLOUD_SECRET_ID&q-sign-time=$time&q-key-time=$time\
&q-header-list=host&q-url-param-list=$names&q-signature=$signature
END
}

"""
The Chinese of `abort`, and what it shares with `explain` and `drain`.
"""

TEXTS = {
    "Abort one upload, or all uploads of one key, after showing them and asking.": (
        "中止一个上传，或一个对象键的所有上传；先显示并询问。"
    ),
    "With UPLOAD_ID the rules are those of an event that names the upload. Without it they are those of a sweep, so "
    "younger uploads of the key are kept. Exit code 3: an upload is still there.": (
        "给出 UPLOAD_ID 时，适用指名该上传的事件的规则。不给出时，适用扫描的规则，因此该键较新的上传会"
        "保留。退出码 3：仍有上传存在。"
    ),
    "the key, as COS has it; bytes that are not UTF-8 as the shell passes them": (
        "对象键，与 COS 中一致；非 UTF-8 的字节按 shell 传入的原样"
    ),
    "one upload; without it all of the key": "一个上传；不给出则为该键的所有上传",
    "With UPLOAD_ID: keep it if a part arrived since then. [0]": "给出 UPLOAD_ID 时：若此后收到过分块则保留。[0]",
    "Nothing was aborted: {n} left.": "没有中止任何上传：剩余 {n}。",
    "{n} left.": "剩余 {n}。",
    "DRY_RUN is true ({origin}), and it wins: nothing is aborted.": (
        "DRY_RUN 为 true（{origin}），优先生效：不中止任何上传。"
    ),
    "This key has no unfinished upload in {bucket}.": "该键在 {bucket} 中没有未完成的上传。",
    "The key is empty.": "对象键为空。",
    "This upload cannot be addressed: {why}.": "无法指定该上传：{why}。",
    "No key in COS begins with '/': it is dropped.": "COS 中没有以 '/' 开头的键：已去掉。",
    "aborted, not verified": "已中止，未验证",
    "what": "结果",
    "upload id": "上传 ID",
    "`{option}` has no effect here.": "`{option}` 在此无效。",
    "With UPLOAD_ID no age protects an upload; `--event-min-idle-minutes` keeps one that got a part.": (
        "给出 UPLOAD_ID 时，时长不起保护作用；`--event-min-idle-minutes` 会保留刚收到分块的上传。"
    ),
    "It needs UPLOAD_ID. For all uploads of a key: `--min-age-hours` and `--min-idle-hours`.": (
        "它需要 UPLOAD_ID。若针对该键的所有上传：`--min-age-hours` 和 `--min-idle-hours`。"
    ),
    "COS knows no such upload: it was completed or aborted, or its key or its id is another one.": (
        "COS 中没有这个上传：已完成或已中止，或者键或 ID 不对。"
    ),
    "A part arrived {n} min ago: the upload may be alive.": "{n} 分钟前收到过分块：该上传可能仍在进行。",
    "COS has this upload under another key: {key}": "COS 中该上传的键不同：{key}",
    "A sweep would keep it: {reason}.": "扫描会保留它：{reason}。",
    "`{command}` aborts every upload of the bucket.": "`{command}` 中止该存储桶中的所有上传。",
    "`{command}` says which rule decides, and when that changes.": "`{command}` 说明由哪条规则决定，以及何时会变。",
    "Records: {place}": "记录：{place}",
    "`{command}` asks, and aborts this.": "`{command}` 会询问，然后中止这些。",
    "For a shell: {word}": "在 shell 中：{word}",
}

"""
Names of the report's codes in both languages, with what they mean. A code that is not here is shown as it is.

A pair is (English, Chinese).
"""

from collections.abc import Mapping

Pair = tuple[str, str]

# An outcome → the word that the page has for its group; the records have the outcome itself.
OUTCOMES: Mapping[str, Pair] = {
    "kept": ("kept", "保留"),
    "would_abort": ("would be freed", "将被释放"),
    "aborted": ("freed", "已释放"),
    "still_receiving": ("still receiving parts", "仍在接收分块"),
    "already_gone": ("already gone", "已不存在"),
    "already_gone_unchecked": ("already gone, unchecked", "已不存在（未复核）"),
    "listed_but_not_found": ("listed, not found", "列表中有，但找不到"),
    "rejected": ("rejected", "被拒绝"),
    "failed": ("failed", "失败"),
    "deferred": ("still there", "仍占用"),
}

STATUSES: Mapping[str, Pair] = {
    "complete": ("complete", "完成"),
    "partial": ("partial", "部分完成"),
    "failed": ("ended with failures", "结束，有失败"),
    "rejected": ("a request was rejected", "有请求被拒绝"),
    "running": ("did not end", "未结束"),
}

# Reason to keep → its name in Chinese, and an explanation in both languages.
REASONS: Mapping[str, tuple[str, Pair]] = {
    "started recently": (
        "开始不久",
        ("Younger than MIN_AGE_HOURS. Most of them will complete.", "时长未超过 MIN_AGE_HOURS，多数会正常完成。"),
    ),
    "a part arrived recently": (
        "最近收到分块",
        (
            "Old, and its client still sends: a part arrived within MIN_IDLE_HOURS.",
            "时间虽久，但客户端仍在上传：MIN_IDLE_HOURS 内收到过分块。",
        ),
    ),
    "a part arrived during the check": (
        "检查期间收到分块",
        ("A part arrived between two looks, so the upload is in use.", "两次检查之间收到了分块，说明上传仍在进行。"),
    ),
    "under an excluded prefix": (
        "位于排除的前缀下",
        ("EXCLUDE_PREFIXES names its prefix.", "其前缀在 EXCLUDE_PREFIXES 中。"),
    ),
    "outside the prefixes": (
        "不在指定前缀内",
        ("This sweep was narrowed to other prefixes.", "本次扫描只限于其他前缀。"),
    ),
    "another key": ("其他对象键", ("Its key is not the one that was asked for.", "不是所请求的对象键。")),
    "under a committer's path": (
        "位于提交器路径下",
        (
            "A data framework completes it when its job ends, which can take days.",
            "数据框架会在作业结束时完成它，可能需要数天。",
        ),
    ),
    "started after the object was completed": (
        "在对象完成后才开始",
        ("It may be the next version of the object.", "可能是该对象的下一个版本。"),
    ),
    "its start time cannot be read": ("开始时间无法读取", ("In doubt it is kept.", "存疑则保留。")),
    "its start time and the time in its upload id differ": (
        "开始时间与上传 ID 中的时间不符",
        ("In doubt it is kept.", "存疑则保留。"),
    ),
    "the clocks of the function and of COS differ": (
        "函数与 COS 的时钟不一致",
        ("No age can be trusted, so it is kept.", "时长不可信，因此保留。"),
    ),
    "COS sent no readable date": (
        "COS 未返回可读的日期",
        ("No age can be trusted, so it is kept.", "时长不可信，因此保留。"),
    ),
    "the time of a part cannot be read": ("分块时间无法读取", ("In doubt it is kept.", "存疑则保留。")),
    "its idle time is unknown": ("空闲时间未知", ("In doubt it is kept.", "存疑则保留。")),
    "its idle time is not much longer than the pauses between its parts": (
        "空闲时间与分块间隔相近",
        ("Its client pauses for as long between parts.", "客户端在分块之间本就会停顿这么久。"),
    ),
    "it has too few parts to show how long its pauses are": (
        "分块太少，无法判断停顿",
        ("Its client may just be slow.", "客户端可能只是较慢。"),
    ),
    "it is not in the listing, so its age is unknown": (
        "不在列表中，时长未知",
        ("In doubt it is kept.", "存疑则保留。"),
    ),
}

NEW_PART = "a part arrived during the check"
# A sweep has records of what it keeps for one of these reasons: old, and still in use.
STILL_IN_USE = (
    NEW_PART,
    "a part arrived recently",
    "its idle time is not much longer than the pauses between its parts",
    "it has too few parts to show how long its pauses are",
)

# Why an abandoned upload is still there, and why a sweep stopped early. A code can follow after a colon.
LEFT: Mapping[str, Pair] = {
    "the limit of aborts is reached": ("MAX_ABORTS is reached", "已达到 MAX_ABORTS"),
    "out of time": ("out of time", "时间不足"),
    "this is a dry run": ("this run aborts nothing", "本次运行不中止任何上传"),
    "its parts could not be looked at shortly before an abort": (
        "its parts could not be looked at again",
        "中止前无法再次查看其分块",
    ),
    "COS accepts the credentials or the clock no longer": (
        "COS no longer accepts the credentials or the clock",
        "COS 不再接受凭证或时钟",
    ),
    "the record of what may be aborted cannot be stored": (
        "records cannot be stored, so nothing is aborted",
        "无法保存记录，因此不中止",
    ),
    "the continuation is not invoked yet": ("it continues in another run", "由另一次运行继续"),
    "the function may not invoke itself, so a sweep of more than one run would be lost": (
        "the function may not invoke itself",
        "函数无权调用自身",
    ),
}

# Code of a warning → what it means. {n}: the number with which its detail begins.
WARNINGS: Mapping[str, Pair] = {
    "PartMissing": ("Pieces of work that did not end: {n}.", "未结束的工作项：{n}。"),
    "AccountLost": ("Accounts of earlier runs that cannot be read: {n}.", "无法读取的先前运行账目：{n}。"),
    "RunRepeated": (
        "Runs that were cut off or delivered twice: {n}. What they freed is counted.",
        "被中断或重复投递的运行：{n}。其释放量已计入。",
    ),
    "RecordsNotStored": ("Records that could not be stored: {n}.", "未能保存的记录：{n}。"),
    "page.in_doubt": (
        "Every upload of a page of the listing is kept in doubt.",
        "列表中某一页的所有上传均因存疑而保留。",
    ),
    "Excluded": ("The current settings exclude something.", "当前设置排除了部分内容。"),
}

# State of a bucket's lifecycle rules → its tone, its name, what it means.
COVERAGE: Mapping[str, tuple[str, Pair, Pair]] = {
    "absent": ("bad", ("no rule", "没有规则"), ("Nothing limits how long uploads stay.", "上传没有任何期限。")),
    "disabled": (
        "bad",
        ("rule disabled", "规则已停用"),
        ("A rule exists, but it is switched off.", "规则存在，但未启用。"),
    ),
    "tag_filtered": (
        "bad",
        ("filtered by tags", "按标签过滤"),
        ("Uploads have no tags, so this rule does not reach them.", "上传没有标签，因此该规则不起作用。"),
    ),
    "prefixes": ("warn", ("some prefixes only", "仅部分前缀"), ("Other prefixes have no limit.", "其他前缀没有期限。")),
    "unreadable": (
        "warn",
        ("not readable", "无法读取"),
        ("The function may not read the rules of this bucket.", "函数无权读取该存储桶的规则。"),
    ),
    "object_lock": (
        "warn",
        ("object lock", "对象锁定"),
        ("Object lock is on; a rule may not be able to act.", "已开启对象锁定，规则可能无法执行。"),
    ),
    "whole_bucket": ("ok", ("whole bucket", "整个存储桶"), ("A rule limits every upload.", "规则适用于所有上传。")),
}
# Worst first.
COVERAGE_ORDER = tuple(COVERAGE)

NEXT_RUN: Pair = ("The next sweep tries again.", "下次扫描会重试。")
DENIED = "AccessDenied"
# Code of a failure → what to do.
ADVICE: Mapping[str, Pair] = {
    "NoSuchBucket": ("The bucket does not exist: correct BUCKETS.", "存储桶不存在：请更正 BUCKETS。"),
    "SlowDown": ("COS asked for fewer requests. The next sweep tries again.", "COS 要求降低请求频率。下次扫描会重试。"),
    "ReadTimeout": (
        "COS sent no response in time. The upload may be gone; the next sweep looks.",
        "COS 未及时响应。该上传可能已不存在，下次扫描会检查。",
    ),
    "StillThere": (
        "COS confirmed the abort and still shows the upload. Ask Tencent Cloud, with the request id.",
        "COS 确认了中止，但仍显示该上传。请携带请求 ID 联系腾讯云。",
    ),
    "TooSlow": ("Raise the function's timeout.", "请提高函数的超时时间。"),
    "NoProgress": ("Raise the function's timeout.", "请提高函数的超时时间。"),
    "ChainTooLong": (
        "Narrow the sweep, or raise CHAIN_MAX_HOURS or FAN_OUT.",
        "请缩小扫描范围，或提高 CHAIN_MAX_HOURS 或 FAN_OUT。",
    ),
    "ContinuationFailed": (
        "SCF did not accept the rest of the work. The next sweep does it.",
        "SCF 未接受剩余工作。下次扫描会完成。",
    ),
    "SweepRejected": ("Correct the timer's argument.", "请更正定时触发器的参数。"),
}
LOOK_UP: Pair = ("Correct the cause; the next sweep tries again.", "请解决原因；下次扫描会重试。")

"""
The Chinese of `explain`.
"""

TEXTS = {
    "Why an upload is kept or would be aborted, with all evidence, and when that changes.": (
        "一个上传为何保留或将被中止，包括所有依据，以及何时会变。"
    ),
    "Only reads. Without UPLOAD_ID it explains every upload of the key, by the rules of a sweep; with it also what an "
    "event that names the upload would do.": (
        "只读。不给出 UPLOAD_ID 时，按扫描的规则解释该键的所有上传；给出时，还说明指名该上传的事件会怎样处理。"
    ),
    "in {time}": "{time} 后",
    "Time alone does not change that.": "仅靠时间不会改变。",
    "Evidence (times in UTC)": "依据（时间为 UTC）",
    "fact": "项目",
    "in the listing": "在列表中",
    "no, so its start is unknown": "否，因此开始时间未知",
    "started, as listed": "开始时间（列表原文）",
    "nothing": "无",
    "unreadable": "无法读取",
    "started, as read": "开始时间（解读）",
    "or, in China's time": "或按中国时间",
    "time in the upload id": "上传 ID 中的时间",
    "newest part": "最新分块",
    "idle": "空闲",
    "unknown": "未知",
    "our clock": "本机时钟",
    " (differs by {n} s)": "（相差 {n} 秒）",
    "COS's clock": "COS 时钟",
    "ages are measured from": "时长的基准时刻",
    "the key can mean": "该键可能是",
    "started by": "发起者",
    "storage class": "存储类型",
    "all keys": "所有键",
    " (INCLUDE_COMMITTERS is true)": "（INCLUDE_COMMITTERS 为 true）",
    "committer's path": "提交器路径",
    "no": "否",
    "{prefix} matches ({origin})": "{prefix} 匹配（{origin}）",
    "none of {n} matches ({origin})": "{n} 个均不匹配（{origin}）",
    ", until {moment}": "，至 {moment}",
    "part": "分块",
    "arrived": "到达时间",
    "Newest parts (times in UTC)": "最新的分块（时间为 UTC）",
    "{moment} (in the future)": "{moment}（在未来）",
    "{moment} ({span} ago)": "{moment}（{span} 前）",
    "It could not be judged: {why}.": "无法判断：{why}。",
    "A sweep": "扫描",
    "{who} aborts it: it is abandoned.": "{who}会中止它：已废弃。",
    "{who} keeps it: {reason}.": "{who}会保留它：{reason}。",
    "Would be aborted from {moment} UTC on ({span}) if nothing arrives.": (
        "若无新分块，自 {moment} UTC 起（{span}）将被中止。"
    ),
    "Give the key of an upload.": "请给出上传的对象键。",
    "An event or `abort` that names its id": "指名其 ID 的事件或 `abort`",
    "{who} aborts it, and looks neither at its age nor at its parts.": "{who}会中止它，既不看时长，也不看分块。",
    "{who} aborts it: no part arrived for {minutes} min (EVENT_MIN_IDLE_MINUTES). Its age does not count.": (
        "{who}会中止它：已有 {minutes} 分钟没有收到分块（EVENT_MIN_IDLE_MINUTES）。不看时长。"
    ),
}

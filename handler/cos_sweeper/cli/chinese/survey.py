"""
The Chinese of `survey`.
"""

TEXTS: dict[str, str] = {
    "Cloud Monitor could not be reached: {code}.": "无法连接云监控：{code}。",
    "Which buckets to look at first: COS's own count of fragments. Lists nothing.": (
        "先查看哪些存储桶：COS 自己统计的文件碎片数量。不列举上传。"
    ),
    (
        "Asks Cloud Monitor, ten buckets in a request. What it counts is documented in two ways, as uploads and as "
        "parts, so it is good for an order of buckets and not for an account. `inventory` counts exactly."
    ): (
        "查询云监控，每个请求十个存储桶。文档对统计对象有两种说法：上传或分块，因此只适合排序，不适合作为统计结果。"
        "`inventory` 会精确统计。"
    ),
    (
        "Its unit is documented in two ways: one page of COS's documentation counts unfinished uploads, another one "
        "their parts. So the order of the buckets is a hint, and the numbers are not those of an inventory."
    ): (
        "文档对其单位有两种说法：一处统计未完成的上传，另一处统计其分块。因此存储桶的顺序仅供参考，数字与盘点结果不同。"
    ),
    "COS's own count of fragments": "COS 自己统计的文件碎片数量",
    "fragments": "文件碎片",
    "by class": "按存储类型",
    "as of (UTC)": "截至 (UTC)",
    "no data": "无数据",
    "Cloud Monitor describes it as: {text}": "云监控的说明：{text}",
    "{n} requests to Cloud Monitor.": "向云监控发送了 {n} 个请求。",
    "{metric} was not answered for every bucket: {code}.": "{metric} 未能获取所有存储桶的数据：{code}。",
    "MONITOR_ENDPOINT is not `http://127.0.0.1:PORT`.": "MONITOR_ENDPOINT 不是 `http://127.0.0.1:PORT`。",
    "Remove it to use the cloud.": "请移除它以使用云端。",
    "Cloud Monitor answered {code}{of_request}.": "云监控返回 {code}{of_request}。",
    "Try again later, or count exactly: `cos-sweeper inventory`.": "请稍后重试，或精确统计：`cos-sweeper inventory`。",
}

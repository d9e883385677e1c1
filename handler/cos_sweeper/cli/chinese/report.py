"""
The Chinese of `report`.
"""

TEXTS = {
    "The report of an earlier run, as tables, page or JSON. Without a run: which there are.": (
        "之前某次运行的报告，以表格、页面或 JSON 显示。不给出运行时：列出有哪些。"
    ),
    "Reads REPORT in COS, or a directory. Merges what the runs of a chain stored; where a chain ended "
    "without a report, it is completed and stored. With --find it looks a key up in the records of one run, "
    "or of all. A line of --list has bucket, key, upload id, bytes, start, last part, outcome and reason, "
    "with tabs between them; with --json it is a JSON object.": (
        "读取 COS 中的 REPORT 或一个目录。合并一条链各次运行所存的内容；链结束时没有报告的，会补全并保存。用 "
        "--find 在一次或所有运行的记录中查找一个键。--list 的一行包括存储桶、键、上传 ID、字节数、开始时间、"
        "最后分块、结果和原因，以制表符分隔；加 --json 时是一个 JSON 对象。"
    ),
    "the id of a run, `latest`, or a directory": "运行的 ID、`latest` 或目录",
    "What the records say of the uploads of this key.": "记录中关于该键的上传的内容。",
    "Runs are in this directory. [REPORT, or cos-sweeper-records]": (
        "运行记录所在的目录。[REPORT 或 cos-sweeper-records]"
    ),
    "an abort was intended": "曾打算中止",
    "Runs in {place}": "{place} 中的运行",
    "kind": "类型",
    "status": "状态",
    "found": "发现",
    "freed": "已释放",
    "size freed": "释放的大小",
    "event": "事件",
    "inventory": "盘点",
    "plan": "计划",
    "sweep": "扫描",
    "when (UTC)": "时间 (UTC)",
    "run": "运行",
    "request id": "请求 ID",
    "This chain may still run. These figures are what it has stored so far.": (
        "该链可能仍在运行。这些数字是它目前所存的。"
    ),
    "The report of {run} cannot be read.": "{run} 的报告无法读取。",
    "The chain ended without a report. It was completed now, but not stored: {why}": (
        "该链结束时没有报告。现已补全，但未能保存：{why}"
    ),
    "The chain ended without a report. It was completed now, and stored.": "该链结束时没有报告。现已补全并保存。",
    "{run} has no account, so it has no page.": "{run} 没有统计，因此没有页面。",
    "There is no run {run} in {place}.": "{place} 中没有运行 {run}。",
    "This run has no account: an event or `abort` named its uploads. These are its records.": (
        "该运行没有统计：其上传由事件或 `abort` 指名。以下是它的记录。"
    ),
    "No record of this key in {n} runs of {place}.": "{place} 的 {n} 次运行中没有该键的记录。",
    "Some records hold hashes in place of keys.": "有些记录以哈希代替对象键。",
    "Set RECORD_KEYS=hash and RECORD_KEYS_SECRET as they were, and search again.": (
        "请按当时的值设置 RECORD_KEYS=hash 和 RECORD_KEYS_SECRET，再次查找。"
    ),
    "Not readable: {text}": "无法读取：{text}",
    "`--find` shows records, which have no page.": "`--find` 显示记录，记录没有页面。",
    "Leave out `--html`.": "请去掉 `--html`。",
    "Which run shall be written as a page?": "要将哪次运行写成页面？",
    "Give its id, or `latest`.": "请给出其 ID，或 `latest`。",
    "There is no run in {place}.": "{place} 中没有任何运行。",
    "{target} is neither a directory nor the id of a run.": "{target} 既不是目录，也不是运行的 ID。",
    "`cos-sweeper report` without a run lists them.": "`cos-sweeper report` 不带运行时列出它们。",
    "There are no records in {path}.": "{path} 中没有记录。",
    "Set REPORT, or give a directory: `cos-sweeper report DIR`.": (
        "请设置 REPORT，或给出目录：`cos-sweeper report DIR`。"
    ),
    "`--records` has no effect here: a directory is named.": "`--records` 在此无效：已指定目录。",
    "Leave out one of them.": "请去掉其中一个。",
    "`{command}` shows the newest of them.": "`{command}` 显示其中最新的。",
    "One line for each upload of the run, for other programs.": "每个上传一行，供其他程序使用。",
    "`--find` and `--list` contradict each other.": "`--find` 与 `--list` 互相矛盾。",
    "This run has no record of any upload.": "此次运行没有任何上传的记录。",
    "The uploads of which run shall be listed?": "要列出哪次运行的上传？",
    "Uploads with exactly this key": "键完全一致的上传",
    "The whole key must match. `{command}` shows which keys there are.": ("键必须完全一致。`{command}` 显示有哪些键。"),
}

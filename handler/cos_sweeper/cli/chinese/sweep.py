"""
What `sweep` says, in Chinese.
"""

TEXTS = {
    "What would be aborted: a plan. With --abort, abort it.": "计划：将会中止什么。加上 --abort 才会中止。",
    "Without --abort nothing is aborted. The rules, the limits and the records are those of the function.": (
        "没有 --abort 时不中止任何上传。规则、限制和记录与函数相同。"
    ),
    "Abort what is abandoned, after showing it and asking.": "显示并询问之后，中止废弃的上传。",
    "Do not ask.": "不询问。",
    "Run again after each MAX_ABORTS, until nothing abandoned is left.": (
        "每达到 MAX_ABORTS 后再次运行，直到没有废弃的上传。"
    ),
    "At most so many aborts in one run; `none`: no limit. [10000]": "一次运行最多中止的数量；`none`：不限。[10000]",
    "Look again after an abort: all, recent, none. [recent]": "中止后再次查看：all、recent、none。[recent]",
    "Uploads that are looked at at the same time. [32]": "同时查看的上传数。[32]",
    "`--yes` and `--until-empty` need `--abort`.": "`--yes` 和 `--until-empty` 需要 `--abort`。",
    "Without `--abort` nothing is aborted.": "没有 `--abort` 时不中止任何上传。",
    "DRY_RUN is true ({origin}), and it wins: this is only a plan.": (
        "DRY_RUN 为 true（{origin}），优先生效：这只是计划。"
    ),
    "Nothing was aborted.": "没有中止任何上传。",
    "Abort {limit} of {n}?": "中止 {n}中的 {limit} 个？",
    "Abort {n}, {size}?": "中止 {n}，{size}？",
    "This cannot be undone.": "此操作无法撤销。",
    "oldest": "最早",
    "newest": "最新",
    "records": "记录",
    "One run aborts {n} at most (MAX_ABORTS); `--until-empty` repeats it.": (
        "一次运行最多中止 {n} 个（MAX_ABORTS）；`--until-empty` 会重复运行。"
    ),
    "Aborting": "正在中止",
    "The same command goes on: what is left is found again.": "再次运行同一命令即可继续：剩余的会重新找到。",
    "The limit of one run is reached. The same command goes on; `--until-empty` repeats it.": (
        "已达到一次运行的上限。再次运行同一命令即可继续；`--until-empty` 会重复运行。"
    ),
    "Not everything could be processed. Run the same command again.": "未能处理全部上传。请再次运行同一命令。",
    "{runs} runs: {n} aborted, {size} freed.": "{runs} 次运行：已中止 {n}，释放 {size}。",
    "Shown {n}, aborted {m}.": "显示了 {n} 个，中止了 {m} 个。",
    "{n} left as they are: the question did not show them.": "{n}保持原样：询问时没有显示。",
    "`{command}` shows this, asks, and aborts it.": "`{command}` 会显示这些、询问，然后中止。",
}

"""
What `inventory` says, in Chinese.
"""

TEXTS = {
    "What is unfinished: by bucket, prefix, age and owner. Aborts nothing.": (
        "未完成的上传：按存储桶、前缀、时长和发起者统计。不中止任何上传。"
    ),
    "Lists every unfinished upload and reads its parts, so that sizes are exact.": (
        "列出所有未完成的上传并读取其分块，因此大小是准确的。"
    ),
    "`cos-sweeper sweep` shows what it would abort, and aborts nothing.": (
        "`cos-sweeper sweep` 显示将会中止什么，不中止任何上传。"
    ),
}

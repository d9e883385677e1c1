"""
What protects a person against a hostile server, file or directory, in Chinese.
"""

TEXTS = {
    "Then run the same command again.": "然后再次运行同一命令。",
    "Stdout is closed, so no result could be shown.": "stdout 已关闭，无法显示结果。",
    "Not all of the output could be written: {why}.": "部分输出无法写入：{why}。",
    "The rules of {bucket} may have been written: look at them.": "{bucket} 的规则可能已写入：请查看。",
    "`{command}` shows them.": "`{command}` 可显示它们。",
    "DRY_RUN is true ({origin}), and it wins: no rule is written.": (
        "DRY_RUN 为 true（{origin}），且优先：不写入任何规则。"
    ),
    "Without `--add-rule` the command shows which rules there are.": "不带 `--add-rule` 时，该命令显示现有规则。",
    "{first} and {second} both set {name}.": "{first} 与 {second} 都设置了 {name}。",
    "{first} and {second} are the same setting": "{first} 与 {second} 是同一设置",
    "The current directory cannot be read.": "无法读取当前目录。",
    "Go to another directory: `cd`.": "请用 `cd` 换到其他目录。",
    "{path} is not used: another user may have written it.": "不使用 {path}：它可能由其他用户写入。",
    "Make it yours alone (`chmod go-w`), or name it: `--config {file}`.": (
        "请使其只属于您（`chmod go-w`），或明确指定：`--config {file}`。"
    ),
    "{name} is not read from a file that nobody named; give `--config {file}`": (
        "{name} 不会从未指定的文件中读取；请给出 `--config {file}`"
    ),
    "a value is too large": "某个值过大",
    "Settings from {file}: {settings}": "来自 {file} 的设置：{settings}",
    "Requests go to {endpoint}, which COS_ENDPOINT sets ({origin}), and not to COS.": (
        "请求发往 COS_ENDPOINT（{origin}）所设的 {endpoint}，而不是 COS。"
    ),
    "One answer is about {n} uploads at most. Run the same command again for the rest.": (
        "一次回答最多涉及 {n} 个上传。其余的请再次运行同一命令。"
    ),
    "Run the same command again: its question shows this upload as it is now.": (
        "请再次运行同一命令：它的问题会显示该上传现在的情况。"
    ),
}

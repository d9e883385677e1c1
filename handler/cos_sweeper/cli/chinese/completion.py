"""
What `completion` says, in Chinese.
"""

TEXTS = {
    "The script with which a shell completes commands, options, buckets, regions and runs.": (
        "让 shell 补全命令、选项、存储桶、地域和运行 ID 的脚本。"
    ),
    (
        "Switch it on with one of the examples, in ~/.bashrc, in ~/.zshrc, or once for fish. Buckets and runs come "
        "from the settings and directories, or are asked of COS for two seconds at most."
    ): (
        "用示例中的一行启用：写入 ~/.bashrc、~/.zshrc，fish 只需执行一次。存储桶和运行来自设置和目录，"
        "或向 COS 查询，最多两秒。"
    ),
    "bash, zsh or fish": "bash、zsh 或 fish",
}

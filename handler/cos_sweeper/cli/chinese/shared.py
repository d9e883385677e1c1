"""
What all commands say, in Chinese.
"""

TEXTS = {
    # Help
    "Finds and aborts abandoned multipart uploads in Tencent Cloud COS.": "查找并中止腾讯云 COS 中废弃的分块上传。",
    "Look": "查看",
    "Act": "操作",
    "Set up": "配置",
    "More": "其他",
    "First steps": "从这里开始",
    "what works, and what to do": "检查哪些可用、该做什么",
    "what is unfinished, and what it costs": "有哪些未完成的上传、费用多少",
    "what would be aborted; nothing is": "将会中止什么；不做任何更改",
    "shows what will go, asks, aborts": "先显示、再询问、然后中止",
    "Usage: ": "用法：",
    "{name} COMMAND [OPTIONS]": "{name} 命令 [选项]",
    "`{name} COMMAND --help` has examples. Exit codes: {codes}": "`{name} 命令 --help` 有示例。退出码：{codes}",
    "{complete} complete, {failed} failed, {usage} wrong use, {partial} partial, {interrupted} interrupted.": (
        "{complete} 完成，{failed} 失败，{usage} 用法错误，{partial} 部分完成，{interrupted} 被中断。"
    ),
    "Examples": "示例",
    "Arguments": "参数",
    "Options": "选项",
    "Options of every command": "所有命令都有的选项",
    "name-appid, or name-appid@region": "name-appid，或 name-appid@region",
    "Only this bucket. Repeatable.": "只处理该存储桶。可重复。",
    "Every bucket that these credentials can list.": "该凭证能列出的所有存储桶。",
    "Only keys that begin so. Repeatable.": "只处理以此开头的对象键。可重复。",
    "Not this bucket. Repeatable.": "不处理该存储桶。可重复。",
    "Not keys that begin so. Repeatable.": "不处理以此开头的对象键。可重复。",
    "Keep uploads that are younger. [168]": "保留较新的上传。[168]",
    "Keep uploads that got a part since then. [72]": "保留在此期间收到过分块的上传。[72]",
    "Also where Hadoop, Spark and others write running jobs.": "也处理 Hadoop、Spark 等正在运行的作业的目录。",
    "Any other setting. Repeatable.": "任何其他设置。可重复。",
    "Settings as TOML. [cos-sweeper.toml]": "TOML 格式的设置。[cos-sweeper.toml]",
    "Credentials of this profile of tccli or the SDK.": "使用 tccli 或 SDK 的该配置中的凭证。",
    "JSON on stdout, everything else on stderr.": "在 stdout 输出 JSON，其余输出到 stderr。",
    "Write the log of the engine to this file.": "将引擎日志写入该文件。",
    "Show each request and response on stderr, without secrets.": "在 stderr 显示每个请求和响应，隐去密钥。",
    "Show this message and exit.": "显示此帮助并退出。",
    "The language of texts. [the locale's]": "文字的语言。[系统语言]",
    "Write the account as one HTML file, which opens without a network.": (
        "将统计写成一个 HTML 文件，无需网络即可打开。"
    ),
    "Write records and the report into this directory. [REPORT]": "将记录和报告写入该目录。[REPORT]",
    "write NAME=VALUE": "请写成 NAME=VALUE",
    # What stops a command
    "error:": "错误：",
    "Stopped.": "已停止。",
    "`{path} --help` shows what there is.": "`{path} --help` 显示可用的内容。",
    "{name}: a secret is no option, because every user of this machine could read it.": (
        "{name}：密钥不能作为选项，因为本机的任何用户都能看到。"
    ),
    "Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY in the environment.": (
        "请在环境变量中设置 TENCENTCLOUD_SECRET_ID 和 TENCENTCLOUD_SECRET_KEY。"
    ),
    "Did you mean {names}?": "是否想用 {names}？",
    "There is no option {name}.": "没有选项 {name}。",
    "{name} is given twice.": "{name} 给出了两次。",
    "{name} is missing.": "缺少 {name}。",
    "This is a defect of COS Sweeper: {name}.": "这是 COS Sweeper 的缺陷：{name}。",
    "Run it again with `--log FILE` and report it with that file.": "请加上 `--log FILE` 再次运行，并附上该文件反馈。",
    " (request id {id})": "（请求 ID {id}）",
    "COS answered {code}{of_request}": "COS 返回 {code}{of_request}",
    "These credentials lack a permission. `cos-sweeper check` shows which, for each bucket.": (
        "该凭证缺少权限。`cos-sweeper check` 按存储桶显示缺少哪些。"
    ),
    "COS does not accept these credentials, or the clock of this machine. `cos-sweeper check` shows both.": (
        "COS 不接受该凭证或本机时钟。`cos-sweeper check` 会检查两者。"
    ),
    "Check the name and the region: name-appid@region.": "请检查名称和地域：name-appid@region。",
    "Try again. If it stays, ask Tencent Cloud and quote the request id.": (
        "请重试。若仍然如此，请携带请求 ID 联系腾讯云。"
    ),
    "Nobody can be asked: this is no terminal.": "无法询问：这不是终端。",
    "Give `--yes` if you are sure.": "如果确定，请加上 `--yes`。",
    " [y/N]": " [y/N]",
    # Settings
    "{name} is a secret, and secrets are no options: every user of this machine could read it.": (
        "{name} 是密钥，不能作为选项：本机的任何用户都能看到。"
    ),
    "Set it in the environment.": "请在环境变量中设置。",
    "`--bucket` and `--all-buckets` contradict each other.": "`--bucket` 与 `--all-buckets` 互相矛盾。",
    "Give one of them.": "请只用其中一个。",
    "BUCKETS ({origin}) allows only {buckets}.": "BUCKETS（{origin}）只允许 {buckets}。",
    "Leave out `--all-buckets` for these, or remove BUCKETS.": (
        "只处理这些时请去掉 `--all-buckets`，否则请删除 BUCKETS。"
    ),
    "There is no file {path}.": "没有文件 {path}。",
    "{path} is not valid TOML: {why}.": "{path} 不是有效的 TOML：{why}。",
    "{name}: credentials do not belong into this file; set them in the environment": (
        "{name}：凭证不应写在该文件中，请在环境变量中设置"
    ),
    "{path}: {problems}.": "{path}：{problems}。",
    "write a text, a number, true, false or a list of texts": "请写文本、数字、true、false 或文本列表",
    "there is no setting {name}": "没有名为 {name} 的设置",
    "there is no setting {name}, did you mean {meant}?": "没有名为 {name} 的设置，是否想用 {meant}？",
    "Correct it or remove it.": "请更正或删除它。",
    "Correct that line: `name = value`, texts in quotes.": "请更正该行：`名称 = 值`，文本加引号。",
    "Give the path of a TOML file: `--config FILE`.": "请给出 TOML 文件的路径：`--config FILE`。",
    "Give another file.": "请换一个文件。",
    "COS could not be reached: {code}": "无法连接 COS：{code}",
    "Check the network, the endpoint and the region, and try again.": "请检查网络、接入点和地域后重试。",
    "Records cannot be stored: {detail}": "无法存储记录：{detail}",
    "Give a directory that can be written with `--records DIR`.": "请用 `--records DIR` 给出可写的目录。",
    "No records can be written to {path}, so nothing is aborted: {why}.": (
        "无法向 {path} 写入记录，因此不中止任何上传：{why}。"
    ),
    "the key is not valid UTF-8": "对象键不是有效的 UTF-8",
    "{n}\u00a0d": "{n}\u00a0天",
    "{n}\u00a0h": "{n}\u00a0小时",
    "(set, not shown)": "（已设置，不显示）",
    "No bucket is named.": "没有指定存储桶。",
    "Give `--bucket name-appid@region` or `--all-buckets`, or set BUCKETS in {file}.": (
        "请使用 `--bucket name-appid@region` 或 `--all-buckets`，或在 {file} 中设置 BUCKETS。"
    ),
    "The bucket {name} is excluded.": "存储桶 {name} 已被排除。",
    "EXCLUDE_BUCKETS ({origin}) names it.": "EXCLUDE_BUCKETS（{origin}）中有它。",
    "The bucket {name} is not among the allowed ones.": "存储桶 {name} 不在允许的范围内。",
    "BUCKETS ({origin}) allows: {names}": "BUCKETS（{origin}）允许：{names}",
    "These credentials can list no bucket {name}.": "该凭证列不出存储桶 {name}。",
    "They can list: {names}": "可列出：{names}",
    "There is no bucket to work on.": "没有可处理的存储桶。",
    "`cos-sweeper check` shows which buckets are allowed.": "`cos-sweeper check` 显示允许哪些存储桶。",
    " and {n} more": "，以及另外 {n} 个",
    "none": "无",
    # Credentials
    "No profile `{profile}` in ~/.tencentcloud/credentials or ~/.tccli.": (
        "~/.tencentcloud/credentials 和 ~/.tccli 中没有配置 `{profile}`。"
    ),
    "Create it with `tccli configure --profile {profile}`.": "请用 `tccli configure --profile {profile}` 创建。",
    "There are no credentials.": "没有凭证。",
    "Set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or run `tccli configure`.": (
        "请设置 TENCENTCLOUD_SECRET_ID 和 TENCENTCLOUD_SECRET_KEY，或运行 `tccli configure`。"
    ),
    "the environment: {names}": "环境变量 {names}",
    "{path}, profile {profile}": "{path}，配置 {profile}",
    "{path} cannot be read as a credentials file.": "{path} 不是可读的凭证文件。",
    "Only half of the credentials is set: {place}.": "凭证只设置了一半：{place}。",
    "Set both, or neither.": "请两个都设置，或都不设置。",
    "{path} cannot be read.": "无法读取 {path}。",
    "{path} cannot be written: {why}.": "无法写入 {path}：{why}。",
    # While it works
    "{n} pages": "{n} 页",
    "{n} of {m} uploads": "{n}/{m} 个上传",
    "{n} abandoned": "{n} 个废弃",
    "{n}/s": "{n}/秒",
    "{n} failed": "{n} 个失败",
    "Stopping: what is in flight ends, then the account so far. Press Ctrl-C again to stop at once.": (
        "正在停止：等待进行中的请求结束，然后显示目前的统计。再按一次 Ctrl-C 立即停止。"
    ),
    "Records so far: {place}": "目前的记录：{place}",
    "The account of this run could not be made.": "无法生成本次运行的统计。",
    "Run the same command with `--log FILE`; the log says why.": "请加上 `--log FILE` 再次运行；日志会说明原因。",
    "There is no command {name}.": "没有命令 {name}。",
    "`{path} --help` lists the commands.": "`{path} --help` 列出所有命令。",
    "Not everything could be stored: {why}": "未能保存全部内容：{why}",
    "Records and report: {place}": "记录和报告：{place}",
    "Page: {path}": "页面：{path}",
    # What goes over the wire
    "No request was sent.": "没有发送任何请求。",
    "attempt {n}": "第 {n} 次尝试",
    "new connection in {n} ms": "新连接，用时 {n} 毫秒",
    "kept connection": "复用连接",
    "request id {id}": "请求 ID {id}",
    "no response: {code}": "没有响应：{code}",
    "no response: cancelled": "没有响应：已取消",
    "while connecting; nothing was sent": "在连接阶段；没有发送请求",
    "while the name was looked up; nothing was sent": "在解析域名阶段；没有发送请求",
    "after the request was sent": "在请求发送之后",
    "({n} bytes, not shown: RECORD_KEYS=hash)": "（{n} 字节，不显示：RECORD_KEYS=hash）",
    "… {n} more bytes": "… 还有 {n} 字节",
    # The account
    "{n} unfinished, {size}.": "未完成：{n}，{size}。",
    "This is a plan: nothing was aborted.": "这只是计划：没有中止任何上传。",
    "{n} aborted, {size} freed.": "已中止 {n}，释放 {size}。",
    "None is abandoned: {rule}.": "没有废弃的上传（{rule}）。",
    "{n} abandoned, {size}: {rule}.": "废弃：{n}，{size}（{rule}）。",
    "older than {age} and without a part for {idle}": "早于 {age} 且 {idle} 内没有收到分块",
    "That costs {amount} {currency} a month.": "每月费用 {amount} {currency}。",
    "That saves {amount} {currency} a month.": "每月节省 {amount} {currency}。",
    "{n} left were not looked at: {why}.": "剩余的 {n}未检查：{why}。",
    "Note: {text}": "注意：{text}",
    "Not swept: {text}": "未扫描：{text}",
    "Stopped: {why}.": "已停止：{why}。",
    "Uploads": "上传",
    "group": "类别",
    "Buckets": "存储桶",
    "bucket": "存储桶",
    "Where": "位置",
    "prefix": "前缀",
    "(directly here)": "（直接位于此处）",
    "{n} more": "另外 {n} 个",
    "Age": "时长",
    "days": "天",
    "uploads": "上传数",
    "size": "大小",
    "not read": "未读取",
    "Who started them": "发起者",
    "user or account": "用户或账号",
    "(unknown)": "（未知）",
    "Storage classes": "存储类型",
    "class": "类型",
    "Kept": "保留",
    "reason": "原因",
    "Failed": "失败",
    "code": "错误码",
    "what to do": "处理方法",
    "Lifecycle rules": "生命周期规则",
    "rule": "规则",
    "meaning": "含义",
    "The largest": "最大的上传",
    "The oldest": "最早的上传",
    "started (UTC)": "开始时间 (UTC)",
    "last part (UTC)": "最后的分块 (UTC)",
    "last part": "最后的分块",
    "key": "对象键",
    "all others": "其余",
    "a month": "每月",
    "abandoned": "已废弃",
    "would be aborted": "将中止",
    "left": "剩余",
    "aborted": "已中止",
    "failed": "失败",
    "kept": "保留",
    "1 upload": "1 个上传",
    "{n} uploads": "{n} 个上传",
    "unknown size": "未知大小",
    "Looking": "正在查看",
    "`{option} {text}` matches nothing: no upload was listed under it.": (
        "`{option} {text}` 没有匹配：其下没有列出任何上传。"
    ),
    "`--exclude-bucket {text}` matches nothing: it is none of the buckets to work on.": (
        "`--exclude-bucket {text}` 没有匹配：不在要处理的存储桶之中。"
    ),
    "These credentials may not list the buckets (GetService).": "这些凭证无权列出存储桶（GetService）。",
    "Name each bucket: `{command}`.": "请指定每个存储桶：`{command}`。",
    "`{command}` lists the uploads one by one.": "`{command}` 逐个列出上传。",
    "`{command}` records the uploads, and `{list}` lists them one by one.": (
        "`{command}` 记录这些上传，`{list}` 逐个列出。"
    ),
    "Only show what would be aborted.": "只显示将会中止什么。",
    "Write records and the report into this directory. [cos-sweeper-records]": (
        "把记录和报告写入此目录。[cos-sweeper-records]"
    ),
    "Incomplete, because you stopped it.": "不完整，因为您中断了它。",
    "Incomplete, because a listing failed.": "不完整，因为有列表读取失败。",
    "Incomplete, because not everything was listed.": "不完整，因为未能列出全部上传。",
    "{n} could not be judged: {why}.": "{n}无法判断：{why}。",
    "None is known to be abandoned: {rule}.": "目前没有发现废弃的：{rule}。",
    "you stopped it": "您中断了它",
    "`--price-per-gb-month PRICE --currency NAME` adds what this costs a month.": (
        "`--price-per-gb-month PRICE --currency NAME` 会加上每月费用。"
    ),
    "Show costs. A number, or JSON with a number for each storage class.": "显示费用。一个数，或按存储类型的 JSON。",
    "Of the price, such as CNY.": "价格的货币，如 CNY。",
    "`cos-sweeper settings` shows each value, where it is from, and its form.": (
        "`cos-sweeper settings` 显示每个值、其来源和写法。"
    ),
    "`cos-sweeper settings` lists all settings.": "`cos-sweeper settings` 列出所有设置。",
    "Credentials: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or a profile of tccli or the SDK.": (
        "凭证：TENCENTCLOUD_SECRET_ID 和 TENCENTCLOUD_SECRET_KEY，或 tccli 或 SDK 的配置。"
    ),
    "Options stand after the command: `{name} COMMAND {option}`.": "选项写在命令之后：`{name} COMMAND {option}`。",
    "The bucket is no option here: `{path} NAME@REGION`.": "此处存储桶不是选项：`{path} NAME@REGION`。",
    "If this is a key, write `--` before the bucket: `{path} -- BUCKET KEY`.": (
        "如果这是键，请在存储桶前写 `--`：`{path} -- BUCKET KEY`。"
    ),
    "A bucket is an option here: `{path} --bucket {bucket}`.": "此处存储桶是选项：`{path} --bucket {bucket}`。",
    "Allow {action} in {bucket}. `cos-sweeper check` shows every permission.": (
        "请在 {bucket} 中允许 {action}。`cos-sweeper check` 显示所有权限。"
    ),
    "Allow {actions} in this bucket.": "请在该存储桶中允许 {actions}。",
    "[OPTIONS]": "[选项]",
    "{value} ({origin})": "{value}（{origin}）",
    "{n} min": "{n} 分钟",
}

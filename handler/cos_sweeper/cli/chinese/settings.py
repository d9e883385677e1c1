"""
The Chinese of `settings`.
"""

TEXTS = {
    "Every setting: its value, where that is from, its default, its form and its meaning.": (
        "所有设置：值、来源、默认值、写法和含义。"
    ),
    "An option wins over the environment, that over the file, and that over the default. `--set NAME=VALUE` "
    "sets any of them but the secrets, which the environment or the file has. Sends nothing.": (
        "选项优先于环境变量，环境变量优先于文件，文件优先于默认值。`--set NAME=VALUE` 可设置除密钥外的任何一"
        "项；密钥由环境变量或文件给出。不发送任何请求。"
    ),
    "form": "写法",
    "hours": "小时",
    "minutes": "分钟",
    "a secret": "密钥",
    "prefix,… or a JSON list": "前缀,… 或 JSON 列表",
    "a number or `none`": "数字或 `none`",
    "the buckets that may be worked on": "可以处理的存储桶",
    "a sweep keeps an upload that is younger": "扫描保留比这更晚开始的上传",
    "a sweep keeps an upload that got a part since then": "扫描保留此后收到过分块的上传",
    "the same for an upload that is named by its id": "对以 ID 指名的上传同样如此",
    "buckets that are never touched": "从不处理的存储桶",
    "only keys that begin so": "只处理以此开头的键",
    "never keys that begin so": "从不处理以此开头的键",
    "also where Hadoop, Spark and others write running jobs": "也包括 Hadoop、Spark 等写入运行中作业的路径",
    "abort nothing; here it is false unless it is set": "不中止任何上传；在此未设置时为 false",
    "the most aborts of one run": "一次运行最多中止的数量",
    "which aborts are looked at again": "哪些中止会再次查看",
    "how long the runs of one sweep of the function may take": "函数一次扫描的各次运行最长用时",
    "uploads that are looked at at the same time": "同时查看的上传数",
    "instances of the function that share a sweep": "共同完成一次扫描的函数实例数",
    "where records and reports are stored in COS": "记录和报告在 COS 中的位置",
    "a number, or JSON by storage class": "数字，或按存储类型的 JSON",
    "what a stored GB costs a month": "每 GB 每月的存储价格",
    "the currency of the price": "价格的货币",
    "on with reports": "有报告时开启",
    "whether lifecycle rules are read for the report": "是否为报告读取生命周期规则",
    "who may call the function by HTTP": "谁可以通过 HTTP 调用函数",
    "the token of these calls": "这些调用的令牌",
    "a webhook that hears of the end of a sweep": "扫描结束时通知的 webhook",
    "when it hears of it": "何时通知",
    "signs these messages": "为这些消息签名",
    "how keys are shown and recorded": "键如何显示和记录",
    "the secret of the hashes": "哈希的密钥",
    "a local COS, for tests": "本地 COS，用于测试",
    "a local SCF, for tests": "本地 SCF，用于测试",
}

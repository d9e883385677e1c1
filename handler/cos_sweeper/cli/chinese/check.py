"""
What `check` says, in Chinese.
"""

TEXTS = {
    "What works and what to do: settings, credentials, permissions, clock, lifecycle rules.": (
        "检查设置、凭证、权限、时钟和生命周期规则，并给出处理方法。"
    ),
    (
        "Every request reads, but one: the permission to abort is found out by a request for an upload that cannot "
        "exist."
    ): "所有请求都只读取，只有一个例外：用一个不可能存在的上传来检查中止权限。",
    "Also the time limit and the memory of this deployed function.": "同时检查该已部署函数的超时时间和内存。",
    "Settings": "设置",
    "setting": "设置",
    "value": "值",
    "from": "来源",
    "settings": "设置",
    "default": "默认",
    "environment": "环境变量",
    "not set": "未设置",
    "not set: `sweep` plans, `sweep --abort` aborts": "未设置：`sweep` 只做计划，`sweep --abort` 会中止",
    "not set: records go to a directory": "未设置：记录写入目录",
    "Access": "访问",
    "endpoint": "端点",
    "http://127.0.0.1:{port}, an emulator and not the cloud": "http://127.0.0.1:{port}，是模拟器，不是云端",
    "function": "函数",
    "Reading it needs scf:GetFunction.": "读取函数需要 scf:GetFunction 权限。",
    "{name}: {seconds} s, {mb} MB, {runtime}": "{name}：{seconds} 秒，{mb} MB，{runtime}",
    "Raise its time limit; 900 s are best for sweeps.": "请提高超时时间；扫描最好用 900 秒。",
    "Raise its memory to 128 MB at least.": "请将内存提高到至少 128 MB。",
    "{text} is no function.": "{text} 不是函数。",
    "Write REGION/NAME, such as ap-guangzhou/cos-sweeper.": "请写成 地域/名称，例如 ap-guangzhou/cos-sweeper。",
    "{n} more buckets were not checked.": "另有 {n} 个存储桶未检查。",
    "list": "列出",
    "parts": "分块",
    "abort": "中止",
    "unfinished": "未完成",
    "lifecycle rule": "生命周期规则",
    ", {n} d": "，{n} 天",
    "`{command}` shows what is unfinished, and aborts nothing.": "`{command}` 显示未完成的上传，不中止任何上传。",
    "credentials": "凭证",
    "{error}, from {origin}": "{error}，来自{origin}",
    "account {uin}, ": "账号 {uin}，",
    "temporary": "临时",
    "permanent": "永久",
    "{whose}{kind}, from {origin}": "{whose}{kind}，来自{origin}",
    "clock": "时钟",
    "COS sent no date": "COS 未返回日期",
    "{n} s apart from COS": "与 COS 相差 {n} 秒",
    "Set the clock of this machine: with this difference every upload is kept.": (
        "请校准本机时钟：相差这么多时会保留所有上传。"
    ),
    "buckets": "存储桶",
    "{n} can be listed": "可列出 {n} 个",
    "Allow name/cos:GetService, or name the buckets in BUCKETS or with `--bucket`.": (
        "请允许 name/cos:GetService，或用 BUCKETS 或 `--bucket` 指定存储桶。"
    ),
    "cannot be listed: {error}": "无法列出：{error}",
    "Allow name/cos:GetBucket, GetObject and PutObject under this prefix.": (
        "请在该前缀下允许 name/cos:GetBucket、GetObject 和 PutObject。"
    ),
    "{place} cannot be read: {code}": "无法读取 {place}：{code}",
    "{place} can be read; writing was not tried": "可以读取 {place}；未尝试写入",
    "Allow name/cos:{operation} in {buckets}.": "请在 {buckets} 中允许 name/cos:{operation}。",
    "There is no such bucket: {buckets}. Check the name and the region.": "没有该存储桶：{buckets}。请检查名称和地域。",
    "No lifecycle rule limits unfinished uploads in {buckets}.": "{buckets} 中没有生命周期规则限制未完成的上传。",
    "The SecretId or the SecretKey is wrong, or the key is disabled.": "SecretId 或 SecretKey 有误，或密钥已停用。",
    "The temporary credentials are over: get new ones.": "临时凭证已过期：请重新获取。",
    "Set the clock of this machine.": "请校准本机时钟。",
    "SCF could not be reached. Check the network, and the region.": "无法连接 SCF。请检查网络和地域。",
    "Write REGION/NAMESPACE/NAME as the console shows them.": "请按控制台所示填写 REGION/NAMESPACE/NAME。",
    "Try again later.": "请稍后重试。",
}

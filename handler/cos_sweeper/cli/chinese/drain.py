"""
The Chinese of `drain`.
"""

TEXTS = {
    "Abort everything unfinished in a bucket that is to be deleted. No age protects an upload.": (
        "中止待删除的存储桶中所有未完成的上传。任何时长都不起保护作用。"
    ),
    "COS deletes a bucket only when it has no unfinished upload, either. This is the one command for which "
    "age and idle time do not count: uploads in progress are aborted, too. BUCKETS, PREFIXES and exclusions "
    "hold. It asks for the bucket's name, repeats until the listing is empty, and records into a directory, "
    "never into REPORT: cos-sweeper-records, or --records.": (
        "存储桶中也没有未完成的上传时，COS 才会删除它。只有此命令不看时长和空闲时间：正在进行的上传也会被中止"
        "。BUCKETS、PREFIXES 和排除项仍然有效。它要求输入存储桶名称，重复执行直到列表为空，并把记录写入目录，"
        "从不写入 REPORT：cos-sweeper-records 或 --records。"
    ),
    "The bucket's name again: do not ask.": "再次给出存储桶名称：不再询问。",
    "Not enough here.": "在此不够。",
    "Age, idle time and clocks keep nothing here: what is still being uploaded goes, too.": (
        "此处时长、空闲时间和时钟都不起保留作用：仍在上传的也会被中止。"
    ),
    "Type {name} to abort all of it": "请输入 {name} 以全部中止",
    "Give `--confirm {name}`.": "请给出 `--confirm {name}`。",
    "`--confirm {text}` is not the name of the bucket.": "`--confirm {text}` 不是该存储桶的名称。",
    "`--yes` is not enough here, because nothing keeps an upload.": "此处 `--yes` 不够，因为没有任何规则保留上传。",
    "{bucket}: {n} would go, {size}.": "{bucket}：将中止 {n}，{size}。",
    "PREFIXES ({origin}) allows only {prefixes}.": "PREFIXES（{origin}）只允许 {prefixes}。",
    "{bucket} has no unfinished upload any more.": "{bucket} 不再有未完成的上传。",
    "{bucket} still has unfinished uploads.": "{bucket} 仍有未完成的上传。",
    "EXCLUDE_PREFIXES ({origin}) binds this command, too.": "EXCLUDE_PREFIXES（{origin}）对此命令也有效。",
    "Committers' paths are kept here, too; `--include-committers` takes them.": (
        "提交器路径在此也会保留；`--include-committers` 会处理它们。"
    ),
    "PREFIXES ({origin}) binds this command, too.": "PREFIXES（{origin}）对此命令也有效。",
    "Some keys cannot be sent to COS. A lifecycle rule ends them: `cos-sweeper lifecycle`.": (
        "有些键无法发送给 COS。可用生命周期规则清除：`cos-sweeper lifecycle`。"
    ),
    "Run the same command again. If uploads keep arriving, find the client that still writes.": (
        "请再次运行同一命令。若不断有新的上传，请找出仍在写入的客户端。"
    ),
    "`drain` knows no age, verifies each abort and records into `--records DIR`. `sweep` keeps young uploads.": (
        "`drain` 不看时长，验证每次中止，并记录到 `--records DIR`。`sweep` 会保留较新的上传。"
    ),
    "A sweep would keep {n} of these: younger than {age}, or a part arrived within {idle}.": (
        "其中 {n}会被扫描保留：开始不到 {age}，或 {idle} 内收到过分块。"
    ),
    "`{command}` asks for the bucket's name, and aborts this.": "`{command}` 会要求输入存储桶名称，然后中止这些。",
    "DRY_RUN ({origin}) is true. With false, the same command aborts this.": (
        "DRY_RUN（{origin}）为 true。设为 false 后，同一命令会中止这些。"
    ),
}

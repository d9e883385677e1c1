"""
The Chinese of `events`.
"""

TEXTS: dict[str, str] = {
    "An example event for each trigger, for the console's test button.": "各触发器的示例事件，用于控制台的测试按钮。",
    (
        "The buckets are those of the settings. An event aborts nothing as it comes: it is a dry run, or it names an "
        "upload that is not there."
    ): "存储桶取自设置。示例事件本身不会中止任何上传：它是试运行，或指向不存在的上传。",
    "Of which trigger; without it all are listed.": "哪个触发器；不给出则列出全部。",
    "The key in the event. [one that is not there]": "事件中的对象键。[不存在的对象键]",
    "The upload id in the event. [one that is not there]": "事件中的上传 ID。[不存在的上传 ID]",
    "Example events": "示例事件",
    "trigger": "触发器",
    "what it is": "含义",
    "A sweep of these buckets, as a dry run.": "扫描这些存储桶，仅试运行。",
    "An inventory of these buckets. It aborts nothing.": "盘点这些存储桶，不中止任何上传。",
    "One upload, by a direct invocation.": "通过直接调用指定一个上传。",
    "One upload, as a message of CKafka.": "以 CKafka 消息指定一个上传。",
    "One upload, as a message of CMQ.": "以 CMQ 消息指定一个上传。",
    "One upload, as a log line of CLS.": "以 CLS 日志指定一个上传。",
    "One upload, as an event of EventBridge.": "以 EventBridge 事件指定一个上传。",
    "An object was completed: its stale siblings.": "对象已完成上传：处理其遗留的旧上传。",
    "One upload, by the Function URL.": "通过函数 URL 指定一个上传。",
    "While DRY_RUN is false, the function acts on this event for real.": "DRY_RUN 为 false 时，函数会真正执行此事件。",
    "Put the value of HTTP_TOKEN in place of {token}.": "请将 {token} 替换为 HTTP_TOKEN 的值。",
    "An inventory needs REPORT: its account is stored there.": "盘点需要 REPORT：结果保存在那里。",
    "Tencent Cloud has closed CMQ; the shape is still read.": "腾讯云已下线 CMQ；该格式仍可读取。",
    "`--key` and `--upload-id` have no effect here.": "`--key` 和 `--upload-id` 在此无效。",
    "Name a trigger whose event names an upload.": "请指定其事件会指名上传的触发器。",
}

"""
The Chinese of `lifecycle`.
"""

TEXTS: dict[str, str] = {
    "write a whole number from 1 to {n}": "请写 1 到 {n} 的整数",
    "`cos-sweeper check` shows why rules cannot be read.": "`cos-sweeper check` 显示为何无法读取规则。",
    "Which buckets have a lifecycle rule for unfinished uploads; --add-rule adds one.": (
        "哪些存储桶有针对未完成上传的生命周期规则；--add-rule 可添加一条。"
    ),
    (
        "COS replaces all rules of a bucket at each write. --add-rule changes no other byte of them, refuses where "
        "that is not certain, reads the rules again directly before and after, and keeps the old ones in a file."
    ): (
        "COS 每次写入都会替换存储桶的全部规则。--add-rule 不改动其他任何字节；无法确保时拒绝写入；"
        "写入前后都会重新读取规则，并将旧规则保存到文件。"
    ),
    "Add a rule that aborts uploads this many days after their start. Shows the change and asks.": (
        "添加一条规则：上传开始若干天后将其中止。先显示改动，再询问。"
    ),
    "The rule is for keys that begin so. [all]": "规则适用于以此开头的对象键。[全部]",
    "The id of the rule. [one that is free]": "规则的 ID。[未被占用的 ID]",
    "Keep the old rules in a file in this directory. [cos-sweeper-lifecycle]": (
        "将旧规则保存到此目录下的文件中。[cos-sweeper-lifecycle]"
    ),
    "Write without asking.": "不询问，直接写入。",
    "`--prefix`, `--id`, `--old` and `--yes` need `--add-rule`.": (
        "`--prefix`、`--id`、`--old` 和 `--yes` 需要与 `--add-rule` 一起使用。"
    ),
    "Give `--add-rule DAYS`.": "请给出 `--add-rule DAYS`。",
    # The coverage
    "Lifecycle rules for unfinished uploads": "针对未完成上传的生命周期规则",
    "{n} of {m} buckets have a rule for every upload.": "{m} 个存储桶中有 {n} 个的规则适用于所有上传。",
    "every upload, after {n} days": "所有上传，{n} 天后",
    "some prefixes only": "仅部分前缀",
    "disabled": "已停用",
    "for tags, so for no upload": "按标签过滤，对上传不起作用",
    "not known": "未知",
    "Object Lock": "对象锁定",
    "{prefix} after {n} days": "{prefix} 在 {n} 天后",
    "Nothing.": "无需操作。",
    "Nothing. Earlier: {prefixes}.": "无需操作。更早中止：{prefixes}。",
    "Covered: {prefixes}. For all other keys add a rule.": "已覆盖：{prefixes}。请为其他对象键添加规则。",
    "Enable the rule in COS's console, or add one. {detail}": "请在 COS 控制台启用该规则，或添加一条。{detail}",
    "Add a rule.": "请添加规则。",
    "Sweep it: COS may carry out no rule here.": "请用扫描处理：COS 在此可能不执行规则。",
    # The question
    "COS then aborts uploads of {where}, {n} days after their start.": (
        "此后 COS 会在上传开始 {n} 天后中止{where}的上传。"
    ),
    "keys under {prefix}": "前缀 {prefix} 下",
    "every key": "所有对象键",
    (
        "A rule does not know when the last part arrived: it aborts uploads that are still receiving parts, "
        "too, and those of committers of Hadoop, Spark and others."
    ): "规则不知道最后一个分块何时到达：仍在接收分块的上传，以及 Hadoop、Spark 等提交器的上传，也会被中止。",
    "Whether Object Lock is enabled could not be read ({code}). If it is, COS rejects the rule.": (
        "无法读取是否开启了对象锁定（{code}）。如果已开启，COS 会拒绝该规则。"
    ),
    "The rule gets this id in each of the {n} buckets.": "{n} 个存储桶中的规则都使用此 ID。",
    "now": "现在",
    "then": "之后",
    "Write these rules to {bucket}?": "将这些规则写入 {bucket}？",
    "Nothing was written: nobody can be asked, this is no terminal.": "未写入：这里不是终端，无法询问。",
    # What is refused
    "The rule would abort uploads under {prefix}, which EXCLUDE_PREFIXES keeps.": (
        "该规则会中止 {prefix} 下的上传，而 EXCLUDE_PREFIXES 要求保留它们。"
    ),
    "A rule cannot leave out a prefix. Give a `--prefix` beside it.": (
        "规则无法排除前缀。请用 `--prefix` 给出其他前缀。"
    ),
    "The rule would abort uploads outside PREFIXES.": "该规则会中止 PREFIXES 以外的上传。",
    "Give a `--prefix` under one of: {prefixes}": "请给出位于以下前缀之下的 `--prefix`：{prefixes}",
    "The rule would abort uploads that MIN_AGE_HOURS keeps.": "该规则会中止 MIN_AGE_HOURS 要求保留的上传。",
    "Give {n} days or more, or lower MIN_AGE_HOURS.": "请给出至少 {n} 天，或调低 MIN_AGE_HOURS。",
    "Object Lock is enabled, and COS does not carry out lifecycle rules in such a bucket": (
        "已开启对象锁定，COS 不会在此类存储桶中执行生命周期规则"
    ),
    "Add the rule in COS's console, where it can be checked.": "请在 COS 控制台中添加规则，以便核对。",
    "no key can begin with this prefix: {why}": "没有对象键能以此前缀开头：{why}",
    "no key can begin with this prefix: keys have at most {n} bytes": "没有对象键能以此前缀开头：对象键最多 {n} 字节",
    "the prefix begins or ends with a space, or has a character that COS could drop from the rule": (
        "前缀以空格开头或结尾，或包含 COS 可能从规则中去掉的字符"
    ),
    "the id of the rule may have letters, digits and `._-` only, 255 at most": (
        "规则的 ID 只能包含字母、数字和 `._-`，最多 255 个字符"
    ),
    "the number of days is not between 1 and {n}": "天数不在 1 到 {n} 之间",
    "the bucket's lifecycle document is not in UTF-8": "存储桶的生命周期文档不是 UTF-8 编码",
    "the bucket's lifecycle document has a DOCTYPE or entities, so its text is not all that it means": (
        "存储桶的生命周期文档包含 DOCTYPE 或实体，其文本并非全部含义"
    ),
    "the bucket has {n} lifecycle rules, and COS keeps {m} at most": (
        "存储桶已有 {n} 条生命周期规则，COS 最多保留 {m} 条"
    ),
    "the bucket has a rule with the id {id} already": "存储桶已有 ID 为 {id} 的规则",
    "the rule cannot be added to this lifecycle document without a change to the rest of it": (
        "无法在不改动其余内容的情况下将规则加入此生命周期文档"
    ),
    "the rule cannot be added so that it is certain to be read as it is meant": "无法确保该规则会按其含义被读取",
    "the bucket's lifecycle document is one empty tag with attributes": "存储桶的生命周期文档是一个带属性的空标签",
    "the bucket's lifecycle document cannot be read: {why}": "无法读取存储桶的生命周期文档：{why}",
    "the bucket's lifecycle document is not well-formed XML": "存储桶的生命周期文档不是格式正确的 XML",
    "the root of the bucket's lifecycle document is {name}, not {root}": (
        "存储桶的生命周期文档的根元素是 {name}，而不是 {root}"
    ),
    "The old rules cannot be kept: {path}: {why}.": "无法保存旧规则：{path}：{why}。",
    "Nothing was written. Give another directory with `--old DIR`.": "未写入。请用 `--old DIR` 给出其他目录。",
    # What came of it
    "Nothing to write: a rule already aborts these uploads after {n} days.": (
        "无需写入：已有规则在 {n} 天后中止这些上传。"
    ),
    "Nothing was written.": "未写入。",
    "Written and read back, byte for byte.": "已写入并读回，逐字节一致。",
    "Written and read back: the same rules, in COS's own layout.": "已写入并读回：规则相同，布局为 COS 自己的格式。",
    "The old rules are in {file}.": "旧规则保存在 {file}。",
    "The bucket had no rules before.": "该存储桶之前没有规则。",
    "Another program changed the rules in the meantime. Nothing was written.": "其他程序在此期间修改了规则。未写入。",
    "Run the command again and look at the new change.": "请重新运行命令并查看新的改动。",
    "COS did not store the rules ({code}). The bucket has what it had.": "COS 未保存规则（{code}）。存储桶保持原样。",
    "Look at the rules again in a minute: a request without an answer may still arrive.": (
        "请一分钟后再次查看规则：未得到响应的请求仍可能到达。"
    ),
    "These credentials need {permissions}.": "这些凭证需要权限 {permissions}。",
    "The rules were sent, but what the bucket has now could not be read{reason}.": (
        "规则已发送，但无法读取存储桶现在的规则{reason}。"
    ),
    " ({code})": "（{code}）",
    "The bucket now has other rules than were written, and {n} of the old ones are missing.": (
        "存储桶现在的规则与写入的不同，并且缺少 {n} 条旧规则。"
    ),
    "The bucket now has other rules than were written. All old ones are there.": (
        "存储桶现在的规则与写入的不同。旧规则都在。"
    ),
    "Nothing else changed in between, as far as COS shows; {n} ms were not covered.": (
        "就 COS 所示，期间没有其他变更；有 {n} 毫秒无法确认。"
    ),
}

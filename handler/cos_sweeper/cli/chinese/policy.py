"""
The Chinese of `policy`.
"""

TEXTS: dict[str, str] = {
    "The smallest policy and the trust of the function's role, for these settings.": (
        "函数角色所需的最小权限策略和信任策略，依据当前设置。"
    ),
    "Prints JSON, or with --tccli the calls that create the role. Sends nothing.": (
        "输出 JSON；使用 --tccli 时输出创建角色的命令。不发送任何请求。"
    ),
    "Take settings, region, name, namespace and role from this serverless.yml.": (
        "从此 serverless.yml 读取设置、地域、名称、命名空间和角色。"
    ),
    "As calls of tccli, for a shell.": "以 tccli 命令的形式输出。",
    "One of the two documents alone.": "仅输出其中一个文档。",
    "Where the function runs.": "函数所在的地域。",
    "The function's name. [cos-sweeper]": "函数名称。[cos-sweeper]",
    "The function's namespace. [default]": "函数的命名空间。[default]",
    "The role's name. [cos-sweeper]": "角色名称。[cos-sweeper]",
    "The account's id, which is not its APPID.": "账号 ID（不是 APPID）。",
    "The account's APPID, for BUCKETS `*`.": "账号的 APPID，用于 BUCKETS 为 `*` 时。",
    "`--tccli` prints calls and no JSON.": "`--tccli` 输出命令，而不是 JSON。",
    "Leave out `--only` and `--json`, or `--tccli`.": "请去掉 `--only` 和 `--json`，或去掉 `--tccli`。",
    "The region of the function is not known.": "函数的地域未知。",
    "Give `--region`, or `--serverless serverless.yml`.": "请给出 `--region` 或 `--serverless serverless.yml`。",
    "{path}: {name} uses {references}, which has no value here: a deployment leaves {name} out.": (
        "{path}：{name} 使用了 {references}，但此处没有值：部署时会略去 {name}。"
    ),
    "EXCLUDE_BUCKETS does not narrow the policy of BUCKETS `*`; the function itself leaves them out.": (
        "BUCKETS 为 `*` 时，EXCLUDE_BUCKETS 不会缩小策略的范围；由函数自身排除这些存储桶。"
    ),
    "{path} describes no function: {why}.": "{path} 没有描述函数：{why}。",
    "{path} cannot be read: {why}.": "无法读取 {path}：{why}。",
    "{value} is no valid {name}.": "{value} 不是有效的 {name}。",
    "With --tccli: the call for a role that is there.": "与 --tccli 一起使用：输出更新已有角色的命令。",
    "Whether the --serverless file can be deployed, and this policy, printed earlier, is enough.": (
        "检查 --serverless 文件能否部署，以及之前输出的这份策略是否足够。"
    ),
    "`--update` is about calls.": "`--update` 只用于命令。",
    "Give `--tccli`, too.": "请同时给出 `--tccli`。",
    "Nothing says what is deployed.": "没有说明要部署什么。",
    "Give `--serverless serverless.yml`, too.": "请同时给出 `--serverless serverless.yml`。",
    "{path} does not allow:": "{path} 不允许：",
    "Print the policy, and give it to the role: `make policy`, or `cos-sweeper policy --only policy`.": (
        "请输出策略并授予角色：`make policy` 或 `cos-sweeper policy --only policy`。"
    ),
    "{path} is no policy.": "{path} 不是策略文档。",
    "Print it again: `make policy`.": "请重新输出：`make policy`。",
    "Function {name} in {region}, with the role {role}.": "函数 {name}，地域 {region}，角色 {role}。",
    "Buckets: {buckets}.": "存储桶：{buckets}。",
    "DRY_RUN is true: it aborts nothing.": "DRY_RUN 为 true：不会中止任何上传。",
    "DRY_RUN is false: it aborts uploads.": "DRY_RUN 为 false：会中止上传。",
    "The policy names the function with `uin/*`. Give `--uin` (`make policy UIN=…`) to name it.": (
        "策略以 `uin/*` 表示账号。请用 `--uin`（`make policy UIN=…`）指明账号。"
    ),
    "The policy names the buckets with `uid/*`. Give `--appid` (`make policy APPID=…`) to name it.": (
        "策略以 `uid/*` 表示账号。请用 `--appid`（`make policy APPID=…`）指明账号。"
    ),
    "Set {names} in the environment or in `{file}`.": "请在环境变量或 `{file}` 中设置 {names}。",
    "Correct it there.": "请在该处更正。",
    "Correct it. `make deploy` checks it again.": "请更正。`make deploy` 会再次检查。",
    "This call changes the policy of the role {role}, which is there already:": (
        "以下命令更新已有角色 {role} 的策略："
    ),
    "These three calls create the role {role}. If it is there, take the one of `--update`: `make policy UPDATE=1`.": (
        "以下三条命令创建角色 {role}。如果角色已存在，请使用 `--update` 的那一条：`make policy UPDATE=1`。"
    ),
    "{uin} is the APPID, which a bucket's name ends in. The UIN is another number.": (
        "{uin} 是 APPID，即存储桶名称的后缀。UIN（账号 ID）是另一个数字。"
    ),
    "Both stand on the page Account information of the console.": "两者都在控制台的“账号信息”页面。",
    "Print it again and run its call: `make policy UPDATE=1 UIN={uin}`, or `cos-sweeper policy --tccli --update`.": (
        "请重新输出并执行该命令：`make policy UPDATE=1 UIN={uin}` 或 `cos-sweeper policy --tccli --update`。"
    ),
    "Read: {path}, {env}.": "已读取：{path}，{env}。",
    "Triggers: {triggers}.": "触发器：{triggers}。",
    "(set)": "（已设置）",
    "{name}: (set; no setting of COS Sweeper)": "{name}：（已设置；不是 COS Sweeper 的设置）",
    "{path} allows more aborts than this needs. `make policy UPDATE=1` prints less.": (
        "{path} 允许的中止超出所需。`make policy UPDATE=1` 输出更小的策略。"
    ),
    "{path} allows more than this needs. `make policy UPDATE=1` prints less.": (
        "{path} 允许的操作超出所需。`make policy UPDATE=1` 输出更小的策略。"
    ),
    "{path} allows what this needs. Nobody knows here whether the role has this policy.": (
        "{path} 已允许所需的操作。角色是否已有这份策略，此处无从得知。"
    ),
    "`#` is part of the value of {name}: put the comment on a line of its own.": (
        "`#` 会成为 {name} 的值的一部分：请把注释单独写一行。"
    ),
    "the quotes are part of the value of {name}: nothing may stand behind the last one.": (
        "引号会成为 {name} 的值的一部分：最后一个引号之后不能有任何内容。"
    ),
    "the deployment ignores a line with `export`: write NAME=value.": (
        "部署会忽略带 `export` 的行：请写成 NAME=value。"
    ),
    "the deployment ignores a line with `:`: write NAME=value.": "部署会忽略使用 `:` 的行：请写成 NAME=value。",
    "the deployment ignores this line: write NAME=value, a value on one line.": (
        "部署会忽略此行：请写成 NAME=value，值写在一行内。"
    ),
    "{path}, line {line}": "{path} 第 {line} 行",
    ", line {line}": "，第 {line} 行",
    "{path}: {what}": "{path}：{what}",
    "what {path} takes from the environment has a `$` that changes it.": (
        "{path} 从环境变量取得的值含有会改变它的 `$`。"
    ),
    "the environment variable {name}": "环境变量 {name}",
    "{path}: the deployment reads this file, and not {file}.": "{path}：部署读取的是此文件，而不是 {file}。",
    "{path}: the deployment takes `app`, `stage` and `org` from this file.": (
        "{path}：部署会从此文件取得 `app`、`stage` 和 `org`。"
    ),
    "the file is larger than a megabyte": "文件大于 1 MB",
    "it has no `inputs`": "没有 `inputs`",
    "it is not UTF-8": "不是 UTF-8 编码",
    "`environment.variables` is not a list of names and values": "`environment.variables` 不是名称与值的列表",
    "it is not valid YAML": "不是有效的 YAML",
    "it has a line break that only some programs take for one": "含有并非所有程序都识别的换行符",
    "it has an alias": "含有别名",
    "it has a tag": "含有标签",
    "it has a key that is no plain text": "含有不是普通文本的键",
    "the key `{key}` stands there twice": "键 `{key}` 出现了两次",
    "There is no timer: nothing is swept at night.": "没有定时触发器：夜间不会清理。",
    "The {kind} trigger is created, but switched off: it has no `enable: true`.": (
        "{kind} 触发器会被创建但处于关闭状态：没有 `enable: true`。"
    ),
    "HTTP_AUTH is `platform`, and no http trigger stands here. One that is left must have `authType: CAM`.": (
        "HTTP_AUTH 为 `platform`，但此处没有 http 触发器。遗留的 http 触发器必须使用 `authType: CAM`。"
    ),
    "{place}: `{path}` needs keys with values below it.": "{place}：`{path}` 之下需要键和值。",
    "remove `{path}`: with it, SCF does not retry events that failed.": (
        "请删除 `{path}`：有它时 SCF 不会重试失败的事件。"
    ),
    "a deployment ignores `{path}` here: it belongs below `{where}`.": (
        "部署会忽略此处的 `{path}`：它应位于 `{where}` 之下。"
    ),
    "`{path}` is not known here, and a deployment may ignore it: correct or remove it.": (
        "此处不认识 `{path}`，部署可能会忽略它：请更正或删除。"
    ),
    "{place}: `{path}` needs a list.": "{place}：`{path}` 需要一个列表。",
    "7 fields: second, minute, hour, day, month, day of the week, year": "7 个字段：秒、分、时、日、月、星期、年",
    "a text, such as '{}'": "文本，例如 '{}'",
    "{place}: `{path}` is no name that a variable can have.": "{place}：`{path}` 不能用作变量名。",
    "{place}: put the value of `{path}` in quotes: SCF would get another text.": (
        "{place}：请给 `{path}` 的值加上引号：否则 SCF 得到的是另一个文本。"
    ),
    "{place}: SCF takes 4,096 bytes of variables; these are {size:,}.": (
        "{place}：SCF 的环境变量上限为 4,096 字节；此处为 {size:,} 字节。"
    ),
    "`true` or `false`": "`true` 或 `false`",
    "the function's name": "函数名称",
    "the name of the execution role": "运行角色的名称",
    "a region, such as `ap-guangzhou`": "地域，例如 `ap-guangzhou`",
    "a whole number from 1 to 900": "1 到 900 的整数",
    "64, or a multiple of 128 up to 3072": "64，或不超过 3072 的 128 的倍数",
    "a whole number from 3 to 300": "3 到 300 的整数",
    "`authType` needs `NONE` or `CAM`.": "`authType` 需要 `NONE` 或 `CAM`。",
    "with `authType: NONE` and HTTP_AUTH `platform` nobody checks the callers. Write `authType: CAM`.": (
        "`authType: NONE` 且 HTTP_AUTH 为 `platform` 时，没有任何一方检查调用者。请写 `authType: CAM`。"
    ),
    "with `authType: NONE` and no HTTP_TOKEN every request gets 403. Set HTTP_TOKEN.": (
        "`authType: NONE` 且没有 HTTP_TOKEN 时，每个请求都返回 403。请设置 HTTP_TOKEN。"
    ),
    "with `authType: CAM` the function must not ask for a token as well. Set HTTP_AUTH to `platform`.": (
        "`authType: CAM` 时函数不应再要求令牌。请将 HTTP_AUTH 设为 `platform`。"
    ),
    "{place}: `{path}` needs {needed}.": "{place}：`{path}` 需要：{needed}。",
    "The policy allows no abort, because DRY_RUN is not false.": "策略不允许中止，因为 DRY_RUN 不是 false。",
    "`{command}` allows it.": "`{command}` 会允许。",
    "Print it again after you set DRY_RUN to false in {file}.": "在 {file} 中将 DRY_RUN 设为 false 后请重新输出。",
    "The settings are those of {file}.": "设置取自 {file}。",
    "Write it as the console shows it, such as {example}.": "请按控制台所示填写，例如 {example}。",
    "The function may abort: DRY_RUN is false.": "函数可以中止：DRY_RUN 为 false。",
    "Give the path of serverless.yml.": "请给出 serverless.yml 的路径。",
}

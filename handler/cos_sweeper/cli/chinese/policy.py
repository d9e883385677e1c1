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
    "The policy names the function with `uin/*`. Give `--uin` to name the account.": (
        "策略以 `uin/*` 表示函数。请用 `--uin` 指明账号。"
    ),
    "The policy names the buckets with `uid/*`. Give `--appid` to name the account.": (
        "策略以 `uid/*` 表示存储桶。请用 `--appid` 指明账号。"
    ),
    "EXCLUDE_BUCKETS does not narrow the policy of BUCKETS `*`; the function itself leaves them out.": (
        "BUCKETS 为 `*` 时，EXCLUDE_BUCKETS 不会缩小策略的范围；由函数自身排除这些存储桶。"
    ),
    "{path} describes no function: {why}.": "{path} 没有描述函数：{why}。",
    "{path} cannot be read: {why}.": "无法读取 {path}：{why}。",
    "Set {names} in the environment or in `.env`.": "请在环境变量或 `.env` 中设置 {names}。",
    "Correct `environment.variables` in {path}.": "请更正 {path} 中的 `environment.variables`。",
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
    "Print the policy again and change it in CAM: `make policy`, or `cos-sweeper policy --tccli --update`.": (
        "请重新输出策略，并在 CAM 中更新：`make policy` 或 `cos-sweeper policy --tccli --update`。"
    ),
    "Print the policy, and give it to the role: `make policy`, or `cos-sweeper policy --only policy`.": (
        "请输出策略并授予角色：`make policy` 或 `cos-sweeper policy --only policy`。"
    ),
    "{path} is no policy.": "{path} 不是策略文档。",
    "Print it again: `make policy`.": "请重新输出：`make policy`。",
    "Function {name} in {region}, with the role {role}.": "函数 {name}，地域 {region}，角色 {role}。",
    "Buckets: {buckets}.": "存储桶：{buckets}。",
    "DRY_RUN is true: it aborts nothing.": "DRY_RUN 为 true：不会中止任何上传。",
    "DRY_RUN is false: it aborts uploads.": "DRY_RUN 为 false：会中止上传。",
    "The policy allows no abort, because DRY_RUN is not false.": "策略不允许中止，因为 DRY_RUN 不是 false。",
    "`{command}` allows it.": "`{command}` 会允许。",
    "Print it again after you set DRY_RUN to false in {file}.": "在 {file} 中将 DRY_RUN 设为 false 后请重新输出。",
    "The settings are those of {file}.": "设置取自 {file}。",
    "Write it as the console shows it, such as {example}.": "请按控制台所示填写，例如 {example}。",
    "The function may abort: DRY_RUN is false.": "函数可以中止：DRY_RUN 为 false。",
    "Give the path of serverless.yml.": "请给出 serverless.yml 的路径。",
}

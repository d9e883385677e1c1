"""
The sentences of `core.coverage` in Chinese. What has no pattern here stays as it is.
"""

import re
from functools import partial

RULE = r'(?:the|a) rule (?:"([^"]*)"|without an id)'
PATTERNS: tuple[tuple[str, str], ...] = (
    (r"Keys outside these prefixes are not covered\.", "这些前缀以外的对象键不受保护。"),
    (
        r"None of the bucket's (\d+) lifecycle rules aborts incomplete uploads\.",
        "该存储桶的 {0} 条生命周期规则均不中止未完成的上传。",
    ),
    (r"The bucket has no lifecycle rules\.", "该存储桶没有生命周期规则。"),
    (
        r"The lifecycle rules could not be read \(([^)]*)\): the role needs the permission (\S+?)\.(?= |$)",
        "无法读取生命周期规则（{0}）：角色需要权限 {1}。",
    ),
    (r"The lifecycle rules could not be read \(([^)]*)\)\.", "无法读取生命周期规则（{0}）。"),
    (
        r"The Object Lock configuration could not be read \(([^)]*)\): the role needs the permission (\S+?)\.(?= |$)",
        "无法读取对象锁定配置（{0}）：角色需要权限 {1}。",
    ),
    (r"The Object Lock configuration could not be read \(([^)]*)\)\.", "无法读取对象锁定配置（{0}）。"),
    (
        r"Object Lock is enabled, so COS may not carry out lifecycle rules in this bucket\.",
        "已开启对象锁定，COS 可能不会在该存储桶中执行生命周期规则。",
    ),
    (
        r"It has an enabled rule that aborts uploads; whether COS carries it out is not proven\.",
        "有一条已启用的规则会中止上传，但无法证实 COS 会执行它。",
    ),
    (r"(\d+) more prefixes are covered\.", "另有 {0} 个前缀受保护。"),
    (r"(\d+) more rules? (?:is|are) of that kind\.", "另有 {0} 条同类规则。"),
    (rf"It is not clear which uploads {RULE} aborts: ", "无法确定规则“{0}”会中止哪些上传："),
    (
        rf"(?i:{RULE}) would abort uploads under a prefix after (\d+) days?, but it is disabled\.",
        "规则“{0}”会在 {1} 天后中止某个前缀下的上传，但未启用。",
    ),
    (
        rf"(?i:{RULE}) would abort uploads in the whole bucket after (\d+) days?, but it is disabled\.",
        "规则“{0}”会在 {1} 天后中止整个存储桶中的上传，但未启用。",
    ),
    (rf"(?i:{RULE}) is disabled\.", "规则“{0}”未启用。"),
    (
        rf"(?i:{RULE}) has a tag filter, and incomplete uploads have no tags\.",
        "规则“{0}”按标签过滤，而未完成的上传没有标签。",
    ),
    (r"its Status is neither Enabled nor Disabled\.", "其 Status 既不是 Enabled 也不是 Disabled。"),
    (r"its number of days is not known\.", "其天数未知。"),
    (r"no key can begin with its prefix: ", "没有对象键能以其前缀开头："),
)
COMPILED = tuple((re.compile(pattern), chinese) for pattern, chinese in PATTERNS)
NO_ID = "无 ID"


def in_chinese(detail: str) -> str:
    """The detail of a bucket's coverage."""
    for pattern, chinese in COMPILED:
        detail = pattern.sub(partial(_filled, chinese), detail)
    return re.sub(r"(?<=[。：]) ", "", detail)


def _filled(chinese: str, match: "re.Match[str]") -> str:
    return chinese.format(*(NO_ID if group is None else group for group in match.groups()))

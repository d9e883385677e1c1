"""
Lifecycle documents as hypothesis makes them up: rules, elements that nobody knows, and every layout.
"""

from xml.sax.saxutils import escape

from hypothesis import strategies as st

# What XML can carry, in short texts that look like markup more often than by chance.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8) | (
    st.sampled_from(["</LifecycleConfiguration>", "<Rule>", "]]>", "&amp;", "LifecycleConfiguration", " "])
)
layouts = st.sampled_from(["", " ", "\n", "\n\t", "\r\n", "<!-- </LifecycleConfiguration> -->", "<?pi </Rule>?>"])
names = st.sampled_from(["Transition", "Expiration", "X", "NoncurrentVersionExpiration", "Новое"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> str:
    name = draw(names)
    attributes = "".join(f' a{i}="{escape(draw(texts), {chr(34): "&quot;"})}"' for i in range(draw(st.integers(0, 1))))
    inside = draw(texts.map(escape) | texts.map(lambda one: f"<![CDATA[{one.replace(']]>', '')}]]>"))
    if depth and draw(st.booleans()):
        inside = draw(layouts).join(draw(st.lists(elements(depth - 1), max_size=2)))
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


@st.composite
def rules(draw: st.DrawFn, number: int) -> str:
    filters = draw(st.sampled_from(["<Filter/>", "<Filter><Prefix>a/</Prefix></Filter>", "<Filter></Filter>"]))
    unknown = "".join(draw(st.lists(elements(), max_size=2)))
    status = draw(st.sampled_from(["Enabled", "Disabled", "Other"]))
    return f"<Rule>{draw(layouts)}<ID>rule-{number}</ID>{filters}<Status>{status}</Status>{unknown}</Rule>"


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    head = draw(st.sampled_from(["", "<?xml version='1.0' encoding='utf-8' ?>\n", '<?xml version="1.0"?><!-- <a> -->']))
    namespace = draw(st.sampled_from(["", ' xmlns="http://www.qcloud.com/document/product/436/7751"', " x='1' "]))
    inside = [draw(rules(number)) for number in range(draw(st.integers(1, 4)))]
    inside += [draw(elements()) for _ in range(draw(st.integers(0, 2)))]
    inside = draw(st.permutations(inside))
    between = draw(layouts).join(inside) + draw(layouts)
    tail = draw(st.sampled_from(["", "\n", "\n<!-- </LifecycleConfiguration> -->", " "]))
    return f"{head}<LifecycleConfiguration{namespace}>{between}</LifecycleConfiguration >{tail}".encode()

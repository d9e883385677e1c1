"""
Source → mutants: the same module with one guard broken, for every way in which one can be.

Values in, values out. What only changes a text, a log line or an annotation is no mutant.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

MOVED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
LOOSENED = {"fullmatch": "match", "match": "search"}
# Whose parts are no guards: annotations, and what is said of a class.
PASSED_OVER = ("annotation", "returns", "decorator_list", "bases")
LOGS = ("log", "_log")
WAYS_OUT = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. where: the module and the function; old: the text of the line that it is on."""

    module: str
    where: str
    line: int
    old: str
    change: str
    source: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same while lines come and go elsewhere."""
        return self.where, self.old, self.change


@dataclass(frozen=True, slots=True)
class Spot:
    """A node and where it hangs. place: its index where the field is a list."""

    node: ast.AST
    owner: ast.AST
    field: str
    path: int | None
    where: str

    def put(self, node: ast.AST) -> None:
        """Hang another node there."""
        if self.path is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.path] = node


def mutants(module: str, source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines; what comes out the same is made once."""
    tree = ast.parse(source)
    lines = source.splitlines()
    seen = {ast.unparse(tree)}
    found = []
    for spot in _spots(tree, module):
        for change, node in _changes(spot):
            spot.put(node)
            mutated = ast.unparse(ast.fix_missing_locations(tree))
            spot.put(spot.node)
            if mutated not in seen:
                seen.add(mutated)
                line: int = spot.node.lineno  # type: ignore[attr-defined]
                found.append(Mutant(module, spot.where, line, lines[line - 1].strip(), change, mutated))
    return sorted(found, key=lambda mutant: mutant.line)


def _spots(node: ast.AST, where: str) -> Iterator[Spot]:
    for field, value in ast.iter_fields(node):
        if field in PASSED_OVER:
            continue
        for path, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _only_tells(child):
                inner = f"{where}.{child.name}" if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else where
                yield Spot(child, node, field, path, inner)
                if not _is_number(child):
                    yield from _spots(child, inner)


def _is_number(node: ast.AST) -> bool:
    """One number, such as 10**15, written as two."""
    return isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)


def _only_tells(node: ast.AST) -> bool:
    """A text, or a call of the log."""
    if isinstance(node, ast.Expr):
        return _only_tells(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        of = node.func.value
        return (of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else "") in LOGS
    return isinstance(node, ast.JoinedStr)


def _changes(spot: Spot) -> Iterator[tuple[str, ast.AST]]:
    """What can be put in a spot's place, and how it is told."""
    node = spot.node
    totals = ast.unparse(node).splitlines()[0] if isinstance(node, (ast.expr, ast.stmt)) else ""
    if _is_condition(spot):
        yield from ((f"{totals} → {forced}", _forced(node, forced=forced)) for forced in (True, False))
    if isinstance(node, ast.expr):
        yield from ((f"{totals} → {ast.unparse(other)}", other) for other in _expressions(spot))
    if isinstance(node, ast.stmt) and _is_guard(spot, node):
        yield f"{totals} → pass", ast.Pass(lineno=node.lineno)
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        never = ast.ExceptHandler(ast.Tuple([], ast.Load()), node.name, node.body)
        yield f"except {ast.unparse(node.type)} → except ()", never


def _is_condition(spot: Spot) -> bool:
    return spot.field == "ifs" or (spot.field == "test" and isinstance(spot.owner, (ast.If, ast.While, ast.IfExp)))


def _forced(node: ast.AST, *, forced: bool) -> ast.AST:
    """A condition that is always so; where it names a value on the way, it still does."""
    assert isinstance(node, ast.expr)
    constant = ast.Constant(value=forced)
    if any(isinstance(part, ast.NamedExpr) for part in ast.walk(node)):
        return ast.BoolOp(ast.Or() if forced else ast.And(), [node, constant])
    return constant


def _is_guard(spot: Spot, node: ast.stmt) -> bool:
    """
    A statement that ends something, or a call for its effect alone.

    The only statement under an `if` is none: to pass it over is to force the condition.
    """
    owner = spot.owner
    alone = isinstance(owner, ast.If) and len(owner.body) == 1 and not owner.orelse
    if isinstance(node, ast.Return):
        return isinstance(owner, (ast.If, ast.ExceptHandler)) and not alone
    if isinstance(node, WAYS_OUT):
        return not alone
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not alone


def _expressions(spot: Spot) -> Iterator[ast.expr]:
    yield from _logic(spot.node)
    match spot.node:
        case ast.Name(name, context) if name in SWAPPED and isinstance(spot.owner, ast.Call) and spot.field == "func":
            yield ast.Name(SWAPPED[name], context)
        case ast.Attribute(value, name, context) if name in LOOSENED:
            yield ast.Attribute(value, LOOSENED[name], context)
        case ast.Tuple(elements, context) if _is_set(spot):
            for path in range(len(elements)):
                yield ast.Tuple(elements[:path] + elements[path + 1 :], context)
        case ast.Constant() as constant:
            yield from _constants(spot, constant)
        case ast.BinOp() as number if _is_number(number):
            yield from (ast.BinOp(number, moved, ast.Constant(1)) for moved in (ast.Add(), ast.Sub()))


def _logic(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.BoolOp(op, values):
            for path in range(len(values)):
                rest = values[:path] + values[path + 1 :]
                yield ast.BoolOp(op, rest) if len(rest) > 1 else rest[0]
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.Compare(left, ops, comparators):
            for path, how in enumerate(ops):
                yield ast.Compare(left, [*ops[:path], MOVED[type(how)](), *ops[path + 1 :]], comparators)


def _is_set(spot: Spot) -> bool:
    """A tuple of which something has to be one: exceptions, types, texts."""
    match spot.owner:
        case ast.ExceptHandler() | ast.Compare():
            return True
        case ast.Call(ast.Name("isinstance")):
            return True
        case ast.Assign([ast.Name(name)]):
            return name.isupper()
    return False


def _constants(spot: Spot, constant: ast.Constant) -> Iterator[ast.expr]:
    value = constant.value
    if isinstance(value, bool):
        if isinstance(spot.owner, ast.keyword):
            yield ast.Constant(not value)
    elif isinstance(value, (int, float)):
        if not _is_name_of_a_place(spot):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str) and isinstance(spot.owner, ast.Call) and ast.unparse(spot.owner.func) == "re.compile":
        for bound in re.finditer(r"(?<=[{,])\d+(?=[,}])", value):
            for moved in (int(bound[0]) + 1, int(bound[0]) - 1):
                yield ast.Constant(f"{value[: bound.start()]}{moved}{value[bound.end() :]}")


def _is_name_of_a_place(spot: Spot) -> bool:
    """The index of an item, and the number from which records are counted for a reader of a reason."""
    if isinstance(spot.owner, ast.Call):
        return ast.unparse(spot.owner.func) == "enumerate"
    return isinstance(spot.owner, ast.Subscript) and spot.field == "slice"

"""Reads the two halves of an approval policy: which payables its trigger is about, and whom its script asks.

Of Monite's script language, this knows what its examples show: comparisons, `all` and `any`, and calls that ask users or roles.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

#: The calls that ask somebody, and the parameter that says whom.
ASKS = {
    "ApprovalRequests.request_approval_by_users": "user_ids",
    "ApprovalRequests.request_approval_by_roles": "role_ids",
}
#: What happens to a payable when a policy looks at it.
EVENT = "submitted_for_approval"


class UnknownError(Exception):
    """A script says something that the emulator does not know."""


#: What can come of reading a trigger, which is any JSON.
_NOT_UNDERSTOOD = (
    UnknownError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)


def planned(node: Any, steps: list[dict[str, Any]]) -> Any:
    """Return what a script waits for: a number of `steps`, or all or any of several; None if it waits for nothing.

    Args:
        node: the script, or a part of it.
        steps: gets the requests that the script makes, in their order.

    Raises:
        UnknownError: a call asks for an approval, and does not say of whom.

    """
    if isinstance(node, list):
        return planned({"all": node}, steps)
    if not isinstance(node, dict):
        return None
    if "if" in node:
        return planned(node["if"], steps)
    for word in ("all", "any"):
        if isinstance(node.get(word), list):
            parts = [part for each in node[word] if (part := planned(each, steps)) is not None]
            at_once = word == "any" or bool(node.get("run_concurrently"))
            return {"word": word, "at_once": at_once, "parts": parts} if parts else None
    if node.get("call") not in ASKS:
        return None
    field, params = ASKS[node["call"]], node.get("params")
    asked = params.get(field) if isinstance(params, dict) else None
    needed = params.get("required_approval_count", 1) if isinstance(params, dict) else 1
    is_list = isinstance(asked, list) and bool(asked) and all(isinstance(each, str) for each in asked)
    if not is_list or type(needed) is not int or needed < 1:
        raise UnknownError(f"{node['call']} needs {field}, and a required_approval_count of at least 1")
    steps.append({"user_ids": [], "role_ids": [], field: asked, "required_approval_count": needed})
    return len(steps) - 1


def outcome(plan: Any, status: Callable[[int], str]) -> str:
    """Return what a plan has come to: approved, rejected, or waiting.

    Args:
        plan: as `planned` returns it.
        status: tells what a step has come to. The step begins when it is asked about for the first time.

    """
    if isinstance(plan, int):
        return status(plan)
    decides, other = ("approved", "rejected") if plan["word"] == "any" else ("rejected", "approved")
    found = []
    for part in plan["parts"]:
        found.append(outcome(part, status))
        if found[-1] != other and not plan["at_once"]:
            break
    if decides in found:
        return decides
    return other if set(found) == {other} else "waiting"


def applies(trigger: Any, bill: Mapping[str, Any]) -> bool:
    """Return whether a trigger is about a payable that is submitted. One that the emulator does not understand is about none."""
    try:
        return bool(trigger is None or _holds(trigger, bill))
    except _NOT_UNDERSTOOD:
        return False


def _holds(node: Any, bill: Mapping[str, Any]) -> Any:
    if isinstance(node, str) and node.startswith("{") and node.endswith("}"):
        return _value(ast.parse(node[1:-1].strip(), mode="eval").body, bill)
    if not isinstance(node, dict):
        return node
    for word, quantifier in (("all", all), ("any", any)):
        if word in node:
            return quantifier(_holds(each, bill) for each in node[word])
    if "operator" in node:
        left, right = (_holds(node[f"{side}_operand"], bill) for side in ("left", "right"))
        return _compared(node["operator"], left, right)
    if "name" in node:
        return _named(node["name"].split("."), bill)
    raise UnknownError(str(node))


def _value(node: ast.expr, bill: Mapping[str, Any]) -> Any:
    """Return the value of an expression such as `invoice.amount > 30000`. Nothing of it is run as Python."""
    match node:
        case ast.Constant(value):
            return value
        case ast.List(parts) | ast.Tuple(parts):
            return [_value(each, bill) for each in parts]
        case ast.Name() | ast.Attribute():
            return _named(ast.unparse(node).split("."), bill)
        case ast.BoolOp(operator, parts):
            return (all if isinstance(operator, ast.And) else any)(_value(each, bill) for each in parts)
        case ast.UnaryOp(ast.Not(), operand):
            return not _value(operand, bill)
        case ast.Compare(left, [operator], [right]) if type(operator) in _OPERATORS:
            return _compared(_OPERATORS[type(operator)], _value(left, bill), _value(right, bill))
    raise UnknownError(ast.unparse(node))


def _named(path: list[str], bill: Mapping[str, Any]) -> Any:
    """Return what a name stands for. One of a list, such as `invoice.tags.id`, stands for those of all its items."""
    if path == ["event_name"]:
        return EVENT
    if path[0] != "invoice":
        raise UnknownError(".".join(path))
    found: Any = {**bill, "amount": bill.get("total_amount")}
    for word in path[1:]:
        found = [each.get(word) for each in found] if isinstance(found, list) else (found or {}).get(word)
    return found


def _compared(operator: Any, left: Any, right: Any) -> bool:
    if operator in {"in", "not in"}:
        shared = any(each in right for each in (left if isinstance(left, list) else [left]))
        return shared is (operator == "in")
    if operator not in _COMPARISONS:
        raise UnknownError(str(operator))
    return bool(_COMPARISONS[operator](left, right))


_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}

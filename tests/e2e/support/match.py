# SPDX-License-Identifier: Apache-2.0
"""Comparing a resource with the part of it a test cares about."""

ABSENT = object()


def differences(got, want, path=""):
    """Where got does not contain want; [] if it does. Arrays must have the same elements in any order."""
    if want is ABSENT:
        return [f"{path} should be absent, is {got!r}"]
    if callable(want):
        return [] if want(got) else [f"{path} is {got!r}"]
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return [f"{path} should be an object, is {got!r}"]
        out = []
        for k, v in want.items():
            if k not in got:
                out += [] if v is ABSENT else [f"{path}.{k} is missing"]
            else:
                out += differences(got[k], v, f"{path}.{k}")
        return out
    if isinstance(want, list):
        if not isinstance(got, list) or len(got) != len(want):
            return [f"{path} should have {len(want)} elements, is {got!r}"]
        left = list(got)
        for w in want:
            hit = next((g for g in left if not differences(g, w)), None)
            if hit is None:
                return [f"{path} has no element like {w!r}: {got!r}"]
            left.remove(hit)
        return []
    return [] if got == want and isinstance(got, bool) == isinstance(want, bool) else \
        [f"{path} is {got!r}, expected {want!r}"]


def shows(resource, want):
    wrong = differences(resource, want)
    assert not wrong, "; ".join(wrong) + f" in {resource!r}"


def fill(value, names):
    """Replaces <NAME> in all strings of a JSON value (and its keys)."""
    if isinstance(value, str):
        for k, v in names.items():
            value = value.replace(f"<{k}>", v)
        return value
    if isinstance(value, dict):
        return {fill(k, names): fill(v, names) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, names) for v in value]
    return value

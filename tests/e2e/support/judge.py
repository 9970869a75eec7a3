# SPDX-License-Identifier: Apache-2.0
"""Random SCIM filters, and an evaluator of its own for them: written from RFC 7644 3.4.2.2 and the answer of /Schemas,
sharing nothing with the daemon.

It knows three truths. The directory decides equality (reliability: T-09), and its matching rules are wider than SCIM's
caseExact: they fold compatibility forms, runs of blanks and, in telephone numbers, hyphens. A comparison that is true
by the wide reading only is None; Kleene's logic carries that through and, or and not. So a resource is in, out, or left
to the directory."""

import datetime
import json
import re
import unicodedata

TEXT_OPS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
INVISIBLE = {0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x180E}


def _simple_fold(s):
    return "".join(f if len(f := c.casefold()) == 1 else c for c in s)


def _prepared(s, phone):
    """As RFC 4518 prepares a string for caseIgnoreMatch, or telephoneNumberMatch."""
    s = "".join(c for c in s if ord(c) not in INVISIBLE)
    s = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", s).casefold())
    return re.sub(r"[\s-]", "", s) if phone else re.sub(r"\s+", " ", s).strip()


def _instant(s):
    try:
        return datetime.datetime.fromisoformat(s.replace("Z", "+00:00"))
    except ValueError:
        return None


def _holds(op, have, want):
    if op == "co":
        return want in have
    if op == "sw":
        return have.startswith(want)
    if op == "ew":
        return have.endswith(want)
    if isinstance(have, str):
        have, want = have.encode(), want.encode()
    return {"eq": have == want, "gt": have > want, "ge": have >= want, "lt": have < want, "le": have <= want}[op]


def not3(a):
    return None if a is None else not a


def and3(a, b):
    return False if a is False or b is False else None if a is None or b is None else True


def or3(a, b):
    return not3(and3(not3(a), not3(b)))


def any3(values):
    found = False
    for v in values:
        found = or3(found, v)
    return found


class Attr:
    """One attribute as /Schemas describes it; id, externalId and meta are common to all (RFC 7643 3.1)."""

    def __init__(self, doc, parent=None):
        self.name, self.parent = doc["name"], parent
        self.type, self.multi = doc["type"], doc.get("multiValued", False)
        self.exact = doc.get("caseExact", False)
        self.hidden = doc.get("returned") in ("never", "request") or doc.get("mutability") == "writeOnly"
        self.subs = {d["name"]: Attr(d, self) for d in doc.get("subAttributes", [])}
        self.phone = "phone" in (self.parent or self).name.lower()


COMMON = [{"name": "id", "type": "string", "caseExact": True},
          {"name": "externalId", "type": "string", "caseExact": True},
          {"name": "meta", "type": "complex", "subAttributes": [
              {"name": "created", "type": "dateTime"}, {"name": "lastModified", "type": "dateTime"},
              {"name": "resourceType", "type": "string", "caseExact": True}]}]


class Kind:
    """A resource type: its attributes by name, the URN each belongs to."""

    def __init__(self, core, extensions=()):
        self.attrs, self.urn = {}, {}
        self.core = core["id"]
        for doc in (core, *extensions):
            for d in doc["attributes"]:
                self.attrs[d["name"]] = Attr(d)
                self.urn[d["name"]] = doc["id"]
        for d in COMMON:
            self.attrs[d["name"]] = Attr(d)

    def value(self, resource, name):
        urn = self.urn.get(name)
        return (resource if urn in (None, self.core) else resource.get(urn, {})).get(name)


def _values(v):
    return v if isinstance(v, list) else [] if v is None else [v]


def _present(v):
    if isinstance(v, (list, dict)):
        return any(_present(x) for x in (v.values() if isinstance(v, dict) else v))
    return v is not None and v != ""


def _equal(attr, op, have, want):
    if attr.type == "dateTime":
        return _holds(op, _instant(have), _instant(want))
    if attr.type in ("string", "reference", "binary") and isinstance(have, str):
        narrow = _holds(op, have, want) if attr.exact else _holds(op, _simple_fold(have), _simple_fold(want))
        if attr.type != "string":
            return narrow
        wide = _holds(op, _prepared(have, attr.phone), _prepared(want, attr.phone))
        return narrow if narrow == wide else None
    return _holds(op, have, want)


def _compare(attr, op, found, want):
    """found: the values that the attribute has."""
    if op == "pr" or want is None:
        there = any(_present(v) for v in found)
        return there == (op in ("pr", "ne"))
    r = any3(_equal(attr, "eq" if op == "ne" else op, v, want) for v in found if v is not None)
    return not3(r) if op == "ne" else r


def judge(kind, node, resource):
    """True, False, or None where the directory's matching rules may go either way."""
    what = node[0]
    if what == "not":
        return not3(judge(kind, node[1], resource))
    if what in ("and", "or"):
        return (and3 if what == "and" else or3)(judge(kind, node[1], resource), judge(kind, node[2], resource))
    if what == "path":
        return any3(_judge_element(node[1], node[2], el) for el in _values(kind.value(resource, node[1].name)))
    _, attr, sub, op, want = node
    found = _values(kind.value(resource, attr.name))
    if sub:
        found = [x for el in found for x in _values(el.get(sub.name))]
    return _compare(sub or attr, op, found, want)


def _judge_element(attr, node, el):
    what = node[0]
    if what == "not":
        return not3(_judge_element(attr, node[1], el))
    if what in ("and", "or"):
        return (and3 if what == "and" else or3)(_judge_element(attr, node[1], el), _judge_element(attr, node[2], el))
    _, sub, _, op, want = node
    return _compare(sub, op, _values(el.get(sub.name)), want)


class Generator:
    """Filters over a population: values that are there, and near misses."""

    def __init__(self, rng, kind, resources):
        self.rng, self.kind = rng, kind
        self.pool = {}
        for r in resources:
            for name, attr in kind.attrs.items():
                self._learn(attr, kind.value(r, name))
        self.targets = [(a, s) for a in kind.attrs.values() if not a.hidden for s in self._subs(a)]

    def _learn(self, attr, v):
        for x in _values(v):
            if isinstance(x, dict):
                for name, sub in attr.subs.items():
                    self._learn(sub, x.get(name))
            else:
                self.pool.setdefault(id(attr), []).append(x)

    def _subs(self, a):
        return [None] if a.type != "complex" else [s for s in a.subs.values() if s.type != "complex" and not s.hidden]

    def mutate(self, s):
        r = self.rng
        how = r.randrange(12)
        cut = r.randrange(len(s) + 1)
        if how == 0:
            return s.upper()
        if how == 1:
            return s.lower()
        if how == 2:
            return s.swapcase()
        if how == 3:
            return s[:cut] + " " + s[cut:]
        if how == 4:
            return s.replace(" ", "  ")
        if how == 5:
            return s[:cut] + r.choice("xé*)(\\\u200b") + s[cut:]
        if how == 6:
            return unicodedata.normalize("NFD", s)
        if how == 7:
            return s[:-1] or "x"
        return s

    def value(self, attr, op):
        r = self.rng
        pool = self.pool.get(id(attr), [])
        if attr.type == "boolean":
            return r.random() < 0.5
        if attr.type == "integer":
            return r.randrange(10)
        if attr.type == "dateTime":
            base = _instant(r.choice(pool)) if pool else datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
            base += datetime.timedelta(seconds=r.choice((-3600, -1, 0, 0, 1, 3600)))
            zone = datetime.timezone(datetime.timedelta(minutes=r.choice((0, 0, 120, -330))))
            return base.astimezone(zone).isoformat()
        s = r.choice(pool) if pool and r.random() < 0.93 else r.choice(("nobody", "*", "a*b", "(x)", "é", "0"))
        if op in ("co", "sw", "ew") and len(s) > 1:
            n = r.randrange(1, min(len(s), 8) + 1)
            at = {"sw": 0, "ew": len(s) - n}.get(op, r.randrange(len(s) - n + 1))
            s = s[at:at + n]
        return self.mutate(s) if r.random() < 0.4 and attr.type == "string" else s

    def _op(self, attr):
        if attr.type == "boolean":
            return self.rng.choice(("eq", "eq", "ne", "pr"))
        if attr.type == "binary":
            return self.rng.choice(("eq", "ne", "pr"))
        if attr.type == "dateTime":
            return self.rng.choice(("gt", "ge", "lt", "le", "pr"))
        return self.rng.choice(("eq", "eq", "eq", "ne", "co", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le"))

    def comparison(self, attr, sub):
        leaf = sub or attr
        op = self._op(leaf)
        if op in ("eq", "ne") and self.rng.random() < 0.04:
            return ("cmp", attr, sub, op, None)
        return ("cmp", attr, sub, op, None if op == "pr" else self.value(leaf, op))

    def _element(self, attr, depth):
        if depth > 0 and self.rng.random() < 0.5:
            how = self.rng.choice(("and", "or", "not"))
            if how == "not":
                return ("not", self._element(attr, depth - 1))
            return (how, self._element(attr, depth - 1), self._element(attr, depth - 1))
        sub = self.rng.choice([s for s in attr.subs.values() if s.type != "complex" and not s.hidden])
        return self.comparison(sub, None)

    def tree(self, depth=3):
        r = self.rng
        if depth > 0 and r.random() < 0.55:
            how = r.choice(("and", "or", "and", "or", "not"))
            if how == "not":
                return ("not", self.tree(depth - 1))
            return (how, self.tree(depth - 1), self.tree(depth - 1))
        attr, sub = r.choice(self.targets)
        if attr.name == "groups" and r.random() < 0.9:  # all that is answered
            sub = attr.subs["value"]
            return ("cmp", attr, sub, "eq", self.value(sub, "eq"))
        if attr.multi and attr.type == "complex" and r.random() < 0.4:
            return ("path", attr, self._element(attr, 2))
        return self.comparison(attr, sub)

    # --- text -----------------------------------------------------------------------------------------------------

    def _case(self, word):
        return self.rng.choice((word, word, word, word.upper(), word.capitalize()))

    def _name(self, attr):
        urn = self.kind.urn.get(attr.name)
        qualified = urn and (urn != self.kind.core or self.rng.random() < 0.15)
        name = attr.name if self.rng.random() < 0.9 else attr.name.upper()
        return f"{urn}:{name}" if qualified else name

    def text(self, node, outer=None, inside=False):
        what = node[0]
        if what == "not":
            return f"{self._case('not')} ({self.text(node[1], None, inside)})"
        if what in ("and", "or"):
            t = f" {self._case(what)} ".join(self.text(n, what, inside) for n in node[1:])
            # and binds tighter than or; both are associative
            return f"({t})" if outer == "and" and what == "or" or self.rng.random() < 0.2 else t
        if what == "path":
            return f"{self._name(node[1])}[{self.text(node[2], None, True)}]"
        _, attr, sub, op, want = node
        name = attr.name if inside else self._name(attr)
        if sub and not (sub.name == "value" and self.rng.random() < 0.3):
            name += f".{sub.name}"
        value = "" if op == "pr" else " " + json.dumps(want, ensure_ascii=self.rng.random() < 0.3)
        return f"{name} {self._case(op)}{value}"

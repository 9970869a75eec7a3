# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format 0.0.4: what it takes, every scraper takes."""

import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|\Z)')
SUFFIXES = ("_bucket", "_sum", "_count")


def _labels(text):
    found, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        assert m, f"labels {text!r} break at {at}"
        assert m[1] not in found, f"label {m[1]} twice"
        found[m[1]] = m[2].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
        at = m.end()
    assert not text.endswith(","), text
    return found


class Family:
    def __init__(self, name, help_):
        self.name, self.help, self.kind, self.samples = name, help_, None, {}

    def value(self, suffix="", **labels):
        """The number of one series; 0 if nothing was counted."""
        return self.samples.get((self.name + suffix, tuple(sorted(labels.items()))), 0)

    def total(self, suffix="", **labels):
        """The sum over all series that carry these labels."""
        want = set(labels.items())
        return sum(v for (n, key), v in self.samples.items() if n == self.name + suffix and want <= set(key))

    def labels(self, name):
        return {dict(key).get(name) for _, key in self.samples}

    def check(self):
        assert self.kind, f"{self.name} has no TYPE"
        for (name, key), value in self.samples.items():
            if self.kind == "histogram":
                assert name[len(self.name):] in SUFFIXES, name
            else:
                assert name == self.name, f"{name} below {self.name}"
            assert self.kind == "gauge" or value >= 0, f"{name}{key} is {value}"
        if self.kind == "counter":
            assert self.name.endswith("_total"), f"counter {self.name} does not end in _total"
        if self.kind == "histogram":
            self._check_histogram()

    def _check_histogram(self):
        series = {}
        for (name, key), value in self.samples.items():
            labels = dict(key)
            le = labels.pop("le", None)
            assert (le is not None) == name.endswith("_bucket"), name
            one = series.setdefault(tuple(sorted(labels.items())), {"buckets": []})
            if le is not None:
                one["buckets"].append((float(le), value))
            else:
                one[name[len(self.name):]] = value
        for key, one in series.items():
            bounds = [b for b, _ in one["buckets"]]
            counts = [c for _, c in one["buckets"]]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), (self.name, key, bounds)
            assert counts == sorted(counts), f"{self.name}{key}: buckets are cumulative: {counts}"
            assert one["_count"] == counts[-1] and "_sum" in one, (self.name, key)


def parse(text):
    """{name: Family}; an AssertionError for anything the format does not allow."""
    assert text.endswith("\n") and "\r" not in text
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, help_ = line[7:].partition(" ")
            assert NAME.match(name) and name not in families, f"family {name} twice"
            assert help_ and not re.search(r"\\[^\\n]", help_), line
            current = families[name] = Family(name, help_)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert current and current.name == name and not current.samples and not current.kind, line
            assert kind in ("counter", "gauge", "histogram"), line
            current.kind = kind
        else:
            m = SAMPLE.match(line)
            assert m, f"not a sample: {line!r}"
            assert current and m[1].startswith(current.name), f"{line!r} outside its family"
            key = (m[1], tuple(sorted(_labels(m[2] or "").items())))
            assert key not in current.samples, f"series twice: {line!r}"
            current.samples[key] = float(m[3])
    for f in families.values():
        f.check()
    return families

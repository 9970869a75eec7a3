# SPDX-License-Identifier: Apache-2.0
"""The table, the JSON and the plot of a run."""

import html
import math


def micros(v):
    return f"{v / 1e6:.2f} s" if v >= 1e6 else f"{v / 1e3:.2f}" if v < 1e4 else f"{v / 1e3:.0f}"


def rate(v):
    return f"{v:,.0f}" if v >= 100 else f"{v:.1f}"


def table(rows):
    """Markdown: ratios first, then single values."""
    out = ["| scenario | users | A: gateway /s | p50 / p99 ms | B: raw /s | p50 / p99 ms | A : B | min-max | goal | |"
           " CPU A: dirhinge+slapd+gen | CPU B: slapd+gen | µs CPU a request, A / B | peak MB | LDAP ops/request |",
           "|" + "---|" * 15]
    for r in rows:
        if "ratio" not in r:
            continue
        a, b = r["a"], r["b"]
        cpu_a = " + ".join(f"{a['cpu'][n]:.2f}" for n in ("dirhinge", "slapd", "generator") if n in a["cpu"])
        cpu_b = " + ".join(f"{b['cpu'][n]:.2f}" for n in ("slapd", "generator") if n in b["cpu"])
        peak = f"{a['peak']['dirhinge'] / 2**20:.1f}" if a["peak"] else ""
        fault = f" ({a['errors']} + {b['errors']} ERRORS: {a['error'] or b['error']})" if a["errors"] + b["errors"] else ""
        out.append(f"| {r['name']}{fault} | {r['users']} | {rate(a['rate'])} | {micros(a['p50'])} / {micros(a['p99'])} | "
                   f"{rate(b['rate'])} | {micros(b['p50'])} / {micros(b['p99'])} | **{r['ratio']:.2f}** | "
                   f"{r['spread'][0]:.2f}-{r['spread'][1]:.2f} | {'' if r['goal'] is None else r['goal']} | {r['verdict']} | {cpu_a} | {cpu_b} | {a['cost']:.0f} / {b['cost']:.0f} | {peak} | "
                   f"{a['ops']:.2f} |")
    out += ["", "| measure | users | value | goal | |", "|---|---|---|---|---|"]
    for r in rows:
        if "skipped" in r:
            out.append(f"| {r['name']} | | SKIPPED: {r['skipped']} | | |")
        elif "value" in r:
            times = f" ({', '.join(micros(t) for t in r['times'])} ms)" if "times" in r else ""
            fault = f" {r['errors']} ERRORS" if r.get("errors") else ""
            out.append(f"| {r['name']} | {r.get('users', '')} | {r['value']:.3g} {r['unit']}{times}{fault} | "
                       f"{'' if r['goal'] is None else r['goal']} | {r['verdict']} |")
    return "\n".join(out)


# --- plot ------------------------------------------------------------------------------------------------------------

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")


class Chart:
    """Lines on two logarithmic or plain axes, drawn as SVG."""
    W, H, LEFT, TOP = 560, 300, 64, 36

    def __init__(self, title, x_label, y_label, x_ticks):
        self.title, self.x_label, self.y_label, self.x_ticks = title, x_label, y_label, x_ticks
        self.lines = []

    def line(self, name, points, dashed=False):
        self.lines.append((name, [(x, max(y, 1e-3)) for x, y in points], dashed))

    def svg(self, dx, dy):
        ys = [y for _, points, _ in self.lines for _, y in points]
        low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)) + 1e-9)
        high = max(high, low + 1)
        w, h = self.W - self.LEFT - 170, self.H - self.TOP - 50
        xs = [x for x, _ in self.x_ticks]

        def px(x):
            return self.LEFT + w * (x - min(xs)) / ((max(xs) - min(xs)) or 1)

        def py(y):
            return self.TOP + h * (1 - (math.log10(y) - low) / (high - low))

        out = [f'<g transform="translate({dx},{dy})"><text x="{self.LEFT}" y="20" font-weight="bold">'
               f'{html.escape(self.title)}</text>']
        for e in range(low, high + 1):
            out.append(f'<line x1="{self.LEFT}" x2="{self.LEFT + w}" y1="{py(10**e):.1f}" y2="{py(10**e):.1f}" '
                       f'stroke="#ddd"/><text x="{self.LEFT - 6}" y="{py(10**e) + 4:.1f}" text-anchor="end">{10.0**e:g}</text>')
        for x, label in self.x_ticks:
            out.append(f'<text x="{px(x):.1f}" y="{self.TOP + h + 16}" text-anchor="middle">{label}</text>')
        out.append(f'<text x="{self.LEFT + w / 2}" y="{self.TOP + h + 34}" text-anchor="middle">{self.x_label}</text>'
                   f'<text transform="translate(14,{self.TOP + h / 2}) rotate(-90)" text-anchor="middle">{self.y_label}</text>')
        for i, (name, points, dashed) in enumerate(self.lines):
            colour = COLOURS[i // 2 % len(COLOURS)] if any(d for _, _, d in self.lines) else COLOURS[i % len(COLOURS)]
            path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
            dash = ' stroke-dasharray="5 4"' if dashed else ""
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>'
                       f'<line x1="{self.LEFT + w + 10}" x2="{self.LEFT + w + 30}" y1="{self.TOP + 8 + 15 * i}" '
                       f'y2="{self.TOP + 8 + 15 * i}" stroke="{colour}" stroke-width="1.8"{dash}/>'
                       f'<text x="{self.LEFT + w + 34}" y="{self.TOP + 12 + 15 * i}">{html.escape(name)}</text>')
        return "".join(out) + "</g>"


def percentile_x(q):
    """Nines: 50 % at 0.3, 99 % at 2, 99.99 % at 4."""
    return -math.log10(max(1 - q, 1e-4))


def plot(rows):
    """Latency by percentile (A whole, B dashed), and the cost against the size of the directory."""
    charts = []
    ticks = [(percentile_x(q), label) for q, label in ((0.01, "min"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"),
                                                       (0.999, "99.9 %"), (1, "max"))]
    paired = [r for r in rows if "ratio" in r]
    for at in range(0, len(paired), 3):
        chart = Chart("Latency: gateway, raw LDAP dashed", "share of requests", "ms", ticks)
        for r in paired[at:at + 3]:
            for key, mark in (("a", False), ("b", True)):
                points = [(percentile_x(q), us / 1e3) for q, us in r[key]["curve"] if us > 0]
                if points:
                    chart.line(r["name"][:24] + (" raw" if mark else ""), points, mark)
        if chart.lines:
            charts.append(chart)
    costs = [r for r in rows if "times" in r]
    if costs:
        counts = costs[0]["counts"]
        chart = Chart("Cost against size (one connection: p50, CPU)", "users", "ms",
                      [(math.log10(n), f"{n:,}") for n in counts])
        for r in costs:
            chart.line(r["name"].partition(": ")[2], [(math.log10(n), t / 1e3) for n, t in zip(counts, r["times"])])
        charts.append(chart)
    if not charts:
        return None
    columns = 2 if len(charts) > 1 else 1
    height = math.ceil(len(charts) / columns) * Chart.H
    body = "".join(c.svg(i % columns * Chart.W, i // columns * Chart.H) for i, c in enumerate(charts))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * Chart.W}" height="{height}" '
            f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>{body}</svg>\n')

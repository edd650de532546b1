"""What the lane `bench` leaves behind: figures.json, figures.md and, after a sweep of sizes, sizes.svg."""
import json
import math
import statistics

import bench_goals

OWN = "strongroom"
# The figure that is compared, by preference: CPU holds where a machine is shared.
COMPARED = {"G64M": "cpu_s_per_GiB", "P64M": "cpu_s_per_GiB", "G4K": "cpu_us_per_req", "P4K": "cpu_us_per_req",
            "R64K": "cpu_us_per_req", "ROT512M": "wall_s", "LIST1000": "cpu_ms"}
SHOWN = ("rps", "GBps", "p50_us", "p99_us", "anon_peak_MiB")
WIDTH, HEIGHT, MARGIN = 720, 320, 60
COLOURS = {"GET": "#1f5fa8", "PUT": "#b5472f"}


def write(out, measured, about):
    """All files. `measured`: the rows of the workloads, of the sizes and of the goals."""
    rows, sizes, goals = measured
    failed = [row for row in rows if row.get("error") or row.get("err") or row.get("non2xx")]
    table = markdown(rows, about) + (bench_goals.markdown(goals) if goals else "")
    (out / "figures.json").write_text(json.dumps({"about": about, "rows": rows, "sizes": sizes, "goals": goals}, indent=1) + "\n")
    (out / "figures.md").write_text(table)
    print(table)
    if sizes:
        (out / "sizes.svg").write_text(svg(sizes))
    ours = [row for row in failed if row["server"] == OWN]
    if ours:
        raise AssertionError(f"requests of ours failed: {ours[:3]}")


def markdown(rows, about):
    """One line a workload and server: median, spread, and how much more the server costs than ours."""
    lines = [f"{about['rounds']} rounds, interleaved; network: {about['network']}; options: {about['options']}", "",
             "| Workload | Server | Figure | Median | Lowest to highest | Ratio | Also (medians) |",
             "|---|---|---|---|---|---|---|"]
    names = list(dict.fromkeys((row["workload"], row["server"]) for row in rows))
    for workload, server in sorted(names, key=lambda name: list(COMPARED).index(name[0])):
        figure = COMPARED[workload]
        of = [row for row in rows if (row["workload"], row["server"]) == (workload, server)]
        found = values(of, figure)
        base = values([row for row in rows if (row["workload"], row["server"]) == (workload, OWN)], figure)
        if not found:
            lines.append(f"| {workload} | {server} | {figure} | none | | | {of[0].get('error', '')[:60]} |")
            continue
        middle = statistics.median(found)
        ratio = f"{middle / statistics.median(base):.2f}" if base and statistics.median(base) else ""
        also = ", ".join(f"{name} {statistics.median(values(of, name)):g}" for name in SHOWN if values(of, name))
        lines.append(f"| {workload} | {server} | {figure} | {middle:g} | {min(found):g} to {max(found):g} | {ratio} | {also} |")
    return "\n".join(lines) + "\n"


def values(rows, figure):
    """A figure of each row that has it."""
    return [row[figure] for row in rows if figure in row]


def svg(sizes):
    """Two panels over the size of the object, both axes logarithmic."""
    panels = [("throughput, GB/s", "GB_per_second"), ("server's CPU, µs a request", "cpu_us")]
    total = len(panels) * HEIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{total}" font-family="sans-serif" '
             f'font-size="12"><rect width="100%" height="100%" fill="white"/>']
    for index, (title, figure) in enumerate(panels):
        parts.append(f'<g transform="translate(0 {index * HEIGHT})">{panel(sizes, title, figure)}</g>')
    return "\n".join(parts) + "\n</svg>\n"


def panel(sizes, title, figure):
    """One panel. What is zero (the throughput of empty objects) has no place on a logarithmic axis."""
    shown = [row for row in sizes if row[figure] > 0]
    low = math.floor(math.log10(min(row[figure] for row in shown)))
    high = max(math.ceil(math.log10(max(row[figure] for row in shown))), low + 1)
    places = sorted({row["bytes"] for row in sizes})
    step = (WIDTH - 2 * MARGIN) / max(1, len(places) - 1)

    def x(size):
        return MARGIN + places.index(size) * step

    def y(value):
        return HEIGHT - MARGIN + 10 - (math.log10(value) - low) / (high - low) * (HEIGHT - 2 * MARGIN)

    parts = [f'<text x="{MARGIN}" y="24" font-size="14">{title}</text>']
    for power in range(low, high + 1):
        parts.append(f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}" '
                     f'stroke="#ddd"/><text x="{MARGIN - 6}" y="{y(10**power) + 4:.1f}" text-anchor="end">{10**power:g}</text>')
    for size in places:
        parts.append(f'<text x="{x(size):.1f}" y="{HEIGHT - MARGIN + 28}" text-anchor="middle">{named(size)}</text>')
    for place, (method, colour) in enumerate(COLOURS.items()):
        line = " ".join(f"{x(row['bytes']):.1f},{y(row[figure]):.1f}" for row in shown if row["method"] == method)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{WIDTH - MARGIN - 90 + place * 50}" y="24" fill="{colour}">{method}</text>')
    return "\n".join(parts)


def named(size):
    """4 KiB as 4K."""
    for unit, letter in ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")):
        if size >= unit:
            return f"{size // unit}{letter}"
    return str(size)

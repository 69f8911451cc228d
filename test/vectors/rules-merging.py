"""Makes rules-merging.json from docs/protocol.md, section 5, alone: which segments of a copy are encoded as one, and what of the time for growth it uses up."""
import json
import os

GIB, PPM = 2**30, 1_000_000
MOST, YEAR = 40, 31_536_000_000


def merge(segments):
    """segments: (bytes, whole); from the last whole one back, as long as one has at most twice what is behind it."""
    wholes = [i for i, (_, whole) in enumerate(segments) if whole]
    if not wholes:
        return None
    end = wholes[-1]
    start = end
    while start > 0:
        behind = sum(b for b, _ in segments[start:end + 1])
        if segments[start - 1][0] > 2 * behind:
            break
        start -= 1
    if start < end:
        return [start, end]
    if len(segments) < MOST:
        return None
    pairs = [(segments[i - 1][0] + segments[i][0], i) for i in range(1, end + 1) if segments[i][1]]
    if not pairs:
        return None
    _, i = min(pairs)
    return [i - 1, i]


def due(size, every, p):
    billed = max(size, p["minBilledBytes"])
    y = p["storage"] * billed * every // GIB
    r = p["retrieval"] * billed * every // GIB
    return y + r + p["check"]


def spent(price, copies, every, p):
    share = sum(due(size, every, p) for size in copies) * p["share"]
    if share == 0:
        return 0
    return min(YEAR, -(-price * every * p["epochMs"] * PPM // share))


def falling(n, factor):
    return [(int(1000 * factor**i), 1) for i in range(n, 0, -1)]


def uneven(whole):
    return [(i * 7_919 % 401 + 1, whole(i)) for i in range(38)] + [(10**6, 1), (10, 1)]


cases = [
    [], [(5, 1)], [(5, 0)], [(5, 1), (5, 1)], [(5, 1), (5, 0)], [(5, 0), (5, 1)],
    [(10, 1), (5, 1)], [(11, 1), (5, 1)], [(5, 1), (100, 1)], [(31, 1), (10, 1), (5, 1)], [(30, 1), (10, 1), (5, 1)],
    [(1, 1), (100, 1), (10, 1)], [(100, 1), (10, 1), (4, 1), (2, 0)], [(100, 1), (8, 0), (4, 1), (2, 0)],
    falling(30, 3.01), falling(30, 2.5), falling(39, 3.01), falling(40, 3.01),
    [(b, 0) for b, _ in falling(40, 3.01)],
    [(b, i % 3 == 0) for i, (b, _) in enumerate(falling(41, 3.01))],
    [(b, i != 38) for i, (b, _) in enumerate(falling(40, 3.01))],
    # None that may carry, since the last two differ by much: the least pair lies anywhere before, the first of those alike.
    uneven(lambda i: True), uneven(lambda i: i % 3 == 0), [(5, 1)] * 38 + [(10**6, 1), (10, 1)],
    [(5, 1), (9, 1)] * 19 + [(10**6, 1), (10, 1)],
]
DEFAULTS = {"storage": 200_000, "retrieval": 50_000, "check": 300 + 2 * 100, "minBilledBytes": 1 << 20, "epochMs": 3_600_000, "share": PPM}
costs = [
    (10_000, [1 << 20], 1), (10_000, [1 << 20], 4), (2_010_000, [1 << 30], 1), (2_010_000, [1 << 30] * 3, 2),
    (1, [1 << 40], 1), (10**15, [1], 1), (10_000, [], 1), (12_345_678, [5_000_000, 70_000_000], 16),
    # 743 grains are due an epoch: ten of them to the millisecond, and a grain more.
    (7_430, [1 << 20], 1), (7_431, [1 << 20], 1),
]
out = {
    "merges": [{"segments": [[b, int(w)] for b, w in case], "merge": merge(case)} for case in cases],
    "spent": [{"price": str(price), "copies": copies, "every": every, "ms": str(spent(price, copies, every, DEFAULTS))}
              for price, copies, every in costs],
}
with open(os.path.join(os.path.dirname(__file__), "rules-merging.json"), "w") as file:
    json.dump(out, file, indent=2)
    file.write("\n")

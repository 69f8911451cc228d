"""Makes rules-forks.json from docs/protocol.md, section 5, and docs/formats.md alone: what shows how much a fork leaves, what it is measured against, what it costs and how long it waits."""
import json
import os
from hashlib import blake2b

GIB, PPM = 2**30, 1_000_000


def h(*parts):
    return blake2b(b"".join(parts), digest_size=32).digest()


def u64(n):
    return n.to_bytes(8, "little")


def leaves(blocks):
    return [(len(b), h(b"\0", u64(len(b)), b)) for b in blocks]


def node(tree, start, span):
    if span == 1:
        return tree[start]
    (ls, lh), (rs, rh) = node(tree, start, span // 2), node(tree, start + span // 2, span // 2)
    return ls + rs, h(b"\1", u64(ls + rs), lh, rh)


def roots(length):
    """(start, span) of the subtrees that a tree of this length consists of: the ones of the length in binary."""
    out, start = [], 0
    for bit in range(length.bit_length() - 1, -1, -1):
        if length >> bit & 1:
            out.append((start, 1 << bit))
            start += 1 << bit
    return out


def tree_hash(tree):
    out = b"\2"
    for start, span in roots(len(tree)):
        size, hash_ = node(tree, start, span)
        out += hash_ + u64(2 * start + span - 1) + u64(size)
    return h(out)


def completing(kept, length):
    if kept == length:
        return []
    out, at = [(kept, 1)], kept + 1
    while at < length:
        span = 1
        while at % (2 * span) == 0 and at + 2 * span <= length:
            span *= 2
        out.append((at, span))
        at += span
    return out


def shown(nodes):
    return [{"size": size, "hash": hash_.hex()} for size, hash_ in nodes]


def proof(before, after):
    kept = 0
    while kept < min(len(before), len(after)) and before[kept] == after[kept]:
        kept += 1
    if kept == 0:
        return {"kept": 0, "prefix": [], "below": [], "before": [], "after": []}, 0
    parts = roots(kept)
    below = [node(before, start + side * span // 2, span // 2)[1].hex() for start, span in parts if span > 1 for side in (0, 1)]
    sure = sum(node(before, start, span)[0] for start, span in parts if span > 1)
    return {
        "kept": kept,
        "prefix": shown([node(before, *part) for part in parts]),
        "below": below,
        "before": shown([node(before, *part) for part in completing(kept, len(before))]),
        "after": shown([node(after, *part) for part in completing(kept, len(after))]),
    }, sure


def case(length, kept, length_after):
    blocks = [bytes([i % 251]) * (i * 37 % 90) for i in range(length)]
    other = [b"anew" + bytes([i % 251]) * (i % 50) for i in range(length_after)]
    before, after = leaves(blocks), leaves(blocks[:kept] + other[kept:])
    assert len(after) == length_after
    made, sure = proof(before, after)
    assert made["kept"] == min(kept, length, length_after)
    return {
        "before": {"length": length, "treeHash": tree_hash(before).hex()},
        "after": {"length": length_after, "treeHash": tree_hash(after).hex()},
        "proof": made,
        "bytes": sure,
    }


def due(size, every, p):
    billed = max(size, p["minBilledBytes"])
    return p["storage"] * billed * every // GIB + p["retrieval"] * billed * every // GIB + p["check"]


def price(anew, fee, p):
    return sum(p["base"] + p["perGiB"] * size // GIB + p["segmentFee"] for size in anew) + fee if anew else 0


def wait(anew, copies, every, age, fee, p):
    cost = price(anew, fee, p)
    share = sum(due(size, every, p) for size in copies) * p["share"]
    earned = -(-cost * every * p["epochMs"] * PPM // share) if cost else 0
    return max(0, max(p["growthMs"], earned) - age)


def reserve(anew, copies, every, fee, p):
    rounds = -(-p["graceEpochs"] // every)
    return price(anew, fee, p) + rounds * sum(due(a + b, every, p) for a, b in zip(copies, anew))


W = 604_800_000


def whole(before, now, clock):
    if before is None or clock - before[2] > W:
        return [*now, clock]
    return [max(before[0], now[0]), max(before[1], now[1]), before[2]]


P = {"storage": 200_000, "retrieval": 50_000, "check": 300 + 2 * 100, "minBilledBytes": 1 << 20, "epochMs": 3_600_000, "share": PPM,
     "base": 10_000, "perGiB": 2_000_000, "segmentFee": 2_500, "growthMs": 600_000, "graceEpochs": 24}
sizes = [
    ([1 << 20], [1 << 20], 1, 0, 1_000), ([1 << 20], [1 << 30], 1, 0, 1_000), ([1 << 30] * 3, [1 << 30] * 3, 2, 3_600_000, 700),
    ([100], [1 << 40], 1, 1, 0), ([1 << 40], [1 << 40], 16, 10**9, 5_000), ([], [], 1, 5, 1_000),
    # 743 grains are due an epoch: twenty of them to the millisecond, and a grain more.
    ([1 << 20], [1 << 20], 1, 0, 407), ([1 << 20], [1 << 20], 1, 0, 408),
]
wholes = [
    (None, (50, 5_000), 7), ((50, 5_000, 7), (31, 3_000), W + 7), ((50, 5_000, 7), (31, 3_000), W + 8), ((50, 100, 7), (31, 3_000), 8),
    ((5, 100, 7), (31, 30), 8),
]
halves = [
    ((25, 500), (50, 1_000)), ((24, 500), (50, 1_000)), ((25, 499), (50, 1_000)), ((0, 0), (0, 0)), ((0, 0), (1, 0)),
    ((1, 0), (2, 1)), ((50, 1_000), (50, 1_000)), ((26, 501), (51, 1_001)), ((25, 501), (51, 1_001)),
]
out = {
    "proofs": [case(*lengths) for lengths in [
        (50, 30, 31), (50, 30, 30), (50, 50, 50), (50, 50, 63), (50, 49, 49), (50, 49, 50), (1, 1, 1), (1, 1, 2), (2, 1, 2), (2, 0, 5),
        (64, 32, 33), (64, 33, 64), (64, 63, 200), (100, 1, 3), (127, 96, 128), (31, 30, 300),
    ]],
    "wholes": [{"before": b, "now": list(n), "clock": c, "whole": whole(b, n, c)} for b, n, c in wholes],
    "halves": [{"kept": list(k), "of": list(o), "takesHalf": 2 * k[0] < o[0] or 2 * k[1] < o[1]} for k, o in halves],
    "costs": [{"anew": a, "copies": c, "every": e, "ageMs": age, "fee": str(fee), "price": str(price(a, fee, P)),
               "waitMs": wait(a, c, e, age, fee, P), "reserve": str(reserve(a, c, e, fee, P))} for a, c, e, age, fee in sizes],
}
with open(os.path.join(os.path.dirname(__file__), "rules-forks.json"), "w") as file:
    json.dump(out, file, indent=1)
    file.write("\n")

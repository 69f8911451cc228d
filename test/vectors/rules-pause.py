"""Makes rules-pause.json from docs/protocol.md, section 7, alone: when a pause may begin and how long it may be, and what of a time belongs to pauses, epoch by epoch."""
import json
import os
from fractions import Fraction
from math import ceil, floor

HOUR, DAY = 3_600_000, 86_400_000
MONTH, PAUSE = 30 * DAY, 12 * HOUR


def begins(clock, epoch_ms):
    # The first epoch before which a whole one lies that has not begun, the last that begins within a month.
    first = next(e for e in range(clock // epoch_ms, clock // epoch_ms + 4) if e * epoch_ms - clock >= epoch_ms)
    return {"clock": clock, "epochMs": epoch_ms, "first": first, "last": floor(Fraction(clock + MONTH, epoch_ms))}


def members(pauses):
    return {e for first, n in pauses for e in range(first, first + n)}


def left(first, n, before, epoch_ms, pause_ms):
    # Of the epochs in a month that ends with the pause so many may be paused; those of the pause itself are what is asked for.
    month = range(first + n - MONTH // epoch_ms, first)
    most = pause_ms // epoch_ms - len(members(before) & set(month))
    return {"epoch": first, "epochs": n, "before": [{"epoch": e, "epochs": m} for e, m in before], "epochMs": epoch_ms,
            "pauseMs": pause_ms, "left": most if most > 0 else 0}


def within(pauses, start, end):
    paused = members(pauses)
    return {"pauses": [{"epoch": e, "epochs": m} for e, m in pauses], "from": start, "until": end,
            "epochs": sum(1 for e in range(start, end) if e in paused),
            "paid": sum(1 for e in range(start, end) if e not in paused)}


def lasted(pauses, start, end, epoch_ms):
    # By points of time: what begins or ends a pause, and the ends of what is asked about.
    points = sorted({start, end} | {t for e, m in pauses for t in (e * epoch_ms, (e + m) * epoch_ms) if start < t < end})
    paused = members(pauses)
    return {"pauses": [{"epoch": e, "epochs": m} for e, m in pauses], "from": start, "until": end, "epochMs": epoch_ms,
            "ms": str(sum(b - a for a, b in zip(points, points[1:]) if a // epoch_ms in paused))}


MANY = [(10, 2), (15, 1), (16, 3), (40, 12)]
name = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules-pause.json")
with open(name, "w") as out:
    json.dump({
        "begins": [begins(c, e) for e in (HOUR, 1_000, DAY) for c in (0, 1, e - 1, e, e + 1, 5 * e + e // 2)],
        "left": [left(*o, HOUR, PAUSE) for o in (
            (2, 1, []), (2, 13, []), (30, 1, [(10, 12)]), (30, 1, [(10, 11)]), (30, 2, [(10, 11)]),
            (731, 2, [(10, 4)]), (729, 1, [(10, 4)]), (732, 2, [(10, 4)]), (733, 2, [(10, 4)]), (734, 1, [(10, 4)]), (100, 3, MANY), (755, 4, MANY))]
            + [left(9, 3, [(2, 3)], 1_000, 5_000), left(9, 1, [(2, 3)], 1_000, 2_999), left(9, 1, [], HOUR, HOUR - 1), left(9, 1, [], HOUR, 0)],
        "within": [within(p, s, e) for p in ([], MANY) for s, e in ((0, 60), (10, 12), (11, 16), (12, 15), (16, 17), (51, 60), (20, 20), (45, 46))],
        "lasted": [lasted(MANY, s, e, HOUR) for s, e in ((0, 60 * HOUR), (10 * HOUR + 1, 12 * HOUR - 1), (11 * HOUR, 16 * HOUR + 7),
                   (12 * HOUR, 15 * HOUR), (9 * HOUR + 9, 41 * HOUR + 3), (20 * HOUR, 20 * HOUR))],
    }, out, indent=1)
    out.write("\n")

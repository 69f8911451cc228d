"""Makes rules-absence.json from docs/protocol.md, section 7, alone: what a pinner that was away owes, when its copies are made elsewhere or lost, and what is paid."""
import json
import os
from fractions import Fraction

HOUR, DAY = 3_600_000, 86_400_000
REPAIR, LOST, SURPLUS, MASS = 4 * HOUR, 3 * DAY, 7 * DAY, DAY


def walk(steps, size, missed):
    slices = max(1, -(-size // 1024))
    owed = min(5 * steps, 459) if missed < REPAIR else min(459, slices)
    return {"steps": steps, "bytes": size, "missedMs": missed, "walk": owed if owed > steps else steps}


def fate(missed):
    return {"missedMs": missed, "fate": "lost" if missed >= LOST else "replaced" if missed >= REPAIR else "kept"}


def paid(epoch, last, back):
    # Every epoch after both, up to this one.
    return {"epoch": epoch, "last": last, "back": back, "paid": sum(1 for e in range(epoch) if e >= last and e >= back)}


def mass(away, held):
    return {"away": str(away), "held": str(held), "mass": Fraction(away, held) > Fraction(1, 3) if held else away > 0}


name = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules-absence.json")
with open(name, "w") as out:
    json.dump({
        "walks": [walk(s, b, m) for s in (1, 9, 91, 92, 128, 460, 512) for b in (1, 1024, 9_217, 470_016, 10**12)
                  for m in (0, REPAIR - 1, REPAIR, 5 * DAY)],
        "fates": [fate(m) for m in (0, REPAIR - 1, REPAIR, LOST - 1, LOST, 9 * DAY)],
        "paid": [paid(*e) for e in ((5, 4, 0), (5, 4, 4), (5, 4, 5), (9, 2, 7), (9, 7, 2), (3, 3, 0), (3, 5, 0), (12, 0, 0))],
        "unpaid": [{"missedMs": m, "unpaidMs": m if m < SURPLUS else SURPLUS} for m in (0, 5 * HOUR, SURPLUS, 8 * DAY)],
        "mass": [mass(*m) for m in ((0, 0), (0, 9), (3, 9), (4, 9), (1, 2), (10**17, 3 * 10**17 - 3))],
        "held": [{"since": s, "limitMs": l, "until": s + l + MASS} for s in (0, 17 * HOUR) for l in (REPAIR, LOST)],
        "withdrawn": [{"state": s, "reward": str(r), "paid": str({"delivered": r, "delivering": r // 2, "other": 0}[s])}
                      for s in ("delivered", "delivering", "other") for r in (0, 1, 10_001)],
    }, out, indent=1)
    out.write("\n")

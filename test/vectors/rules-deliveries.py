"""Makes rules-deliveries.json from docs/protocol.md, section 5, alone: what a delivery that came to nothing costs each side."""
import json
import os

FAILED_FEE, FAILED_MS = 10_000, 2_592_000_000
TICK_MS, EPOCH_MS = 10_000, 3_600_000
LIMIT = 10


class Side:
    """A role as the page describes it: ends, less deliveries since, forgotten a while after the last end."""

    def __init__(self):
        self.ends, self.last = 0, None

    def count(self, now):
        return self.ends if self.last is not None and now < self.last + FAILED_MS else 0

    def end(self, now):
        n = self.count(now)
        self.ends, self.last = min(LIMIT, n + 1), now
        return FAILED_FEE * 2**n

    def delivery(self):
        self.ends = max(0, self.ends - 1)


HOUR, DAY = 3_600_000, 86_400_000
stories = {
    "an end each hour": [("end", HOUR * i) for i in range(14)],
    "an end each 29 days": [("end", 29 * DAY * i) for i in range(5)],
    "30 days after the last all is forgotten": [("end", 0), ("end", 5), ("end", 5 + FAILED_MS)],
    "a ms before it is not": [("end", 0), ("end", 5), ("end", 4 + FAILED_MS)],
    "deliveries take back": [(k, HOUR * i) for i, k in enumerate(
        ["end", "end", "end", "delivery", "end", "delivery", "delivery", "delivery", "delivery", "delivery", "end"])],
    "none below zero": [("delivery", 0), ("delivery", 1), ("end", 2), ("end", 3)],
    "many ends take as many deliveries": [("end", i) for i in range(20)]
    + [("delivery", 20 + i) for i in range(9)] + [("end", 40), ("delivery", 41), ("delivery", 42), ("end", 43)],
}
told = {}
for name, steps in stories.items():
    side = Side()
    told[name] = [
        {"what": what, "clock": clock, **({"fee": str(side.end(clock))} if what == "end" else side.delivery() or {})}
        for what, clock in steps
    ]

rounds = EPOCH_MS // TICK_MS
rests = [{"times": n, "rounds": min(24 * rounds, rounds // 4 * 2 ** (n - 1))} for n in range(1, 13)]

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "rules-deliveries.json"), "w") as out:
    json.dump({"parameters": {"failedFee": FAILED_FEE, "failedMs": FAILED_MS, "tickMs": TICK_MS, "epochMs": EPOCH_MS},
               "stories": told, "rests": rests}, out, indent=1)
    out.write("\n")

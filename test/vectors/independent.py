"""
Makes the vectors rules-money.json, rules-challenges.json, openings.json, encodings.json and entries.json from docs/protocol.md and docs/formats.md alone: an
implementation that shares nothing with the project's, in another language. Run it in this folder with
`python3 independent.py`; it needs the package `cryptography` for Ed25519, and prints nothing.
"""

import hashlib
import json
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# BLAKE3, plain mode, as its paper describes it; one buffer of any length.

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
M32 = 0xFFFFFFFF


def rot(x, n):
    return ((x >> n) | (x << (32 - n))) & M32


def compress(cv, words, counter, length, flags):
    v = cv + IV[:4] + [counter & M32, counter >> 32, length, flags]
    m = list(words)
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(
            [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
             (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
        ):
            x, y = m[2 * i], m[2 * i + 1]
            v[a] = (v[a] + v[b] + x) & M32
            v[d] = rot(v[d] ^ v[a], 16)
            v[c] = (v[c] + v[d]) & M32
            v[b] = rot(v[b] ^ v[c], 12)
            v[a] = (v[a] + v[b] + y) & M32
            v[d] = rot(v[d] ^ v[a], 8)
            v[c] = (v[c] + v[d]) & M32
            v[b] = rot(v[b] ^ v[c], 7)
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def words_of(block):
    block = block + bytes(64 - len(block))
    return [int.from_bytes(block[4 * i:4 * i + 4], "little") for i in range(16)]


def chunk_cv(data, counter, last):
    cv = IV
    blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
    for n, block in enumerate(blocks):
        flags = (CHUNK_START if n == 0 else 0) | (CHUNK_END if n == len(blocks) - 1 else 0)
        if last and n == len(blocks) - 1:
            flags |= ROOT
        cv = compress(cv, words_of(block), counter, len(block), flags)
    return cv


def subtree(data, counter, root):
    if len(data) <= 1024:
        return chunk_cv(data, counter, root)
    left = 1024
    while 2 * left < len(data):
        left *= 2
    pair = subtree(data[:left], counter, False) + subtree(data[left:], counter + left // 1024, False)
    return compress(IV, pair, 0, 64, PARENT | (ROOT if root else 0))


def blake3(data):
    return b"".join(w.to_bytes(4, "little") for w in subtree(data, 0, True))


def encode(*parts):
    out = b""
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part.to_bytes(8, "little") if isinstance(part, int) else part
        out += len(raw).to_bytes(8, "little") + raw
    return out


def H(*parts):
    return blake3(encode(*parts))


assert blake3(b"").hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


# Encodings of operations and entries.

def varint(n):
    if n <= 0xFC:
        return bytes([n])
    if n <= 0xFFFF:
        return b"\xfd" + n.to_bytes(2, "little")
    if n <= 0xFFFFFFFF:
        return b"\xfe" + n.to_bytes(4, "little")
    return b"\xff" + n.to_bytes(8, "little")


def zigzag(n):
    return 2 * n if n >= 0 else -2 * n - 1


def save(name, value):
    with open(name, "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


EDGES = [0, 1, 252, 253, 254, 255, 256, 65535, 65536, 65537, 2**32 - 1, 2**32, 2**32 + 1, 2**53 - 1]
AMOUNTS = EDGES + [2**53, 2**53 + 1, 2**61, 2**62 - 1]
TEXTS = ["", "a", "datdot", "grüße", "鍵", "\u0000", "x" * 253]
save("encodings.json", {
    "uint": [{"value": n, "bytes": varint(n).hex()} for n in EDGES],
    "amount": [{"value": str(n), "bytes": varint(n).hex()} for n in AMOUNTS],
    "change": [{"value": str(s * n), "bytes": varint(zigzag(s * n)).hex()} for n in AMOUNTS for s in (1, -1)],
    "text": [{"value": t, "bytes": (varint(len(t.encode())) + t.encode()).hex()} for t in TEXTS],
    "bytes": [{"value": (b"\x07" * n).hex(), "bytes": (varint(n) + b"\x07" * n).hex()} for n in (0, 1, 252, 253, 300)],
    # Not the shortest form, a length beyond what follows, a flag that is none: each must be refused.
    "refused": {
        "uint": ["", "fd", "fdfc00", "fd0000", "fe", "feffff0000", "ffffffffff00000000", "ff0000000000002000", "0000"],
        "amount": ["ff0000000000000040", "ffffffffffffffffff", "fdfc00"],
        "text": ["01", "02c3", "02c328", "03e28228", "fdfc00" + "61" * 252],
        "flag": ["02", "ff", ""],
        "list": ["01", "ff00000000010000000102", "fe000000ff01"],
    },
})


# Entries and receipts.

ZERO = bytes(32)
chain_id = bytes([3]) * 32
seed = blake3(b"vector chain")
key = Ed25519PrivateKey.from_private_bytes(seed)
public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
entries = []
previous = H("datdot/log/1")
for seq, at, clock, arrived, rules, operation, effects in [
    (0, 1_700_000_000_000, 0, None, 1, b"first", b""),
    (1, 1_700_000_000_000, 10, 7, 1, b"second", b"\x00\x00"),
    (2, 1_700_000_010_001, 10_001, 9_000, 1, b"third", b"e" * 300),
    (3, 2**48, 2**48, 2**48, 65535, b"", b"\xff"),
]:
    operation_hash = H("datdot/operation/1", chain_id, operation)
    effects_hash = blake3(effects)
    came = b"" if arrived is None else arrived
    entry_hash = H("datdot/entry/2", previous, seq, at, clock, came, rules, operation_hash, effects_hash)
    wire = varint(seq) + varint(at) + varint(clock) + (b"\x00" if arrived is None else b"\x01" + varint(arrived)) + varint(rules) + varint(len(operation)) + operation + effects_hash + entry_hash
    signed = encode("datdot/receipt/2", chain_id, seq, operation_hash, entry_hash, at, clock, came)
    entries.append({
        "seq": seq, "at": at, "clock": clock, "arrived": arrived, "rules": rules, "operation": operation.hex(), "effects": effects.hex(),
        "previous": previous.hex(), "operationHash": operation_hash.hex(), "hash": entry_hash.hex(),
        "wire": wire.hex(), "receiptSignature": key.sign(signed).hex(),
    })
    previous = entry_hash
save("entries.json", {"chainId": chain_id.hex(), "chainSeed": seed.hex(), "chainKey": public.hex(), "entries": entries})


# Originals: the roots of a hypercore's own tree, its hash and bytes, and the record on the wire.

def full_roots(length):
    roots, first = [], 0
    for bit in reversed(range(length.bit_length())):
        if length >> bit & 1:
            roots.append(2 * first + 2**bit - 1)
            first += 2**bit
    return roots


originals = []
for fork, length in [(0, 0), (0, 1), (0, 2), (0, 3), (7, 100), (0, 255), (2**32, 2**32 + 1), (0, 2**40 - 1), (0, 2**40)]:
    indices = full_roots(length)
    sizes = [(i * i + 1) * (index % 251) for i, index in enumerate(indices)]
    hashes = [blake3(b"root %d" % index) for index in indices]
    tree = hashlib.blake2b(b"\x02" + b"".join(
        h + index.to_bytes(8, "little") + size.to_bytes(8, "little")
        for h, index, size in zip(hashes, indices, sizes)), digest_size=32).digest()
    wire = varint(fork) + varint(length) + varint(len(indices))
    wire += b"".join(varint(size) + h for size, h in zip(sizes, hashes))
    wire += varint(3) + b"\x01\x02\x03" + varint(0)
    originals.append({
        "fork": fork, "length": length, "roots": [{"size": s, "hash": h.hex()} for s, h in zip(sizes, hashes)],
        "byteLength": sum(sizes), "treeHash": tree.hex(), "wire": wire.hex(),
    })
save("originals.json", originals)


# Money: docs/protocol.md, sections 3 to 7. Defaults of the parameters that the formulas need.

PPM, GIB = 10**6, 2**30
D = {
    "donationBurnPpm": 50_000, "segmentRewardBase": 10_000, "segmentRewardPerGiB": 2_000_000,
    "storageRewardPerGiBEpoch": 200_000, "retrievalRewardPerGiBEpoch": 50_000, "minBilledBytes": 2**20,
    "rewardEpochsMax": 4_096, "depositSigma": 2, "failuresMax": 3, "depositPerGiB": 1_000_000, "copiesMax": 100,
    "checkReward": 300, "feePerUnit": 10, "feePerByte": 1, "segmentFee": 2_500, "challengeFee": 100,
    "lockFactor": 2, "lockMin": 50_000,
    "epochMs": 3_600_000, "graceEpochs": 24, "growthBytes": 2**24, "growthMs": 600_000, "growthSharePpm": PPM,
}


def burn(a):
    return -(-a * D["donationBurnPpm"] // PPM)


def reward(per, b, epochs):
    return per * max(b, D["minBilledBytes"]) * max(0, min(epochs, D["rewardEpochsMax"])) // GIB


def price(b):
    return D["segmentRewardBase"] + D["segmentRewardPerGiB"] * b // GIB


def lock(b, every):
    y = reward(D["storageRewardPerGiBEpoch"], b, every) + reward(D["retrievalRewardPerGiBEpoch"], b, every)
    return D["depositSigma"] * D["failuresMax"] * y + price(b) + D["segmentFee"]


def due(sizes, every):
    # A round of all that is due: for each copy Y of storage and of retrieval at R = 1, Z, and the fees of a challenge and a check.
    return sum(reward(D["storageRewardPerGiBEpoch"], b, every) + reward(D["retrievalRewardPerGiBEpoch"], b, every) + D["checkReward"] + 2 * D["challengeFee"]
               for b in sizes)


def growth(grown, blocks, age, sizes, every, fee=900):
    # What a growth costs, how long it still waits, and what the balance must have for it.
    room = grown + -(-grown // 200) + 640 * blocks
    cost = len(sizes) * (price(room) + D["segmentFee"]) + (fee if sizes else 0)
    share = due(sizes, every) * D["growthSharePpm"]
    if grown >= D["growthBytes"]:
        wait = 0
    else:
        saves = len(sizes) * (D["segmentRewardBase"] + D["segmentFee"]) + fee
        saved = -(-saves * every * D["epochMs"] * PPM // share) if sizes else 0
        wait = max(0, max(D["growthMs"], saved) - age)
    reserve = cost + -(-D["graceEpochs"] // every) * due([b + room for b in sizes], every)
    return {"bytes": grown, "blocks": blocks, "ageMs": age, "copies": sizes, "every": every, "fee": str(fee),
            "price": str(cost), "waitMs": wait, "reserve": str(reserve)}


def fee(kind, units, *body):
    # By cost units and bytes; all that is not the body counts as the most that it can be.
    size = 1 + 32 + 9 + 9 + 32 + 1 + 64 + sum(len(part) for part in body)
    grains = D["feePerUnit"] * units + D["feePerByte"] * size if units else 0
    return {"kind": kind, "body": b"".join(body).hex(), "fee": str(grains)}


def fees():
    a, b, zero = bytes(range(32)), bytes([7]) * 32, b"\0"
    one, long = (bytes.fromhex(originals[i]["wire"]) for i in (0, -1))
    plan = lambda copies, target: [varint(n) for n in (copies, target)] + [zero] + [varint(n) for n in (1, 44, 2**44)] + [b, zero]
    return [
        fee("transfer", 1, a, varint(1)), fee("transfer", 1, a, varint(252)), fee("transfer", 1, a, varint(253)),
        fee("transfer", 1, a, varint(2**61)), fee("donate", 1, a, varint(10**8)),
        fee("register", 2, b"\1", varint(10**12), varint(200 * 10**6), zero), fee("register", 2, b"\0", zero, zero, b"\1", b),
        fee("setPayout", 1, a, b"\1", b), fee("replaceKey", 2, a, b), fee("retire", 2, b"\2"), fee("pause", 2, varint(500_000), varint(12)),
        fee("sponsor", 4 + 2, a, one, *plan(2, 0), varint(10**8)), fee("sponsor", 4 + 100, a, long, *plan(1000, 0), zero),
        fee("sponsor", 4 + 4, a, one, *plan(0, 900_000), zero),
        fee("extend", 4, a, one), fee("extend", 4, a, long),
        fee("claimFactor", 8, a, bytes(256), b), fee("claimRoot", 8, a, varint(70_000), bytes(256)),
        # Paid in work; owed; the chain's own.
        fee("commitFactor", 0, a), fee("acknowledge", 0, varint(9)), fee("answer", 0, b"\1\5", zero, a), fee("judge", 0, varint(3), b"\1"),
    ]


def signer_lock(b):
    return max(D["lockFactor"] * price(b), D["lockMin"])


def split(locked, p):
    # A half to the finder, X to the hypercore as far as the other half goes, the rest burned.
    bounty = locked // 2
    compensation = min(p, locked - bounty)
    return {"lock": str(locked), "price": str(p), "bounty": str(bounty), "compensation": str(compensation),
            "burned": str(locked - bounty - compensation)}


def copies(target, reputations):
    # The smallest q with 1 - prod(1 - R_i) >= t; what is left is rounded up, so that no target is reached by rounding.
    left, q = PPM, 0
    while q < D["copiesMax"] and (q == 0 or PPM - left < target):
        r = reputations[q] if q < len(reputations) else PPM // 2
        left = -(-left * (PPM - r) // PPM)
        q += 1
    return q


def drift(value, days):
    # Each day leaves 0.97716 of the distance to one, in whole millionths, rounded towards one.
    for _ in range(days):
        beyond = value - PPM
        value = PPM + (beyond * 977_160 // PPM if beyond >= 0 else -(-beyond * 977_160 // PPM))
    return value


def lower_median(values):
    return sorted(values)[(len(values) - 1) // 2]


def peel(value, times):
    for _ in range(times):
        value = H("datdot/onion/1", value)
    return value


def onion(byte, length):
    """Three onions of one secret: what each commits to, and the values of the rounds 1, 2, … over two of them and one round."""
    secret = bytes([byte]) * 32
    seeds = [H("datdot/onion-seed/1", secret, j) for j in range(3)]
    values = [peel(seeds[r // length], length - 1 - r % length) for r in range(2 * length + 1)]
    return {
        "secret": secret.hex(), "length": length,
        "commitments": [peel(s, length).hex() for s in seeds], "values": [v.hex() for v in values],
    }


SIZES = [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 65_536_000, GIB - 1, GIB, GIB + 1, 10 * GIB, 2**44]
DONATIONS = [1, 2, 19, 20, 21, 39, 40, 41, 999_999, 10**6, 10**6 + 1, 2**53 + 1, 2**61 - 1]
save("rules-money.json", {
    "parameters": {k: v for k, v in D.items()},
    "donationBurn": [{"amount": str(a), "burned": str(burn(a))} for a in DONATIONS],
    "storageReward": [{"bytes": b, "epochs": e, "reward": str(reward(D["storageRewardPerGiBEpoch"], b, e))}
                      for b in SIZES for e in (-1, 0, 1, 2, 24, 4_095, 4_096, 4_097, 10**6)],
    "retrievalReward": [{"bytes": b, "epochs": e, "reward": str(reward(D["retrievalRewardPerGiBEpoch"], b, e))}
                        for b in SIZES for e in (0, 1, 3, 4_097)],
    "paidFor": [{"reward": str(y), "ppm": r, "paid": str(y * r // PPM)}
                for y in (0, 1, 2, 3, 195, 200_000, 10**12 + 7, 2**53 + 1) for r in (0, 1, 333_333, 500_000, 999_999, PPM)],
    "segmentReward": [{"bytes": b, "reward": str(price(b))} for b in SIZES],
    "copyLock": [{"bytes": b, "every": e, "lock": str(lock(b, e))} for b in SIZES for e in (1, 2, 64, 1024)],
    "roundDue": [{"copies": c, "every": e, "due": str(due(c, e))}
                 for c in ([], [0], [1, 2**20], [2**20 + 1, GIB, 2**44], [GIB] * 100) for e in (1, 2, 1024)],
    "growth": [growth(b, n, age, c, e) for b, n in ((0, 1), (1, 1), (600, 600), (2**24 - 1, 256), (2**24, 256), (2**40, 2**24))
               for age in (0, 599_999, 600_000, 66_176_471, 66_300_000)
               for c, e in (([], 1), ([2**20], 1), ([1, 2**20], 2), ([GIB] * 3, 1), ([2**20], 1_024))]
    # What gathering saves, to the millisecond and a grain more.
    + [growth(1, 1, 0, [2**20], 1, -(D["segmentRewardBase"] + D["segmentFee"]) % due([2**20], 1) + more) for more in (0, 1)],
    "fees": fees(),
    "signerLock": [{"bytes": b, "lock": str(signer_lock(b))} for b in SIZES],
    "splitLock": [split(l, p) for l in (0, 1, 2, 3, 49_999, 50_000, 50_001, 4_020_000, 2**53 + 1) for p in (0, 1, 10_000, 25_000, 2**52)],
    "backedBytes": [{"deposit": str(d), "bytes": str(d * GIB // D["depositPerGiB"])}
                    for d in (0, 1, 999_999, 10**6, 10**6 + 1, 50_000_000, 2**40)],
    "copiesFor": [{"target": t, "reputations": r, "copies": copies(t, r)} for t, r in [
        (0, []), (1, []), (500_000, []), (500_001, []), (750_000, []), (750_001, []), (999_999, []), (900_000, [900_000]),
        (900_001, [900_000]), (990_000, [900_000, 900_000]), (990_001, [900_000, 900_000]), (999_999, [PPM]), (999_999, [0] * 200),
        (700_000, [400_000, 300_000]), (999_999, [999_999]), (999_999, [1]),
    ]],
    "drift": [{"value": v, "days": d, "after": drift(v, d)}
              for v in (1, 2, 500_000, 999_999, PPM, PPM + 1, PPM + 43, 1_500_000, 7_000_000, 100 * PPM, 1_000 * PPM) for d in (0, 1, 2, 30, 90, 365)],
    "lowerMedian": [{"values": v, "median": lower_median(v)} for v in
                    ([5], [1, 2], [2, 1], [3, 1, 2], [4, 3, 2, 1], [9, 9, 1, 1, 5], [10, 2, 33], [0, 0, 0, 7])],
    "onion": [onion(5, 2), onion(6, 7)],
})


# Openings (docs/protocol.md, section 7): the chance of one, and what the value of a round draws.

CONTEXT, MATERIAL = 32, 64


def derive(context, material, length):
    """BLAKE3 in derive-key mode, extended output."""
    def key_chunks(data, key, flags, out):
        # Inputs here are short: one chunk.
        assert len(data) <= 1024
        cv, blocks = key, [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
        for n, block in enumerate(blocks):
            f = flags | (CHUNK_START if n == 0 else 0)
            if n < len(blocks) - 1:
                cv = compress(cv, words_of(block), 0, len(block), f)
        last = (words_of(blocks[-1]), len(blocks[-1]), f | CHUNK_END | ROOT)
        result = b""
        for counter in range((out + 63) // 64):
            result += wide(cv, last[0], counter, last[1], last[2])
        return result[:out]
    name = key_chunks(context.encode(), IV, CONTEXT, 32)
    return key_chunks(material, [int.from_bytes(name[4 * i:4 * i + 4], "little") for i in range(8)], MATERIAL, length)


def wide(cv, words, counter, length, flags):
    """All 64 bytes of a compression."""
    v = cv + IV[:4] + [counter & M32, counter >> 32, length, flags]
    m = list(words)
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(
            [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
             (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
        ):
            x, y = m[2 * i], m[2 * i + 1]
            v[a] = (v[a] + v[b] + x) & M32
            v[d] = rot(v[d] ^ v[a], 16)
            v[c] = (v[c] + v[d]) & M32
            v[b] = rot(v[b] ^ v[c], 12)
            v[a] = (v[a] + v[b] + y) & M32
            v[d] = rot(v[d] ^ v[a], 8)
            v[c] = (v[c] + v[d]) & M32
            v[b] = rot(v[b] ^ v[c], 7)
        m = [m[i] for i in ORDER]
    out = [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ cv[i] for i in range(8)]
    return b"".join(w.to_bytes(4, "little") for w in out)


def U(seed, m):
    words = derive("datdot/uniform/1", seed, 256)
    for at in range(0, 256, 8):
        word = int.from_bytes(words[at:at + 8], "little")
        if word < 2**64 // m * m:
            return word % m
    raise RuntimeError("32 words were not enough")


def chance(size, chunks, every):
    interval = every * 3_600_000
    a = 2**32 * 524_288 * chunks * interval // (604_800_000 * (size + 2_048 * chunks))
    b = 2**32 * interval // 7_776_000_000
    return min(2**30, max(a, b))


def opening(challenge, byte, chunks):
    chain, value = bytes([3]) * 32, bytes([byte]) * 32
    seed = H("datdot/opening/1", chain, challenge, value)
    return {
        "chain": chain.hex(), "challenge": challenge, "value": value.hex(), "chunks": chunks, "seed": seed.hex(),
        "draw": U(seed, 2**32), "chunk": U(H("datdot/opened-chunk/1", seed), chunks),
    }


save("openings.json", {
    "chances": [{"bytes": n * size, "chunks": n, "every": every, "chance": chance(n * size, n, every)}
                for n in (1, 3, 1_000, 2**30) for size in (137, 1_160, 65_672, 2**20, 15_790_472) for every in (1, 2, 1024)],
    "draws": [opening(c, v, n) for c in (0, 1, 77, 2**40) for v in (0, 1, 250) for n in (1, 2, 3, 1_000, 2**40)],
})


# Storage challenges: docs/protocol.md, section 7. Slots and their rounds are counted one by one; defaults of the parameters.

def slot_of(round_, every, base_round, base_clock, tick, epoch):
    begins = lambda r: base_clock + (r - base_round) * tick
    slot = begins(round_) // (every * epoch)
    left = 0
    while begins(round_ + left) < (slot + 1) * every * epoch:
        left += 1
    return {"round": round_, "every": every, "baseRound": base_round, "baseClock": base_clock, "tickMs": tick,
            "epochMs": epoch, "slot": slot, "roundsLeft": left}


def slot_draw(every, byte, waiting, left):
    chain, value = bytes([3]) * 32, bytes([byte]) * 32
    seed = H("datdot/slot/1", chain, every, value)
    whole, rest = divmod(waiting, left)
    share = whole + (1 if rest and U(seed, left) < rest else 0)
    lots = [U(H("datdot/slot-lot/1", seed, lot), waiting - lot) for lot in range(min(share, 4))]
    return {"chain": chain.hex(), "every": every, "value": value.hex(), "waiting": waiting, "roundsLeft": left,
            "seed": seed.hex(), "share": share, "lots": lots}


def scores(story):
    score, out = 0, []
    for letter in story:
        # Success takes 1 in 50 of a failure, never below 0; unknown and offline say nothing.
        score = max(0, score - 1) if letter == "s" else score if letter in "uo" else score + 50
        out.append(score)
    return {"story": story, "scores": out, "lost": next((n for n, s in enumerate(out) if s >= 3 * 50), None)}


save("rules-challenges.json", {
    "slots": [slot_of(r, every, br, bc, tick, epoch)
              for tick, epoch in ((10_000, 3_600_000), (250, 3_000), (7, 100), (600_000, 3_600_000))
              for every in (1, 2, 8) for br, bc in ((0, 0), (5, 12_345)) for r in (5, 6, 17, 364, 365)],
    "draws": [slot_draw(every, byte, waiting, left) for every in (1, 64) for byte in (0, 1, 2, 250)
              for waiting, left in ((1, 1), (1, 2), (1, 360), (5, 360), (361, 360), (1_000_000, 359), (7, 3))],
    "scores": [scores(s) for s in ("fff", "sfsfuf", "ss" + "f" + "s" * 49 + "ff" + "sf", "f" + "s" * 60 + "f",
                                   "frof", "o" * 72, "fofosoof", "l" * 3, "f" + "s" * 25 + "f" + "s" * 24 + "uf" + "f")],
    "answerMs": [{"steps": s, "ms": 2 * 500 + -(-s * 25_000 // 1_000)} for s in (1, 9, 36, 45, 459, 512)],
})

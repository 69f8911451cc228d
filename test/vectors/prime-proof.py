# Makes prime-proof.json: an implementation of docs/formats.md, "Proof about prime factors", that shares nothing with
# src/ (its BLAKE3 is below). python3 test/vectors/prime-proof.py > test/vectors/prime-proof.json
import json

MASK = 0xFFFFFFFF
IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
ORDER = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
START, END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = 1, 2, 4, 8, 16, 32, 64


def compress(cv, block, counter, length, flags):
    m = [int.from_bytes(block[4 * i:4 * i + 4], "little") for i in range(16)]
    v = cv + IV[:4] + [counter & MASK, counter >> 32, length, flags]

    def mix(a, b, c, d, x, y):
        for word, first, second in ((x, 16, 12), (y, 8, 7)):
            v[a] = (v[a] + v[b] + word) & MASK
            v[d] ^= v[a]
            v[d] = (v[d] >> first | v[d] << (32 - first)) & MASK
            v[c] = (v[c] + v[d]) & MASK
            v[b] ^= v[c]
            v[b] = (v[b] >> second | v[b] << (32 - second)) & MASK

    for _ in range(7):
        for i in range(4):
            mix(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ cv[i] for i in range(8)]


def blake3(data, length=32, key=IV, mode=0):
    def leaf(chunk, counter):
        cv = key
        blocks = [chunk[i:i + 64] for i in range(0, len(chunk), 64)] or [b""]
        for i, block in enumerate(blocks):
            flags = mode | (START if i == 0 else 0) | (END if i == len(blocks) - 1 else 0)
            last = (cv, block.ljust(64, b"\0"), counter, len(block), flags)
            cv = compress(*last)[:8]
        return last

    def tree(part, counter):
        if len(part) <= 1024:
            return leaf(part, counter)
        left = 1024
        while 2 * left < len(part):
            left *= 2
        cvs = compress(*tree(part[:left], counter))[:8]
        cvs += compress(*tree(part[left:], counter + left // 1024))[:8]
        return (key, b"".join(w.to_bytes(4, "little") for w in cvs), 0, 64, mode | PARENT)

    cv, block, _, size, flags = tree(data, 0)
    out = b""
    while len(out) < length:
        words = compress(cv, block, len(out) // 64, size, flags | ROOT)
        out += b"".join(w.to_bytes(4, "little") for w in words)
    return out[:length]


def words(key):
    return [int.from_bytes(key[i:i + 4], "little") for i in range(0, 32, 4)]


def keyed(key, data):
    return blake3(data, 32, words(key), KEYED)


def encode(*parts):
    out = b""
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        if isinstance(part, int):
            part = part.to_bytes(8, "little")
        out += len(part).to_bytes(8, "little") + part
    return out


def H(*parts):
    return blake3(encode(*parts))


def xof(length, domain, *parts):
    context = words(blake3(domain.encode(), 32, IV, CONTEXT))
    return blake3(encode(domain, *parts), length, context, MATERIAL)


# ---- the proof

TABLE = [-1] + [p for p in range(2, 308) if all(p % q for q in range(2, p))]
assert len(TABLE) == 64


def character(a, p):
    return pow(a, (p - 1) // 2, p) == p - 1


def even_root(a, p):
    """The even one of the two square roots modulo p: Cipolla's way, not Tonelli's."""
    t = 0
    while not character(t * t - a, p):
        t += 1
    w = (t * t - a) % p

    def times(x, y):
        return ((x[0] * y[0] + x[1] * y[1] * w) % p, (x[0] * y[1] + x[1] * y[0]) % p)

    result, base, e = (1, 0), (t, 1), (p + 1) // 2
    while e:
        if e & 1:
            result = times(result, base)
        base = times(base, base)
        e >>= 1
    root = result[0]
    assert root * root % p == a % p and result[1] == 0
    return root if root % 2 == 0 else p - root


def join(rests, primes):
    n = 1
    for p in primes:
        n *= p
    return sum(r * (n // p) * pow(n // p, -1, p) for r, p in zip(rests, primes)) % n


def prove(secret, segment):
    count = secret[1]
    size = {3: 86, 4: 64}[count]
    primes = [int.from_bytes(secret[2 + size * i:2 + size * (i + 1)], "big") for i in range(count)]
    n = 1
    for p in primes:
        n *= p
    modulus = n.to_bytes(256, "big")

    def vector(a):
        return tuple(character(a, p) for p in primes)

    chosen, reached = [], {(False,) * count: (0, 1)}
    for index, g in enumerate(TABLE):
        if len(chosen) < count and vector(g) not in reached:
            for mask, value in list(reached.values()):
                value = value * g % n
                reached[vector(value)] = (mask | 1 << len(chosen), value)
            chosen.append(index)
    values = [int.from_bytes(xof(272, "datdot/primes/1", segment, modulus, i), "big") % n for i in range(87)]
    root_key = keyed(H("datdot/prime-roots/1"), secret)
    masks, roots = [], []
    for x in values[:80]:
        mask, factor = reached[vector(x)]
        square = x * factor % n
        choice = keyed(root_key, square.to_bytes(256, "big"))[0]
        rests = [even_root(square, p) for p in primes]
        rests = [p - r if choice >> k & 1 else r for k, (r, p) in enumerate(zip(rests, primes))]
        root = join(rests, primes)
        roots.append(min(root, n - root))
        masks.append(mask)
        assert roots[-1] ** 2 % n == square
    order = 1
    for p in primes:
        order *= p - 1
    for y in values[80:]:
        roots.append(pow(y, pow(n, -1, order), n))
        assert pow(roots[-1], n, n) == y
    packed = bytes(masks[2 * i] | masks[2 * i + 1] << 4 for i in range(40))
    proof = bytes([1, count, *chosen]) + packed + b"".join(r.to_bytes(256, "big") for r in roots)
    return modulus, proof


assert blake3(b"").hex().startswith("af1349b9f5f9a1a6a0404dea36dcc949")
vectors = []
for key in json.load(open("test/vectors/seal.json"))["keys"]:
    for fill in (0x30, 0xD8):
        segment = bytes([fill]) * 32
        secret = bytes.fromhex(key["secretKey"])
        modulus, proof = prove(secret, segment)
        vectors.append({
            "segmentId": segment.hex(),
            "secretKey": secret.hex(),
            "modulus": modulus.hex(),
            "proof": proof.hex(),
            "hash": H("datdot/prime-proof/1", proof).hex(),
        })
n = int(vectors[0]["modulus"], 16)
secret = vectors[0]["secretKey"]
primes = [int(secret[4 + 128 * i:132 + 128 * i], 16) for i in range(4)]
order = 1
for p in primes:
    order *= p - 1
finder, beacon, salt = b"\x11" * 32, b"\x22" * 32, b"\x33" * 32
segment = bytes.fromhex(vectors[0]["segmentId"])
value = xof(255, "datdot/alive/1", segment, finder, beacon)
root = pow(int.from_bytes(value, "big"), pow(65537, -1, order), n)
factor = primes[0].to_bytes(256, "big")
bounty = {
    "segmentId": segment.hex(),
    "finder": finder.hex(),
    "beacon": beacon.hex(),
    "salt": salt.hex(),
    "modulus": vectors[0]["modulus"],
    "aliveValue": value.hex(),
    "root": root.to_bytes(256, "big").hex(),
    "factor": factor.hex(),
    "commitment": H("datdot/factor/1", segment, finder, factor, salt).hex(),
}
print(json.dumps({"proofs": vectors, "bounty": bounty}, indent=2))

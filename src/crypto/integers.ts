/**
 * Arithmetic on integers of any size, in plain bigints: the same on every machine. Nothing here is constant in
 * time, and a bigint cannot be wiped: what handles secrets with it says so.
 */

/** Bits of `value` >= 0 without leading zeros; 0 has none. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16)
  return value === 0n ? 0 : 4 * (digits.length - 1) + (32 - Math.clz32(parseInt(digits[0]!, 16)))
}

/** base^exponent mod modulus, for exponent >= 0 and modulus > 1; four bits of the exponent at a time. */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const table = [1n, base % modulus]
  for (let i = 2; i < 16; i++) table.push((table[i - 1]! * table[1]!) % modulus)
  let result = 1n
  for (const digit of exponent.toString(16)) {
    if (result !== 1n) for (let i = 0; i < 4; i++) result = (result * result) % modulus
    const factor = table[parseInt(digit, 16)]!
    if (factor !== 1n) result = (result * factor) % modulus
  }
  return result
}

export function gcd(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a
}

/** a^-1 mod modulus; undefined if they have a common factor. */
export function inverse(a: bigint, modulus: bigint): bigint | undefined {
  let [low, high] = [((a % modulus) + modulus) % modulus, modulus]
  let [x, y] = [1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[low, high] = [high - quotient * low, low]
    ;[x, y] = [y - quotient * x, x]
  }
  return high === 1n ? ((y % modulus) + modulus) % modulus : undefined
}

/** The Jacobi symbol (a / n) for odd n > 0: 0 if they have a common factor. */
export function jacobi(a: bigint, n: bigint): -1 | 0 | 1 {
  a = ((a % n) + n) % n
  let sign: -1 | 1 = 1
  const flip = (): void => {
    sign = sign === 1 ? -1 : 1
  }
  while (a > 0n) {
    let zeros = 0
    while ((a & 1n) === 0n) {
      a >>= 1n
      zeros++
    }
    const rest = n & 7n
    if (zeros % 2 === 1 && (rest === 3n || rest === 5n)) flip()
    if ((a & 3n) === 3n && (n & 3n) === 3n) flip()
    ;[a, n] = [n % a, a]
  }
  return n === 1n ? sign : 0
}

/** The largest r with r^degree <= value, for value >= 1 and degree >= 2. */
export function integerRoot(value: bigint, degree: number): bigint {
  // A start at or above the root, from as many high bits as a double can take; Newton's steps only fall then.
  const spare = Math.max(0, bitLength(value) - 1000)
  const dropped = Math.ceil(spare / degree)
  const near = Math.pow(Number(value >> BigInt(dropped * degree)) * (1 + 2 ** -40), 1 / degree)
  let root = (BigInt(Math.ceil(near * (1 + 2 ** -40))) + 1n) << BigInt(dropped)
  const d = BigInt(degree)
  for (;;) {
    const next = ((d - 1n) * root + value / root ** (d - 1n)) / d
    if (next >= root) return root
    root = next
  }
}

/** The product of all values, by halves: near linear time for many. */
export function product(values: readonly bigint[]): bigint {
  if (values.length === 0) return 1n
  let level = values
  while (level.length > 1) {
    const next: bigint[] = []
    for (let i = 0; i < level.length; i += 2) next.push(level[i]! * (level[i + 1] ?? 1n))
    level = next
  }
  return level[0]!
}

/** All primes below `limit`, ascending. */
export function primesBelow(limit: number): number[] {
  const composite = new Uint8Array(limit)
  const primes: number[] = []
  for (let n = 2; n < limit; n++) {
    if (composite[n] === 1) continue
    primes.push(n)
    for (let multiple = n * n; multiple < limit; multiple += n) composite[multiple] = 1
  }
  return primes
}

/** Whether odd n > 2 passes Miller and Rabin's test to `base`, below n: all primes do, and few other numbers. */
export function isStrongProbablePrime(n: bigint, base = 2n): boolean {
  let odd = n - 1n
  let twos = 0
  while ((odd & 1n) === 0n) {
    odd >>= 1n
    twos++
  }
  let x = base === 2n ? powerOfTwo(odd, n) : power(base, odd, n)
  if (x === 1n || x === n - 1n) return true
  for (let i = 1; i < twos; i++) {
    x = (x * x) % n
    if (x === n - 1n) return true
  }
  return false
}

/** 2^exponent mod modulus: a bit that is set doubles, which needs no product. */
function powerOfTwo(exponent: bigint, modulus: bigint): bigint {
  let x = 1n
  for (const bit of exponent.toString(2)) {
    x = (x * x) % modulus
    if (bit === '1') x <<= 1n
    if (x >= modulus) x -= modulus
  }
  return x
}

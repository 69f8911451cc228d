import { checkPrimeSync } from 'node:crypto'
import { searchFactor } from '../../src/crypto/factor-search.js'
import { xof } from '../../src/crypto/hash.js'
import { bigintOf, rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import type { Suite } from '../harness.js'

/** How sure it should be that a factor is found. */
const SURE = 0.99
/** Curves that are tried on factors of each length: a chance of 1 in 80 is then known to a sixth. */
const CURVES = 3_000
const QUICK_CURVES = 200
const STEPS = { 'p - 1': 0, 'a curve': 1 } as const

/**
 * What the search for small factors of a modulus costs and finds. Steps are timed on a modulus of 2048 bits, by CPU time. How
 * many curves a factor takes depends on the factor and not on the modulus, so that is counted on products of two primes, where
 * a curve takes a fraction of the time.
 */
const suite: Suite = ({ note, quick }) => {
  const modulus = bigintOf(rsaKeyFromSeed(Buffer.alloc(32, 7), 4).publicKey)
  const seed = Buffer.alloc(32, 1)
  let curveMs = 0
  for (const [name, from] of Object.entries(STEPS)) {
    const times: number[] = []
    let products = 0
    for (let run = 0; run < (quick ? 1 : 3); run++) {
      const before = process.cpuUsage()
      ;({ products } = searchFactor(modulus, { seed, products: 1, from: from + (from && run) }))
      const { user, system } = process.cpuUsage(before)
      times.push((user + system) / 1000)
    }
    const ms = times.toSorted((a, b) => a - b)[times.length >> 1]!
    if (from > 0) curveMs = ms
    note(`factors: ${name}, ms`, rounded(ms))
    note(`factors: ${name}, products`, products)
    note(`factors: ${name}, us a product`, rounded((1000 * ms) / products))
  }
  for (const bits of quick ? [32] : [32, 48, 64]) {
    let found = 0
    let curves = 0
    for (let trial = 0; curves < (quick ? QUICK_CURVES : CURVES); trial++) {
      const n = prime(bits, trial) * prime(96, trial)
      for (let next = 1, one = true; one && next <= CURVES;) {
        const step = searchFactor(n, { seed, products: 1, from: next })
        curves++
        one = step.factor === undefined
        next = step.next
      }
      found++
    }
    const chance = found / curves
    const needed = Math.ceil(Math.log(1 - SURE) / Math.log(1 - Math.min(chance, 1 - 1e-9)))
    note(`factors: of ${bits} bits, one in so many curves finds it`, rounded(1 / chance))
    note(`factors: of ${bits} bits, curves for 99 %`, needed)
    note(`factors: of ${bits} bits, s for 99 %`, rounded((needed * curveMs) / 1000))
  }
  return Promise.resolve()
}

/** A prime of exactly so many bits, another for each trial. */
function prime(bits: number, trial: number): bigint {
  const bytes = xof(Math.ceil(bits / 8), 'datdot/bench/factors', bits, trial)
  let p = BigInt(`0x${bytes.toString('hex')}`) | (1n << BigInt(bits - 1)) | 1n
  while (!checkPrimeSync(p)) p += 2n
  return p
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

export default suite

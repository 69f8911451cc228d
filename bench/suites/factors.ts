import { checkPrimeSync } from 'node:crypto'
import { factorEngine, type FactorEngine } from '../../src/crypto/factor-engine.js'
import { BOUND, FAR_BOUND, STARTS, curvesOf } from '../../src/crypto/factor-search.js'
import { factorPlan } from '../../src/crypto/factor-plan.js'
import { xof } from '../../src/crypto/hash.js'
import { bitLength, inverse } from '../../src/crypto/integers.js'
import { bigintOf, rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { rsaPaths } from '../../src/crypto/rsa.js'
import type { Suite } from '../harness.js'

/** How sure it should be that a factor is found. */
const SURE = 0.99
/** Factors of each length that are looked for, and with how many curves. */
const MODULI = { 48: 1, 56: 2, 64: 6 } as const
const MOST_CURVES = { 48: 160, 56: 320, 64: 640 } as const

/**
 * What the search for small factors of a modulus costs and finds. Steps are timed on a modulus of 2048 bits, by CPU time, on
 * each path. How many curves a factor takes depends on the factor and not on the modulus: so it is counted on moduli that are
 * products of many factors drawn at random, each of which one curve may find.
 */
const suite: Suite = ({ note, quick }) => {
  const modulus = bigintOf(rsaKeyFromSeed(Buffer.alloc(32, 7), 4).publicKey)
  const seed = Buffer.alloc(32, 1)
  const plan = factorPlan(BOUND, FAR_BOUND)
  const curveMs = new Map<string, number>()
  for (const path of rsaPaths()) {
    const engine = factorEngine(modulus, path)
    const starts = STARTS.map(([above, below]) => (above * inverse(below, modulus)!) % modulus)
    note(`factors: ${path}, p - 1 and p + 1, ms`, rounded(cpuMs(quick, () => engine.powers(starts, plan))))
    const curves = curvesOf(modulus, seed, 1, engine.lanes)
    const ms = cpuMs(quick, () => engine.curves(curves, plan)) / engine.lanes
    curveMs.set(path, ms)
    note(`factors: ${path}, a curve, ms`, rounded(ms))
  }
  if (quick) return Promise.resolve()
  for (const bits of [48, 56, 64] as const) {
    const needed: number[] = []
    let missed = 0
    for (let trial = 0; trial < MODULI[bits]; trial++) {
      const { n, factors } = manyFactors(bits, trial)
      const found = curvesNeeded(factorEngine(n), n, factors, MOST_CURVES[bits], trial)
      missed += factors.length - found.length
      needed.push(...found)
    }
    needed.sort((a, b) => a - b)
    const all = needed.length + missed
    note(`factors: of ${bits} bits, looked for`, all)
    note(
      `factors: of ${bits} bits, one curve in so many finds it`,
      rounded(totalCurves(needed, missed, MOST_CURVES[bits]) / needed.length)
    )
    for (const share of [0.5, SURE]) {
      const curves = needed[Math.ceil(share * all) - 1] ?? Infinity
      note(`factors: of ${bits} bits, curves for ${100 * share} %`, curves)
      for (const [path, ms] of curveMs) {
        note(`factors: of ${bits} bits, s for ${100 * share} %, ${path}`, rounded((curves * ms) / 1000))
      }
    }
    if (bits === 64) {
      for (const curves of [340, 500]) {
        note(
          `factors: of 64 bits, found by ${curves} curves, %`,
          rounded((100 * needed.filter((count) => count <= curves).length) / all)
        )
      }
    }
  }
  return Promise.resolve()
}

/**
 * How many curves each factor takes, of those that are found. A curve that finds another one by its near bound already is nothing
 * modulo that one from there on, and its far bound says nothing of the rest: it is not counted for them.
 */
function curvesNeeded(
  engine: FactorEngine,
  n: bigint,
  factors: readonly bigint[],
  most: number,
  trial: number
): number[] {
  const seed = Buffer.alloc(32, trial + 1)
  const plan = factorPlan(BOUND, FAR_BOUND)
  const needed: number[] = []
  const tried = new Map(factors.map((p) => [p, 0]))
  for (let first = 1; first <= most && tried.size > 0; first += engine.lanes) {
    for (const { near, far } of engine.curves(curvesOf(n, seed, first, engine.lanes), plan)) {
      const atOnce = factors.filter((p) => near % p === 0n)
      for (const [p, curves] of tried) {
        if (atOnce.some((other) => other !== p)) continue
        tried.set(p, curves + 1)
        if (near % p !== 0n && far % p !== 0n) continue
        needed.push(curves + 1)
        tried.delete(p)
      }
    }
  }
  return needed
}

function totalCurves(needed: readonly number[], missed: number, most: number): number {
  return needed.reduce((sum, count) => sum + count, missed * most)
}

/** A modulus of 2048 bits, and its factors of so many. */
function manyFactors(bits: number, trial: number): { n: bigint; factors: bigint[] } {
  const factors: bigint[] = []
  let n = 1n
  for (let i = 0; bitLength(n) <= 2048 - 2 * bits - 16; i++) {
    const p = prime(bits, 1000 * trial + i)
    if (factors.includes(p)) continue
    factors.push(p)
    n *= p
  }
  // One more prime, so long that there are 2048 bits.
  let rest = (1n << 2047n) / n + 1n
  rest |= 1n
  while (!checkPrimeSync(rest)) rest += 2n
  return { n: n * rest, factors }
}

/** A prime of exactly so many bits, another for each number. */
function prime(bits: number, number: number): bigint {
  const bytes = xof(Math.ceil(bits / 8), 'datdot/bench/factors', bits, number)
  let p = BigInt(`0x${bytes.toString('hex')}`) | (1n << BigInt(bits - 1)) | 1n
  while (!checkPrimeSync(p)) p += 2n
  return p
}

/** The middle of three times of CPU. */
function cpuMs(quick: boolean, work: () => void): number {
  const times = Array.from({ length: quick ? 1 : 3 }, () => {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  return times.toSorted((a, b) => a - b)[times.length >> 1]!
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

export default suite

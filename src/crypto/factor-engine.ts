import { BigintFactors, type Curve, type FoundNumbers } from './factor-bigint.js'
import type { FactorPlan } from './factor-plan.js'
import { bitLength } from './integers.js'
import { factorAddon, type FactorAddon } from './rsa-addon.js'
import { NATIVE_PATHS, rsaPaths, type NativePath, type RsaPath } from './rsa.js'
import { RSA_BYTES, bigintOf, bytesOf } from './rsa-key.js'

/** What computes a search for a factor of one modulus: all give the same numbers. */
export interface FactorEngine {
  readonly path: RsaPath
  /** How many curves take hardly longer than one. */
  readonly lanes: number
  /** p - 1 and p + 1, for each start of a sequence. */
  powers(starts: readonly bigint[], plan: FactorPlan): FoundNumbers[]
  curves(curves: readonly Curve[], plan: FactorPlan): FoundNumbers[]
}

/** The fastest engine there is here for a modulus: the compiled core takes moduli of exactly 2048 bits. */
export function factorEngine(modulus: bigint, path = fastestPath(modulus)): FactorEngine {
  const addon = path === 'bigint' ? undefined : factorAddon()
  if (path === 'bigint' || !addon) return new PlainEngine(modulus)
  return new NativeEngine(addon, path, modulus)
}

/** How many curves the fastest engine goes through at once. */
export function factorLanes(): number {
  const path = rsaPaths()[0]
  return path === undefined || path === 'bigint' ? 1 : (factorAddon()?.lanes(NATIVE_PATHS[path]) ?? 1)
}

function fastestPath(modulus: bigint): RsaPath {
  const path = rsaPaths()[0]
  const fits = bitLength(modulus) === 8 * RSA_BYTES
  return path === undefined || !fits || !factorAddon() ? 'bigint' : path
}

class PlainEngine implements FactorEngine {
  readonly path = 'bigint'
  readonly lanes = 1
  readonly #factors: BigintFactors

  constructor(modulus: bigint) {
    this.#factors = new BigintFactors(modulus)
  }

  powers(starts: readonly bigint[], plan: FactorPlan): FoundNumbers[] {
    return starts.map((start) => this.#factors.powers(start, plan))
  }

  curves(curves: readonly Curve[], plan: FactorPlan): FoundNumbers[] {
    return curves.map((curve) => this.#factors.curve(curve, plan))
  }
}

class NativeEngine implements FactorEngine {
  readonly path: NativePath
  readonly lanes: number
  readonly #addon: FactorAddon
  readonly #key: object

  constructor(addon: FactorAddon, path: NativePath, modulus: bigint) {
    this.path = path
    this.lanes = addon.lanes(NATIVE_PATHS[path])
    this.#addon = addon
    this.#key = addon.publicKey(bytesOf(modulus, RSA_BYTES))
  }

  powers(starts: readonly bigint[], { chain, far, first }: FactorPlan): FoundNumbers[] {
    const found = Buffer.alloc(2 * RSA_BYTES * starts.length)
    this.#addon.searchPowers(this.#key, NATIVE_PATHS[this.path], chain, far, first, blocksOf(starts), found)
    return numbersOf(found)
  }

  curves(curves: readonly Curve[], { chain, far, first }: FactorPlan): FoundNumbers[] {
    const found = Buffer.alloc(2 * RSA_BYTES * curves.length)
    const given = blocksOf(curves.flatMap(({ x, z, a24 }) => [x, z, a24]))
    this.#addon.searchCurves(this.#key, NATIVE_PATHS[this.path], chain, far, first, given, found)
    return numbersOf(found)
  }
}

function blocksOf(values: readonly bigint[]): Buffer {
  return Buffer.concat(values.map((value) => bytesOf(value, RSA_BYTES)))
}

function numbersOf(bytes: Buffer): FoundNumbers[] {
  return Array.from({ length: bytes.byteLength / (2 * RSA_BYTES) }, (_, i) => {
    const at = 2 * RSA_BYTES * i
    const [near, far] = [at, at + RSA_BYTES].map((from) => bigintOf(bytes.subarray(from, from + RSA_BYTES)))
    return { near: near!, far: far! }
  })
}

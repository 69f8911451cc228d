import { loadAddon, nativeLevel } from './native.js'

/** The exports of native/rsa/addon.c. A key is an opaque object of the addon, of the thread that made it. */
export interface RsaAddon {
  supports(path: number): boolean
  /** Writes the primes and the modulus of the key that the seed gives. */
  generate(seed: Uint8Array, primes: Uint8Array, modulus: Uint8Array): void
  privateKey(primes: Uint8Array): object
  publicKey(modulus: Uint8Array): object
  modulus(key: object): ArrayBuffer
  wipe(key: object): void
  seal(key: object, plain: Uint8Array, sealed: Uint8Array, path: number): void
  open(key: object, sealed: Uint8Array, plain: Uint8Array, path: number): number
}

/** What the search for factors needs beyond. `path` is one of `NATIVE_PATHS`; the rest of a plan is that of `FactorPlan`. */
export interface FactorAddon extends RsaAddon {
  lanes(path: number): number
  searchPowers(
    key: object,
    path: number,
    chain: Uint32Array,
    far: Uint16Array,
    first: number,
    starts: Uint8Array,
    found: Uint8Array
  ): void
  searchCurves(
    key: object,
    path: number,
    chain: Uint32Array,
    far: Uint16Array,
    first: number,
    curves: Uint8Array,
    found: Uint8Array
  ): void
}

const FUNCTIONS: readonly (keyof RsaAddon)[] = [
  'supports',
  'generate',
  'privateKey',
  'publicKey',
  'modulus',
  'wipe',
  'seal',
  'open'
]

let found: RsaAddon | undefined
let looked = false

/** The RSA core, or undefined where it is switched off or was not built. */
export function rsaAddon(): RsaAddon | undefined {
  if (nativeLevel() === 'off') return undefined
  if (!looked) found = loadAddon('datdot_rsa', FUNCTIONS) as RsaAddon | undefined
  looked = true
  return found
}

/** The same where it has the search for factors, which one that was built before has not. */
export function factorAddon(): FactorAddon | undefined {
  const addon = rsaAddon()
  return addon && 'searchCurves' in addon ? (addon as FactorAddon) : undefined
}

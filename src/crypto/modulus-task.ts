import type { ModulusSearch } from './modulus-search.js'
import type { ErrorCode } from '../errors.js'

/** What a worker gets to check the modulus that a signer seals a segment with. */
export interface ModulusTask {
  modulus: Uint8Array
  segmentId: Uint8Array
  /** The encoded proof about its primes. */
  proof: Uint8Array
  search: ModulusSearch
}

/** What is wrong with it: the proof, for a reason; or that a factor was found, 256 bytes. */
export type ModulusFault =
  { fault: 'primes'; code: ErrorCode; message: string } | { fault: 'factor'; factor: Uint8Array }

/** One step of the search for a factor that goes on after a modulus was accepted. */
export interface FactorTask {
  modulus: Uint8Array
  /** Picks the curves. */
  seed: Uint8Array
  /** 0 is p - 1, and number n > 0 the n-th curve. */
  from: number
}

/** A proper factor, 256 bytes, if there was one; and the step that comes next. */
export interface FactorStep {
  factor: Uint8Array | null
  next: number
}

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

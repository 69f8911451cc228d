import { provided } from './provided.js'

/** BLAKE2b-256 of the joined parts: what hypercore makes its own trees with. */
export function blake2b(...parts: Uint8Array[]): Uint8Array {
  return provided().blake2b(...parts)
}

import { equal } from '../../bytes.js'

/** Which hypercores a pinner takes when it is asked; what it has it keeps. */
export interface Choice {
  /** If there are any, only these. */
  allow: readonly Uint8Array[]
  /** None of these, whatever else is said. */
  deny: readonly Uint8Array[]
}

/** Whether a pinner that chooses so takes a hypercore. */
export function takes({ allow, deny }: Choice, hypercore: Uint8Array): boolean {
  const isOne = (key: Uint8Array): boolean => equal(key, hypercore)
  return !deny.some(isOne) && (allow.length === 0 || allow.some(isOne))
}

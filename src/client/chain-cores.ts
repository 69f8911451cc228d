import Hypercore from 'hypercore'
import { hash } from '../crypto/hash.js'

/** The cores that a chain signs: its log, and the evidence of answered challenges. */
export type ChainCore = 'log' | 'evidence'
/** The manifest of one of a chain's cores: signed by the chain's key alone, in a namespace of its own. */
export function chainCoreManifest(chainKey: Uint8Array, name: ChainCore): Hypercore.Manifest {
  return {
    version: 1,
    hash: 'blake2b',
    allowPatch: false,
    quorum: 1,
    signers: [
      { signature: 'ed25519', namespace: hash(`datdot/core/${name}/1`), publicKey: Buffer.from(chainKey) }
    ],
    prologue: null,
    linked: null,
    userData: null
  }
}

/** The key of one of a chain's cores: what any stock hypercore client opens to follow it. */
export function chainCoreKey(chainKey: Uint8Array, name: ChainCore): Buffer {
  return Hypercore.key(chainCoreManifest(chainKey, name))
}

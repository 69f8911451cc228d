import crypto from 'hypercore-crypto'
import { keyPairFromSeed, type KeyPair } from '../../crypto/keys.js'
import { hash } from '../../crypto/hash.js'
import type { AssignmentView } from '../../protocol/views.js'
import { decodeManifest, encodeManifest } from '../../storage/hypercore-parts.js'
import type { SignedOriginal } from '../../storage/original.js'
import { toHex } from '../../bytes.js'
import type { Drawn, KnownOriginal, OriginalJson } from '../port.js'

/** The chain and the beacon that a profile has instead of real ones. */
export const PROFILE_CHAIN = hash('datdot/profile/chain')
const PROFILE_BEACON = hash('datdot/profile/beacon')

const fromHex = (text: string): Buffer => Buffer.from(text, 'hex')

/** The identity that an end has. */
export function identityOf(seed: string): KeyPair {
  return keyPairFromSeed(fromHex(seed))
}

export function originalJson(original: SignedOriginal): OriginalJson {
  const { key, manifest, fork, length, byteLength, treeHash, signature } = original
  return {
    key: toHex(key),
    manifest: toHex(encodeManifest(manifest)),
    fork,
    length,
    byteLength,
    treeHash: toHex(treeHash),
    signature: signature && toHex(signature)
  }
}

export function originalOf({ key, manifest, treeHash, signature, ...numbers }: OriginalJson): KnownOriginal {
  return {
    ...numbers,
    key: fromHex(key),
    manifest: decodeManifest(fromHex(manifest)),
    treeHash: fromHex(treeHash),
    signature: signature === null ? null : fromHex(signature)
  }
}

/** The assignment that a chain would have given both ends: the whole original, as the first segment of the first copy. */
export function assignmentOf({ codec, original, signer, pinner }: Drawn): AssignmentView {
  const { key, manifest, fork, length, byteLength, treeHash, signature } = original
  return {
    role: 'signer',
    task: {
      id: 0,
      copy: 0,
      state: 'delivering',
      start: 0,
      end: length,
      round: 0,
      draw: 0,
      pinner: null,
      signer: null,
      deadline: null,
      renewal: false,
      trouble: null
    },
    draw: 0,
    hypercore: fromHex(key),
    fork,
    length,
    byteLength,
    treeHash: fromHex(treeHash),
    manifest: fromHex(manifest),
    signature: signature === null ? new Uint8Array(0) : fromHex(signature),
    copy: 0,
    segment: 0,
    codec,
    pinner: fromHex(pinner),
    signer: fromHex(signer),
    beacon: PROFILE_BEACON,
    topic: crypto.discoveryKey(fromHex(key)),
    acknowledge: false
  }
}

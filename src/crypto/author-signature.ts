import { createRequire } from 'node:module'
import type Hypercore from 'hypercore'
import { ChainError } from '../errors.js'
import type { Original } from '../protocol/operations.js'

/** The parts of hypercore's own verifier that are called; hypercore is pinned exactly and CI runs the test. */
interface Tree {
  length: number
  fork: number
  hash(): Uint8Array
  signable(namespace: Uint8Array): Uint8Array
  signableCompat(legacy: boolean): Uint8Array
}
interface Verifier {
  verify(tree: Tree, signature: Uint8Array): boolean
}
interface VerifierClass {
  new (key: Uint8Array, manifest: Hypercore.Manifest): Verifier
  encodeManifest(manifest: Hypercore.Manifest): Buffer
  decodeManifest(bytes: Uint8Array): Hypercore.Manifest
  isCompat(key: Uint8Array, manifest: Hypercore.Manifest): boolean
  manifestHash(manifest: Hypercore.Manifest): Buffer
}
interface Caps {
  treeSignable(namespace: Uint8Array, treeHash: Uint8Array, length: number, fork: number): Buffer
  treeSignableCompat(treeHash: Uint8Array, length: number, fork: number, legacy: boolean): Buffer
}

const require = createRequire(import.meta.url)
const Verifier = require('hypercore/lib/verifier.js') as VerifierClass
const caps = require('hypercore/lib/caps.js') as Caps

/** Whether the author of the hypercore `key` signed this fork, length and tree. Never throws. */
export function verifyOriginal(key: Uint8Array, original: Original): boolean {
  try {
    const manifest = Verifier.decodeManifest(original.manifest)
    if (!Verifier.isCompat(key, manifest) && !Verifier.manifestHash(manifest).equals(key)) return false
    const { length, fork, treeHash } = original
    const tree: Tree = {
      length,
      fork,
      hash: () => treeHash,
      signable: (namespace) => caps.treeSignable(namespace, treeHash, length, fork),
      signableCompat: (legacy) => caps.treeSignableCompat(treeHash, length, fork, legacy)
    }
    return new Verifier(key, manifest).verify(tree, original.signature)
  } catch {
    return false
  }
}

/**
 * What `sponsor` and `extend` need of an open hypercore: its length, tree and the author's signature.
 *
 * @throws ChainError HYPERCORE_EMPTY if it has no blocks, HYPERCORE_UNSIGNED if no signature came with it
 */
export async function originalOf(core: Hypercore): Promise<Original> {
  await core.ready()
  const internal = core as unknown as { core: { state: { signature: Buffer | null } } }
  const { length, fork, byteLength, manifest } = core
  if (length === 0) throw new ChainError('HYPERCORE_EMPTY', `hypercore ${core.id} has no blocks yet`)
  const signature = internal.core.state.signature
  if (manifest === null || !signature) {
    throw new ChainError('HYPERCORE_UNSIGNED', `hypercore ${core.id} came without its author's signature`)
  }
  const treeHash = await core.treeHash(length)
  return { fork, length, byteLength, treeHash, manifest: Verifier.encodeManifest(manifest), signature }
}

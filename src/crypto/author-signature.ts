import { createRequire } from 'node:module'
import type Hypercore from 'hypercore'

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

/** What an author signs: a state of its hypercore; with the encoded manifest that says who may, and its signature. */
interface SignedState {
  fork: number
  length: number
  treeHash: Uint8Array
  manifest: Uint8Array
  signature: Uint8Array
}

/** Whether the author of the hypercore `key` signed this fork, length and tree. Never throws. */
export function verifyOriginal(key: Uint8Array, original: SignedState): boolean {
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
    const { prologue } = manifest
    // What a prologue fixes nobody signs: one form only.
    if (prologue && length <= prologue.length && original.signature.byteLength > 0) return false
    return new Verifier(key, manifest).verify(tree, original.signature)
  } catch {
    return false
  }
}

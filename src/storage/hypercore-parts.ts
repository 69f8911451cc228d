/**
 * The private parts of hypercore that the pinner's store needs, in one place: hypercore is pinned to an exact
 * version and test/storage/hypercore-parts.test.ts states what is expected of each.
 */
import { createRequire } from 'node:module'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type CorestoreStorage from 'hypercore-storage'
import type { OriginalTree } from './types.js'
import type { BlockRange } from '../protocol/ranges.js'
import type { OriginalNode } from '../protocol/original-tree.js'

const require = createRequire(import.meta.url)

/** hypercore/lib/session-state.js: what a hypercore is right now. */
export interface CoreState {
  roots: OriginalNode[]
  fork: number
  length: number
  byteLength: number
  signature: Uint8Array | null
  storage: CorestoreStorage.CoreStorage
  readonly mutex: { lock(): Promise<void> }
  hash(): Buffer
  createWriteBatch(): CorestoreStorage.Writer
  flush(): Promise<boolean>
  /** @param bits null where blocks are told of one by one */
  onappend(head: CorestoreStorage.Head, bits: (BitRange & { drop: boolean }) | null, flushed: boolean): void
  _unlock(): void
}

/** hypercore/lib/core.js: what all sessions of a hypercore share. */
export interface SharedCore {
  readonly discoveryKey: Buffer
  /** Rejects if the core cannot be opened. */
  readonly opening: Promise<void>
  readonly state: CoreState
  readonly bitfield: { get(index: number): boolean; findFirst(value: boolean, from: number): number }
  readonly replicator: {
    allowFork: boolean
    eagerUpgrade: boolean
    onhave(start: number, length: number, drop: boolean): void
    readonly peers: readonly CorePeer[]
  }
  readonly header: { hints: CorestoreStorage.Hints }
  hintsChanged: boolean
  flushHints(): Promise<void>
  closeAllSessions(error: Error | null): Promise<void>
  close(): Promise<void>
  updateContiguousLength(range: BitRange & { drop: boolean }): void
  _setBitfieldRanges(start: number, end: number, value: boolean): void
}

/** hypercore/lib/replicator.js: one that this hypercore is exchanged with. */
interface CorePeer {
  readonly receiverQueue: { readonly requests: ReadonlyMap<unknown, Asked> }
  readonly remoteOpened: boolean
  /** All before it are there. */
  readonly _remoteContiguousLength: number
  readonly remoteBitfield: { findFirst(value: boolean, from: number): number }
}

/** A request that a peer has sent and that waits for its turn. */
interface Asked {
  block: { index: number } | null
}

export interface BitRange {
  start: number
  length: number
}

interface BitInterlude {
  setRange(start: number, end: number, value: boolean): void
  flush(tx: CorestoreStorage.Writer, bitfield: unknown): unknown
}

interface Verifier {
  verify(batch: unknown, signature: Uint8Array | null): boolean
}

interface VerifierClass {
  new (key: Uint8Array, manifest: Hypercore.Manifest): Verifier
  createManifest(manifest: Hypercore.Manifest): Hypercore.Manifest
  encodeManifest(manifest: Hypercore.Manifest): Buffer
  decodeManifest(bytes: Uint8Array): Hypercore.Manifest
  isValidManifest(key: Uint8Array, manifest: Hypercore.Manifest): boolean
  isCompat(key: Uint8Array, manifest: Hypercore.Manifest): boolean
}

const Verifier = require('hypercore/lib/verifier.js') as VerifierClass
const BitInterlude = require('hypercore/lib/bit-interlude.js') as new () => BitInterlude
const { MerkleTreeBatch } = require('hypercore/lib/merkle-tree.js') as {
  MerkleTreeBatch: new (session: object) => object
}

/** The shared core behind an opened session. */
export function sharedCore(session: Hypercore): SharedCore {
  return (session as unknown as { core: SharedCore }).core
}

/**
 * Calls `onopen` for every core that a Corestore opens, before it is used. A core that cannot be opened is
 * forgotten at once: Corestore would hand out the broken one for some seconds more.
 */
export function watchCores(corestore: Corestore, onopen: (core: SharedCore) => void): void {
  const store = corestore as unknown as {
    cores: { map: Map<string, SharedCore> }
    watch(onopen: (core: SharedCore) => void): void
  }
  store.watch((core) => {
    onopen(core)
    core.opening.catch(() => {
      const id = core.discoveryKey.toString('hex')
      if (store.cores.map.get(id) === core) store.cores.map.delete(id)
    })
  })
}

/** A core that a Corestore has open. */
export function openCore(corestore: Corestore, discoveryKey: Buffer): SharedCore | undefined {
  const { cores } = corestore as unknown as { cores: { map: Map<string, SharedCore> } }
  return cores.map.get(discoveryKey.toString('hex'))
}

/** Blocks that readers have asked for and that wait for their turn, `most` of them. */
export function askedBlocks(core: SharedCore, most: number): number[] {
  const asked: number[] = []
  for (const { receiverQueue } of core.replicator.peers) {
    for (const { block } of receiverQueue.requests.values()) {
      if (asked.length >= most) return asked
      if (block !== null) asked.push(block.index)
    }
  }
  return asked
}

/** The next index from `from` on that is set, or not, in a bitfield of which nothing is known beyond its end. */
function next(
  bits: { findFirst(value: boolean, from: number): number },
  value: boolean,
  from: number
): number {
  const found = bits.findFirst(value, from)
  return found === -1 ? (value ? Infinity : from) : found
}

/** Blocks in `[start, end)` that are neither here nor, as far as they have said, with any peer. */
export function unservedBlocks(core: SharedCore, start: number, end: number): BlockRange[] {
  const peers = core.replicator.peers.filter(({ remoteOpened }) => remoteOpened)
  const found: BlockRange[] = []
  let at = start
  while (at < end) {
    let known = next(core.bitfield, false, at)
    for (const { remoteBitfield, _remoteContiguousLength } of peers) {
      known = Math.max(known, next(remoteBitfield, false, Math.max(at, _remoteContiguousLength)))
    }
    if (known > at) {
      at = known
      continue
    }
    const ends = [core.bitfield, ...peers.map(({ remoteBitfield }) => remoteBitfield)]
    const stop = Math.min(end, ...ends.map((bits) => next(bits, true, at)))
    found.push({ start: at, end: stop })
    at = stop
  }
  return found
}

/** Hypercore's own encoding of a manifest. */
export function encodeManifest(manifest: Hypercore.Manifest): Buffer {
  return Verifier.encodeManifest(Verifier.createManifest(manifest))
}

/** @throws Error if the bytes are no manifest */
export function decodeManifest(bytes: Uint8Array): Hypercore.Manifest {
  return Verifier.createManifest(Verifier.decodeManifest(Buffer.from(bytes)))
}

/** Whether `key` is the key of the hypercore that `manifest` describes. */
export function manifestFits(key: Uint8Array, manifest: Hypercore.Manifest): boolean {
  return Verifier.isValidManifest(key, manifest) || Verifier.isCompat(key, manifest)
}

/** Whether the author signed a tree with these roots. Never throws on hostile signatures. */
export function signatureHolds(original: OriginalTree, roots: readonly OriginalNode[]): boolean {
  const batch = new MerkleTreeBatch({
    roots,
    fork: original.fork,
    length: original.length,
    signature: original.signature,
    byteLength: roots.reduce((sum, root) => sum + root.size, 0),
    prologue: original.manifest.prologue
  })
  try {
    return new Verifier(original.key, original.manifest).verify(batch, original.signature)
  } catch {
    return false
  }
}

/** Runs `change` alone on a core, as hypercore's own changes run. */
export async function exclusively<T>(core: SharedCore, change: () => Promise<T>): Promise<T> {
  await core.state.mutex.lock()
  try {
    return await change()
  } finally {
    core.state._unlock()
  }
}

/** Puts the bitfield pages of `[start, end)` set to `value` into a write batch. */
export function writeBits(
  core: SharedCore,
  tx: CorestoreStorage.Writer,
  start: number,
  end: number,
  value: boolean
): void {
  const bits = new BitInterlude()
  bits.setRange(start, end, value)
  bits.flush(tx, core.bitfield)
}

/** Tells hypercore and its peers, after the flush, that `[start, end)` came or went. */
export async function announceBits(
  core: SharedCore,
  start: number,
  end: number,
  value: boolean
): Promise<void> {
  const range = { start, length: end - start, drop: !value }
  const contiguous = core.header.hints.contiguousLength
  core._setBitfieldRanges(start, end, value)
  core.updateContiguousLength(range)
  core.replicator.onhave(range.start, range.length, range.drop)
  // Peers that were told "all up to `contiguous`" forget what lies behind the first block that is dropped.
  if (range.drop && end < contiguous) core.replicator.onhave(end, contiguous - end, false)
  if (core.hintsChanged) await core.flushHints()
}

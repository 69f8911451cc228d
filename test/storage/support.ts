import { sharedCore } from '../../src/storage/hypercore-parts.js'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Corestore from 'corestore'
import CorestoreStorage from 'hypercore-storage'
import type Hypercore from 'hypercore'
import { opened } from '../../src/lifecycle.js'
import { segmentId, type SegmentSecret } from '../../src/chunk/codec.js'
import { encodeChunk } from '../../src/chunk/codecs.js'
import { hash } from '../../src/crypto/hash.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { readOriginal } from '../../src/storage/original.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import type { Ingest, IngestBlock, PinnerStoreOptions, SegmentSpec } from '../../src/storage/types.js'
import sodium from 'sodium-native'
import { closeAfter } from '../helpers/close-after.js'

/** An empty folder that is gone after the test. */
export async function tempDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'datdot-storage-'))
  closeAfter(t, () => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Bytes that no compression shortens, the same for the same seed. */
export function noise(bytes: number, seed: string | number): Buffer {
  const out = Buffer.alloc(bytes)
  sodium.crypto_stream_xchacha20_xor(out, out, Buffer.alloc(24), hash('test/noise', String(seed)))
  return out
}

export function noiseBlocks(count: number, bytes: number, seed: string | number): Buffer[] {
  return Array.from({ length: count }, (_, i) => noise(bytes, `${seed}/${i}`))
}

/** A stock corestore in a folder of its own. */
export async function stockStore(t: TestContext): Promise<Corestore> {
  const store = new Corestore(await tempDir(t))
  await store.ready()
  closeAfter(t, () => store.close())
  return store
}

/** A hypercore of an author, with these blocks. */
export async function authorCore(
  t: TestContext,
  blocks: Buffer[],
  options: Corestore.GetOptions = {}
): Promise<Hypercore> {
  const store = await stockStore(t)
  const core = store.get({ name: 'original', ...options })
  await core.ready()
  if (blocks.length > 0) await core.append(blocks)
  return core
}

export async function openStore(
  t: TestContext,
  dir?: string,
  options: PinnerStoreOptions = {}
): Promise<PinnerStore> {
  const store = await opened(new PinnerStore(dir ?? (await tempDir(t)), options))
  closeAfter(t, () => store.close())
  return store
}

export interface SignedSegment {
  spec: SegmentSpec
  secret: SegmentSecret
}

/** What the chain and a signer would fix for blocks `[start, end)` of a hypercore as it is now. */
export async function segmentOf(
  core: Hypercore,
  options: { start?: number; end?: number; draw?: number } = {}
): Promise<SignedSegment> {
  const original = await readOriginal(core)
  const { start = 0, end = original.length, draw = 0 } = options
  const { publicKey, secretKey } = keyPairFromSeed(hash('test/signer', draw))
  const place = { chain: Buffer.alloc(32, 1), key: core.key, fork: original.fork, copy: 0, start, draw }
  const id = segmentId({ ...place, signer: publicKey })
  const segment = { codec: 'wrap' as const, id, publicKey, salt: Buffer.alloc(32) }
  return { spec: { ...original, segment, start, end }, secret: { ...segment, secretKey } }
}

/** Encodes blocks `[from, to)` as the segment's signer does. */
export async function encodedBlocks(
  core: Hypercore,
  { secret }: SignedSegment,
  from: number,
  to: number
): Promise<IngestBlock[]> {
  const blocks: IngestBlock[] = []
  for (let index = from; index < to; index++) {
    const plain = (await core.get(index, { raw: true, decrypt: false }))!
    const seed = hash('test/seed', secret.id, index)
    blocks.push({ index, plain, encoded: encodeChunk(secret, index, plain, seed) })
  }
  return blocks
}

/** Feeds an ingest up to `end`, a few blocks at a time. */
export async function feed(
  ingest: Ingest,
  core: Hypercore,
  signed: SignedSegment,
  end = signed.spec.end,
  batch = 16
): Promise<void> {
  while (ingest.position < end) {
    const to = Math.min(end, ingest.position + batch)
    await ingest.append(await encodedBlocks(core, signed, ingest.position, to))
  }
}

/** Has a store hold blocks `[start, end)` of a hypercore as it is now. */
export async function pin(
  store: PinnerStore,
  core: Hypercore,
  options: { start?: number; end?: number; draw?: number } = {}
): Promise<SignedSegment> {
  const signed = await segmentOf(core, options)
  const ingest = await store.beginSegment(signed.spec)
  await feed(ingest, core, signed)
  await ingest.finish()
  return signed
}

/** A hypercore with the blocks of `source` whose key fixes them: nobody signs it, and it never grows. */
export async function fixedCore(store: Corestore, source: Hypercore): Promise<Hypercore> {
  const prologue = { hash: await source.treeHash(), length: source.length }
  const made = store.get({ manifest: { version: 1, hash: 'blake2b', quorum: 0, signers: [], prologue } })
  await made.ready()
  const parts = sharedCore(made) as unknown as { copyPrologue(source: object): Promise<void> }
  await parts.copyPrologue(sharedCore(source).state)
  return made
}

/** A hypercore of which any two of three signers sign each length, with blocks. */
export async function quorumCore(store: Corestore, blocks: Buffer[]): Promise<Hypercore> {
  const keyPairs = ['one', 'two', 'three'].map((name) =>
    keyPairFromSeed(hash('test/quorum', Buffer.from(name)))
  )
  const namespace = Buffer.from(hash('test/quorum', Buffer.from('namespace')))
  const signers = keyPairs.map(({ publicKey }) => ({ signature: 'ed25519', namespace, publicKey }))
  const manifest = { version: 1, hash: 'blake2b', quorum: 2, allowPatch: false, signers, prologue: null }
  const made = store.get({ manifest })
  await made.ready()
  const { state, verifier } = sharedCore(made) as unknown as {
    state: { createTreeBatch(): { append(block: Buffer): void } }
    verifier: { sign(batch: object, keyPair: Hypercore.KeyPair): Buffer; assemble(inputs: object[]): Buffer }
  }
  const batch = state.createTreeBatch()
  for (const block of blocks) batch.append(block)
  const inputs = [0, 2].map((signer) => ({
    signer,
    signature: verifier.sign(batch, keyPairs[signer]!),
    patch: 0,
    nodes: null
  }))
  await made.append(blocks, { signature: verifier.assemble(inputs) })
  return made
}

/** Changes rows of a closed store with the stock storage library, behind the store's back. */
export async function changeRow(
  dir: string,
  core: Hypercore,
  index: number,
  change: (row: Buffer) => Buffer | null
): Promise<void> {
  const storage = new CorestoreStorage(join(dir, 'store'))
  await storage.ready()
  const rows = (await storage.resumeCore(core.discoveryKey))!
  const reader = rows.read()
  const read = reader.getBlock(index)
  reader.tryFlush()
  const changed = change((await read)!)
  const tx = rows.write()
  if (changed === null) tx.deleteBlock(index)
  else tx.putBlock(index, changed)
  await tx.flush()
  await rows.close()
  await storage.close()
}

/** Takes a node of the original's tree off the disk of a store that is closed. */
export async function dropTreeNode(dir: string, core: Hypercore, index: number): Promise<void> {
  const storage = new CorestoreStorage(join(dir, 'store'))
  await storage.ready()
  const rows = (await storage.resumeCore(core.discoveryKey))!
  const tx = rows.write()
  tx.deleteTreeNodeRange(index, index + 1)
  await tx.flush()
  await rows.close()
  await storage.close()
}

interface Stream {
  pipe(other: unknown): Stream
  destroy(): void
  on(event: string, listener: (error: Error) => void): void
  noiseStream: { destroyed: boolean }
}

/** Replicates two corestores in this process until the test ends. */
export function connect(t: TestContext, a: Corestore, b: Corestore): { streams: Stream[] } {
  const left = a.replicate(true) as unknown as Stream
  const right = b.replicate(false) as unknown as Stream
  for (const stream of [left, right]) stream.on('error', () => undefined)
  left.pipe(right).pipe(left)
  // Neither streams in memory nor hypercore's timers keep a process alive.
  const alive = setInterval(() => undefined, 1000)
  closeAfter(t, () => {
    clearInterval(alive)
    left.destroy()
    right.destroy()
  })
  return { streams: [left, right] }
}

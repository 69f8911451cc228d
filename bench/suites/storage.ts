import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import CorestoreStorage from 'hypercore-storage'
import { opened } from '../../src/lifecycle.js'
import { segmentId, type SegmentPublic } from '../../src/chunk/codec.js'
import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { keyPairFromSeed, randomBytes } from '../../src/crypto/keys.js'
import { originalLeaf } from '../../src/protocol/original-tree.js'
import { readOriginal } from '../../src/storage/original.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import type { Decode, SegmentSpec } from '../../src/storage/types.js'
import type { Suite } from '../harness.js'

const TOTAL_BYTES = 48 << 20
const BATCH_BYTES = 4 << 20
const SIZES = [4 << 10, 64 << 10, 1 << 20]

/** The pinner's store: taking a copy in, and serving it to a stock reader in the same process. */
const suite: Suite = async ({ compare, note, quick }) => {
  for (const chunkBytes of quick ? [64 << 10] : SIZES) {
    const chunks = Math.min(4096, TOTAL_BYTES / chunkBytes)
    const dir = await mkdtemp(join(tmpdir(), 'datdot-bench-'))
    try {
      const data = await prepare(join(dir, 'author'), chunks, chunkBytes)
      let runs = 0
      const fresh = () => join(dir, `run-${runs++}`)
      const inFolder = (work: (path: string) => Promise<void>) => async () => {
        const path = fresh()
        await work(path)
        await rm(path, { recursive: true })
      }

      let peak = 0
      const ingest = async (path: string) => {
        const store = await opened(new PinnerStore(path))
        await take(store, data)
        peak = Math.max(peak, process.memoryUsage().rss)
        await store.close()
      }
      await compare({
        suite: 'storage',
        chunkBytes,
        threads: 1,
        contenders: [
          { name: 'ingest wrap', role: 'subject', chunks, run: inFolder(ingest) },
          {
            name: 'bare rows and leaves',
            role: 'ceiling',
            chunks,
            run: inFolder((path) => bare(path, data))
          },
          { name: 'stock append', role: 'alternative', chunks, run: inFolder((path) => append(path, data)) },
          {
            name: 'stock replication',
            role: 'alternative',
            chunks,
            run: inFolder((path) => download(data.author, path, data))
          }
        ]
      })
      note(`storage: most resident bytes while taking in chunks of ${chunkBytes}`, peak)

      const veiled = await opened(new PinnerStore(join(dir, 'veiled')))
      await take(veiled, data)
      const thorough: Decode = (segment, index, encoded) => decodeChunk(segment, index, encoded)
      const checked = await opened(new PinnerStore(join(dir, 'checked'), { decode: thorough }))
      await take(checked, data)
      const serve = (store: Corestore) => inFolder((path) => download(store, path, data))
      await compare({
        suite: 'storage',
        chunkBytes,
        threads: 1,
        contenders: [
          { name: 'serve wrap', role: 'subject', chunks, run: serve(veiled.corestore) },
          { name: 'stock seeder', role: 'ceiling', chunks, run: serve(data.author) },
          { name: 'signatures checked again', role: 'alternative', chunks, run: serve(checked.corestore) }
        ]
      })
      await veiled.close()
      await checked.close()
      await data.author.close()
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
}

export default suite

interface Data {
  author: Corestore
  spec: SegmentSpec
  plain: Buffer[]
  encoded: Buffer[]
  batch: number
}

/** A hypercore of an author, and its blocks as a signer encodes them. */
async function prepare(dir: string, chunks: number, chunkBytes: number): Promise<Data> {
  const author = new Corestore(dir)
  const core = author.get({ name: 'original' })
  const plain = Array.from({ length: chunks }, () => randomBytes(chunkBytes))
  const batch = Math.max(1, Math.min(1024, BATCH_BYTES / chunkBytes))
  for (let i = 0; i < chunks; i += batch) await core.append(plain.slice(i, i + batch))
  const { publicKey, secretKey } = keyPairFromSeed(randomBytes(32))
  const place = { chain: Buffer.alloc(32), key: core.key, fork: 0, copy: 0, start: 0, draw: 0 }
  const segment: SegmentPublic = {
    codec: 'wrap',
    id: segmentId({ ...place, signer: publicKey }),
    publicKey,
    salt: Buffer.alloc(32)
  }
  const secret = { ...segment, secretKey }
  const encoded = plain.map((block, index) => encodeChunk(secret, index, block, randomBytes(32)))
  const spec = { ...(await readOriginal(core)), segment, start: 0, end: chunks }
  return { author, spec, plain, encoded, batch }
}

async function take(store: PinnerStore, { spec, plain, encoded, batch }: Data): Promise<void> {
  const ingest = await store.beginSegment(spec)
  while (ingest.position < spec.end) {
    const from = ingest.position
    const blocks = plain.slice(from, from + batch)
    await ingest.append(
      blocks.map((block, i) => ({ index: from + i, plain: block, encoded: encoded[from + i]! }))
    )
  }
  await ingest.finish()
}

/** The least that taking in needs: the rows written, and one hash of every plain block. */
async function bare(dir: string, { plain, encoded, batch }: Data): Promise<void> {
  const storage = new CorestoreStorage(dir)
  await storage.ready()
  const key = Buffer.alloc(32, 1)
  const rows = await storage.createCore({ key, discoveryKey: crypto.discoveryKey(key), manifest: null })
  for (let from = 0; from < plain.length; from += batch) {
    const tx = rows.write()
    for (let i = from; i < Math.min(plain.length, from + batch); i++) {
      originalLeaf(plain[i]!)
      tx.putBlock(i, encoded[i]!)
    }
    await tx.flush()
  }
  await rows.close()
  await storage.close()
}

async function append(dir: string, { plain, batch }: Data): Promise<void> {
  const store = new Corestore(dir)
  const core = store.get({ name: 'copy' })
  for (let i = 0; i < plain.length; i += batch) await core.append(plain.slice(i, i + batch))
  await store.close()
}

/** A stock reader in a folder of its own downloads everything from `seeder`. */
async function download(seeder: Corestore, dir: string, { spec }: Data): Promise<void> {
  const reader = new Corestore(dir)
  const source: Hypercore = seeder.get({ key: spec.key })
  const core = reader.get({ key: spec.key })
  await Promise.all([source.ready(), core.ready()])
  const left = seeder.replicate(true) as unknown as { pipe(to: unknown): { pipe(to: unknown): unknown } }
  left.pipe(reader.replicate(false)).pipe(left)
  // Streams in memory do not keep a process alive.
  const alive = setInterval(() => undefined, 1000)
  await core.download({ start: 0, end: spec.end }).done()
  clearInterval(alive)
  await reader.close()
  await source.close()
}

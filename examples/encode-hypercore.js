/**
 * Encodes a hypercore through the engine, as a signer does: every block is sealed with a private RSA key on worker
 * threads, and the root of the Merkle tree over the encoded chunks is what signer and pinner would sign.
 *
 *   node examples/encode-hypercore.js
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import {
  Engine,
  TreeBuilder,
  generateSealKey,
  randomBytes,
  segmentId,
  segmentSalt,
  wipeSegmentKey
} from 'datdot'

const BLOCKS = 64
const BLOCK_BYTES = 16 * 1024

const folder = await mkdtemp(join(tmpdir(), 'datdot-example-'))
const store = new Corestore(folder)
const engine = new Engine()
try {
  const core = store.get({ name: 'original' })
  await core.ready()
  await core.append(Array.from({ length: BLOCKS }, () => randomBytes(BLOCK_BYTES)))

  // In a network the chain fixes these: which copy of which hypercore it is, and the beacon's value after the original
  // was fixed, from which the salt follows.
  const place = {
    chain: randomBytes(32),
    key: core.key,
    fork: core.fork,
    copy: 0,
    start: 0,
    signer: randomBytes(32),
    draw: 0
  }
  const id = segmentId(place)
  const salt = segmentSalt(randomBytes(32), id)
  const key = await generateSealKey(engine)
  const segment = { codec: /** @type {const} */ ('seal'), id, salt, ...key }

  /** Blocks in order; the engine asks for no more than it has memory for. */
  async function* blocks() {
    for (let index = 0; index < core.length; index++) {
      const block = await core.get(index)
      if (block) yield block
    }
  }

  const tree = new TreeBuilder()
  let encodedBytes = 0
  for await (const batch of engine.encode(blocks(), { segment, start: 0 })) {
    // `batch.chunks` is memory that the engine uses again: send or store it before the next batch.
    for (const chunk of batch.chunks) encodedBytes += chunk.byteLength
    tree.append(batch.count, batch.levels)
  }
  wipeSegmentKey(segment)

  const root = tree.root()
  console.log(`hypercore  ${core.key.toString('hex')}`)
  console.log(`plain      ${core.length} blocks, ${core.byteLength} bytes`)
  console.log(`encoded    ${root.chunks} chunks, ${encodedBytes} bytes`)
  console.log(`root       ${Buffer.from(root.hash).toString('hex')}`)
} finally {
  await engine.close()
  await store.close()
  await rm(folder, { recursive: true, force: true })
}

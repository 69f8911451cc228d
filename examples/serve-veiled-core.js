/**
 * Serves a veiled core: a pinner keeps a hypercore encoded, not one plain byte of it on its disk, and a stock client reads
 * the original from it after the author has gone. On a private DHT and temporary folders.
 *
 *   node examples/serve-veiled-core.js
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import { encodeChunk, keyPairFromSeed, randomBytes, segmentId } from 'datdot'
import { PrivateDht, createDht } from 'datdot/client'
import { PinnerStore, readOriginal } from 'datdot/storage'
import Hyperswarm from 'hyperswarm'

const folder = await mkdtemp(join(tmpdir(), 'datdot-example-'))
const dht = new PrivateDht()
await dht.ready()
const { network } = dht

// The author writes a hypercore.
const author = new Corestore(join(folder, 'author'))
const original = author.get({ name: 'original' })
await original.ready()
await original.append(['to be kept', 'by a stranger', 'encoded'].map((text) => Buffer.from(text)))

// The signer fixes a segment of it; in a network the chain has drawn signer and pinner.
const tree = await readOriginal(original)
const signer = keyPairFromSeed(randomBytes(32))
const place = { chain: randomBytes(32), key: tree.key, fork: tree.fork, copy: 0, start: 0, draw: 0 }
const id = segmentId({ ...place, signer: signer.publicKey })
const segment = {
  codec: /** @type {const} */ ('wrap'),
  id,
  salt: randomBytes(32),
  publicKey: signer.publicKey
}

// The pinner takes in the encoded blocks; once the author's signature holds over them it serves them.
const pinner = new PinnerStore(join(folder, 'pinner'))
await pinner.ready()
const ingest = await pinner.beginSegment({ ...tree, segment, start: 0, end: tree.length })
for (let index = 0; index < tree.length; index++) {
  const plain = /** @type {Buffer} */ (await original.get(index))
  const encoded = encodeChunk({ ...segment, secretKey: signer.secretKey }, index, plain, randomBytes(32))
  await ingest.append([{ index, encoded, plain }])
}
await ingest.finish()
await author.close()

const serving = new Hyperswarm({ dht: createDht(network) })
serving.on('connection', (connection) => {
  connection.on('error', () => {})
  pinner.corestore.replicate(connection)
})
const session = pinner.session(tree.key)
await session.ready()
await serving.join(session.discoveryKey, { server: true, client: false }).flushed()

// A stock client knows nothing of datdot.
const reader = new Corestore(join(folder, 'reader'))
const core = reader.get({ key: tree.key })
await core.ready()
const reading = new Hyperswarm({ dht: createDht(network) })
reading.on('connection', (connection) => {
  connection.on('error', () => {})
  reader.replicate(connection)
})
reading.join(core.discoveryKey, { server: false, client: true })
for await (const { index, encoded } of pinner.encodedBlocks(tree.key, 0, tree.length)) {
  const block = await core.get(index, { timeout: 30_000 })
  console.log(`block ${index}: ${encoded.byteLength} bytes stored, read back as "${block?.toString()}"`)
}

await session.close()
await reading.destroy()
await serving.destroy()
await reader.close()
await pinner.close()
await dht.close()
await rm(folder, { recursive: true, force: true })

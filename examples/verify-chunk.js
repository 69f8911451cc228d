/**
 * Verifies a chunk from public data alone: a segment as the chain publishes it, signed by signer and pinner; one encoded
 * chunk; and the proof of its place. No secret key is needed, and the original block comes out.
 *
 *   node examples/verify-chunk.js
 */
import {
  MemoryTree,
  TreeBuilder,
  codecOf,
  decodeChunk,
  decodeProof,
  encodeChunk,
  encodeProof,
  keyPairFromSeed,
  leafNode,
  prove,
  randomBytes,
  segmentId,
  verifyProof
} from 'datdot'
import { signSegment, verifySegment } from 'datdot/protocol'

const CHUNKS = 100

/**
 * What anybody can have: the first five from the chain, the others from the pinner.
 *
 * @typedef {object} Public
 * @property {Uint8Array} chainId
 * @property {import('datdot/protocol').SegmentRecord} record
 * @property {number} draw that chose signer and pinner
 * @property {Uint8Array} signature the signer's
 * @property {Uint8Array} accepted the pinner's
 * @property {number} index of the chunk in the hypercore
 * @property {Uint8Array} chunk
 * @property {Uint8Array} proof
 */

/**
 * The block, after every check there is.
 *
 * @param {Public} it
 */
function verify({ chainId, record, draw, signature, accepted, index, chunk, proof }) {
  if (!verifySegment(chainId, record.signer, record, signature))
    throw new Error('the signer did not sign this')
  if (!verifySegment(chainId, record.pinner, record, accepted))
    throw new Error('the pinner did not sign this')

  const place = index - record.start
  const root = { hash: record.root, bytes: record.bytes, chunks: record.chunks }
  const leaf = leafNode(chunk, codecOf(record.codec).headerBytes)
  verifyProof(root, place, leaf, decodeProof(proof, place, record.chunks))

  // What ties the chunk to this copy of this hypercore.
  const id = segmentId({ chain: chainId, draw, ...record })
  const { codec, publicKey, salt } = record
  return decodeChunk({ codec, id, publicKey, salt }, index, chunk)
}

const it = await published()
console.log(`chunk ${it.index} of ${CHUNKS} holds: ${verify(it).toString()}`)

const chunk = Buffer.from(it.chunk)
chunk.writeUInt8(chunk.readUInt8(chunk.byteLength - 1) ^ 1, chunk.byteLength - 1)
try {
  verify({ ...it, chunk })
} catch (error) {
  console.log(`with a flipped bit it does not: ${error instanceof Error ? error.message : String(error)}`)
}

/**
 * Stands for a signer and a pinner that have done their work.
 *
 * @returns {Promise<Public>}
 */
async function published() {
  const chainId = randomBytes(32)
  const signer = keyPairFromSeed(randomBytes(32))
  const pinner = keyPairFromSeed(randomBytes(32))
  const hypercore = { key: randomBytes(32), fork: 0, copy: 0, start: 0 }
  const draw = 0
  const id = segmentId({ chain: chainId, draw, ...hypercore, signer: signer.publicKey })
  const salt = Buffer.alloc(32)
  const segment = { codec: /** @type {const} */ ('wrap'), id, salt, ...signer }

  const stored = new MemoryTree()
  const tree = new TreeBuilder((records) => stored.append(records))
  const chunks = Array.from({ length: CHUNKS }, (_, index) =>
    encodeChunk(segment, index, Buffer.from(`block ${index}`), randomBytes(32))
  )
  for (const chunk of chunks) tree.appendLeaf(leafNode(chunk, codecOf('wrap').headerBytes))

  const { hash, bytes } = tree.root()
  const record = {
    ...hypercore,
    segment: 0,
    pinner: pinner.publicKey,
    signer: signer.publicKey,
    codec: segment.codec,
    version: 1,
    end: CHUNKS,
    publicKey: signer.publicKey,
    primeProof: Buffer.alloc(0),
    salt,
    chunks: CHUNKS,
    bytes,
    root: Buffer.from(hash),
    treeHash: randomBytes(32)
  }
  const index = 42
  return {
    chainId,
    record,
    draw,
    signature: signSegment(chainId, signer, record),
    accepted: signSegment(chainId, pinner, record),
    index,
    chunk: /** @type {Uint8Array} */ (chunks[index]),
    proof: encodeProof(await prove(stored, index))
  }
}

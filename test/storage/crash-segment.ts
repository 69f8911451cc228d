import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { createRequire } from 'node:module'
import { segmentId } from '../../src/chunk/codec.js'
import { encodeChunk } from '../../src/chunk/codecs.js'
import { hash } from '../../src/crypto/hash.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { originalLeaf, OriginalTreeBuilder } from '../../src/protocol/original-tree.js'
import type { IngestBlock, SegmentSpec } from '../../src/storage/types.js'
import { noise } from './support.js'

const BLOCKS = 90
const require = createRequire(import.meta.url)

export function crashBlock(index: number): Buffer {
  return noise(700, `crash/${index}`)
}

/** The same signed segment in every process, without a hypercore on disk. */
export function crashSegment(): { spec: SegmentSpec; blocks: (from: number, to: number) => IngestBlock[] } {
  const author = keyPairFromSeed(hash('test/author', 'crash'))
  const signer = keyPairFromSeed(hash('test/signer', 'crash'))
  const Verifier = require('hypercore/lib/verifier.js') as {
    createManifest(manifest: object): Hypercore.Manifest
    new (key: Buffer, manifest: object): { sign(batch: object, keyPair: object): Buffer }
  }
  const manifest = Verifier.createManifest({ version: 1, signers: [{ publicKey: author.publicKey }] })
  const key = Hypercore.key(manifest)
  const tree = new OriginalTreeBuilder()
  for (let i = 0; i < BLOCKS; i++) tree.appendLeaf(crashBlock(i).byteLength, originalLeaf(crashBlock(i)))
  const treeHash = crypto.tree(tree.roots)
  const caps = require('hypercore/lib/caps.js') as {
    treeSignable(context: Buffer, hash: Buffer, length: number, fork: number): Buffer
  }
  const signable = (context: Buffer) => caps.treeSignable(context, treeHash, BLOCKS, 0)
  const signature = new Verifier(key, manifest).sign({ signable }, author)
  const place = {
    chain: Buffer.alloc(32),
    key,
    fork: 0,
    copy: 0,
    start: 0,
    draw: 0,
    signer: signer.publicKey
  }
  const segment = {
    codec: 'wrap' as const,
    id: segmentId(place),
    publicKey: signer.publicKey,
    salt: Buffer.alloc(32)
  }
  const spec = { key, manifest, fork: 0, length: BLOCKS, treeHash, signature, segment, start: 0, end: BLOCKS }
  const blocks = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => {
      const index = from + i
      const plain = crashBlock(index)
      const seed = hash('test/seed', index)
      return {
        index,
        plain,
        encoded: encodeChunk({ ...segment, secretKey: signer.secretKey }, index, plain, seed)
      }
    })
  return { spec, blocks }
}

import { parentPort, workerData } from 'node:worker_threads'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import { randomBytes } from '../../src/crypto/keys.js'

// A thread that gets one chunk a message and sends one back: the pipeline that one would write first.
const { segment, job } = workerData as { segment: SegmentSecret; job: 'encode' | 'decode' }

parentPort!.on('message', ({ index, bytes }: { index: number; bytes: Uint8Array }) => {
  const out =
    job === 'encode'
      ? encodeChunk(segment, index, bytes, randomBytes(32))
      : decodeChunk(segment, index, bytes)
  parentPort!.postMessage(out, [out.buffer as ArrayBuffer])
})
parentPort!.postMessage('ready')

import type { SegmentSecret } from '../src/chunk/codec.js'
import { codecOf } from '../src/chunk/codecs.js'
import { noTimes } from '../src/engine/messages.js'
import { workerTask } from './task.js'

/** One piece of a chunk that is larger than a slab. */
export default workerTask<'piece'>((task, slabs) => {
  const { data } = slabs(task.slab)
  const { index, plainBytes, plainOffset, seed, firstDraw, header } = task
  const codec = codecOf(task.segment.codec)
  const start = performance.now()
  let bytes: number
  if (task.job === 'encode') {
    const segment = task.segment as SegmentSecret
    const plain = data.subarray(data.byteLength - task.pieceBytes)
    const out = data.subarray(data.byteLength - (codec.encodedBytes(task.pieceBytes) - codec.headerBytes))
    const encoder = codec.createEncoder(segment)
    try {
      bytes = encoder.piece({ index, plainBytes, plainOffset, seed, firstDraw }, plain, out)
    } finally {
      encoder.wipe()
    }
  } else {
    const body = data.subarray(0, task.pieceBytes)
    bytes = codec
      .createDecoder(task.segment)
      .openPiece({ index, header, plainBytes, plainOffset }, body, data)
  }
  return { bytes, times: { ...noTimes(), cipherMs: performance.now() - start } }
})

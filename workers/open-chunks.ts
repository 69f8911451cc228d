import type { Decoder, SegmentPublic } from '../src/chunk/codec.js'
import { codecOf } from '../src/chunk/codecs.js'
import { slabHasher } from '../src/crypto/blake3-slab.js'
import { HASH_BYTES } from '../src/crypto/hash.js'
import { toPlainError, type OpenedChunk } from '../src/engine/messages.js'
import { loans } from '../src/engine/loans.js'
import { workerTask } from './task.js'

/** Of the segment whose chunks came last: loading a key costs more than a small chunk. */
let last: { id: string; decoder: Decoder } | undefined

/** Any chunks of a segment, opened where they lie in a slab after all checks; one that is refused keeps no other from it. */
export default workerTask<'open-chunks'>(({ segment, slab: number, loan, indices }, slabs) => {
  const { data: slab, offsets, encodedBytes, plainOffsets, plainBytes } = slabs(number)
  const count = indices.length
  const codec = codecOf(segment.codec)
  const decoder = decoderOf(segment)
  if (loan !== undefined) {
    loans!.borrow(loan, slab, 0, offsets[count - 1]! + encodedBytes[count - 1]!)
  }
  const hash = new Uint8Array(HASH_BYTES)
  const batch = { slab, count, offsets, encodedBytes, plainOffsets, plainBytes, seed: new Uint8Array(0) }
  return indices.map((index, i): OpenedChunk => {
    const at = { ...batch, firstIndex: index - i }
    try {
      if (encodedBytes[i]! >= codec.headerBytes) {
        slabHasher.hashMany(slab, offsets, encodedBytes, i, i + 1, codec.headerBytes, hash)
      }
      decoder.check(at, i, i + 1, hash)
      decoder.open(at, i, i + 1)
      return { offset: plainOffsets[i]!, bytes: plainBytes[i]! }
    } catch (error) {
      return { error: toPlainError(error) }
    }
  })
})

function decoderOf(segment: SegmentPublic): Decoder {
  const id = Buffer.concat([segment.id, segment.publicKey, segment.salt]).toString('latin1') + segment.codec
  if (last?.id !== id) last = { id, decoder: codecOf(segment.codec).createDecoder(segment) }
  return last.decoder
}

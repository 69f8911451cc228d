import { decodeChunk } from '../src/chunk/codecs.js'
import { workerTask } from './task.js'

/** A few chunks of one segment, decoded away from the main thread. */
export default workerTask<'decode-chunks'>(({ segment, chunks }) =>
  chunks.map(({ index, bytes }) => decodeChunk(segment, index, bytes))
)

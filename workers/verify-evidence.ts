import { closeSync, openSync, readSync } from 'node:fs'
import type { VerifyTask, EvidenceBytes } from '../src/evidence/tasks.js'
import { codecOf } from '../src/chunk/codecs.js'
import { verifyEvidence, type EvidenceSource, type EvidenceTools } from '../src/evidence/verify.js'
import { workerTask } from './task.js'
import { verifyOriginalProof } from '../src/protocol/original-tree.js'

export default workerTask<'verify-evidence'>((tasks) =>
  tasks.map(({ challenge, lastState, evidence }: VerifyTask) =>
    withSource(evidence, (source) => verifyEvidence(source, challenge, lastState, tools))
  )
)

const tools: EvidenceTools = {
  decoderOf: (segment) => codecOf(segment.codec).createDecoder(segment),
  checkOriginal(segment, index, length, proof) {
    verifyOriginalProof(proof, { length, treeHash: segment.treeHash }, index)
  }
}

function withSource<T>(evidence: EvidenceBytes, use: (source: EvidenceSource) => T): T {
  if ('memory' in evidence) {
    const { memory } = evidence
    return use({
      byteLength: memory.byteLength,
      read: (offset, length) => memory.subarray(offset, offset + length)
    })
  }
  const file = openSync(evidence.path, 'r')
  try {
    // One buffer, as long as the longest chunk read so far: what a large evidence takes of memory.
    let buffer = Buffer.alloc(64 << 10)
    const read = (offset: number, length: number): Uint8Array => {
      if (buffer.byteLength < length) buffer = Buffer.allocUnsafeSlow(length)
      let filled = 0
      while (filled < length) {
        const bytes = readSync(file, buffer, filled, length - filled, offset + filled)
        if (bytes === 0) throw new Error(`${evidence.path} is shorter than it was`)
        filled += bytes
      }
      return buffer.subarray(0, length)
    }
    return use({ byteLength: evidence.byteLength, read })
  } finally {
    closeSync(file)
  }
}

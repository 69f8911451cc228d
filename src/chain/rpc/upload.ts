import { SwarmError } from '../../errors.js'
import type { Evidence } from '../walk/evidence.js'
import type { CallOptions, ChainConnection } from './connection.js'

/** Pieces on their way at a time: fills the line, and bounds what both ends hold. */
const PIECES_IN_FLIGHT = 8
/** How often an upload begins again after its connection was lost. */
const ATTEMPTS = 5

/** See `ChainClient.sendEvidence`. The evidence's bytes are read once for each attempt. */
export async function uploadEvidence(
  connection: ChainConnection,
  challenge: number,
  evidence: Evidence,
  options: CallOptions = {}
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await attemptUpload(connection, challenge, evidence, options)
      return
    } catch (error) {
      const lost = error instanceof SwarmError && LOST.has(error.code)
      if (!lost || attempt === ATTEMPTS) throw error
    }
  }
}

/** The connection went away, or the chain forgot the upload with it. */
const LOST = new Set(['RPC_CLOSED', 'EVIDENCE_UPLOAD'])

async function attemptUpload(
  connection: ChainConnection,
  challenge: number,
  evidence: Evidence,
  options: CallOptions
): Promise<void> {
  const begun = { challenge, bytes: evidence.byteLength }
  const { upload, pieceBytes } = await connection.call('beginEvidence', begun, options)
  const inFlight = new Set<Promise<unknown>>()
  let failed: { error: unknown } | null = null
  let offset = 0
  for await (const bytes of pieces(evidence.parts(), pieceBytes)) {
    const piece = connection
      .call('evidence', { upload, offset, bytes }, { ...options, once: true })
      .catch((error: unknown) => (failed ??= { error }))
      .finally(() => inFlight.delete(piece))
    inFlight.add(piece)
    offset += bytes.byteLength
    while (inFlight.size >= PIECES_IN_FLIGHT) await Promise.race(inFlight)
    if (failed) break
  }
  await Promise.all(inFlight)
  if (failed) throw (failed as { error: unknown }).error
}

/** Cuts any sequence of parts into pieces of exactly `bytes`, but for the last. */
async function* pieces(parts: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (let part of parts) {
    while (heldBytes + part.byteLength >= bytes) {
      const taken = bytes - heldBytes
      yield Buffer.concat([...held, part.subarray(0, taken)])
      part = part.subarray(taken)
      held = []
      heldBytes = 0
    }
    if (part.byteLength === 0) continue
    held.push(part)
    heldBytes += part.byteLength
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}

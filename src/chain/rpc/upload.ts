import { setTimeout as pause } from 'node:timers/promises'
import { SwarmError } from '../../errors.js'
import type { Evidence } from '../walk/evidence.js'
import type { CallOptions, ChainConnection } from './connection.js'

/** Pieces on their way at a time: fills the line, and bounds what both ends hold. */
const PIECES_IN_FLIGHT = 8
/** How often an upload begins again, and the pause before that, doubled each time. */
const ATTEMPTS = 6
const PAUSE_MS = 250
/** How often in a row the chain may put the same piece off. */
const FRUITLESS_MAX = 40

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
      const passes = error instanceof SwarmError && PASSING.has(error.code)
      if (!passes || attempt === ATTEMPTS) throw error
    }
    await pause(PAUSE_MS * 2 ** (attempt - 1), undefined, options.signal ? { signal: options.signal } : {})
  }
}

/** The connection went away, and with it the upload; or the chain has no room for one now. */
const PASSING = new Set(['RPC_CLOSED', 'CHAIN_BUSY', 'EVIDENCE_UPLOAD'])
/** The chain wants a piece later. */
const SLOWER = new Set(['RPC_RATE', 'RPC_BUSY'])

async function attemptUpload(
  connection: ChainConnection,
  challenge: number,
  evidence: Evidence,
  options: CallOptions
): Promise<void> {
  const begun = { challenge, bytes: evidence.byteLength }
  const { upload, pieceBytes } = await connection.call('beginEvidence', begun, options)
  let offset = 0
  let waiting: Piece[] = []
  const send = (piece: Piece): Promise<unknown> =>
    connection.call('evidence', { upload, ...piece }, { ...options, once: true })
  for await (const bytes of pieces(evidence.parts(), pieceBytes)) {
    waiting.push({ offset, bytes })
    offset += bytes.byteLength
    if (waiting.length < PIECES_IN_FLIGHT) continue
    await sendAll(waiting, send, options.signal)
    waiting = []
  }
  await sendAll(waiting, send, options.signal)
}

interface Piece {
  offset: number
  bytes: Buffer
}

/** Sends pieces together. The chain takes them in order: those behind one that it puts off are sent again with it. */
async function sendAll(
  pieces: Piece[],
  send: (piece: Piece) => Promise<unknown>,
  signal: AbortSignal | undefined
): Promise<void> {
  let fruitless = 0
  for (let rest = pieces; ;) {
    const results = await Promise.allSettled(rest.map(send))
    const failed = results.findIndex(({ status }) => status === 'rejected')
    if (failed === -1) return
    const reason = (results[failed] as PromiseRejectedResult).reason as unknown
    fruitless = failed === 0 ? fruitless + 1 : 0
    const slower = reason instanceof SwarmError && SLOWER.has(reason.code)
    if (!slower || fruitless > FRUITLESS_MAX) throw reason
    await pause(PAUSE_MS, undefined, signal ? { signal } : {})
    rest = rest.slice(failed)
  }
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

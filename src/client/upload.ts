import { SwarmError, type ErrorCode } from '../errors.js'
import type { EvidenceReceipt } from '../protocol/receipt.js'
import { joining, pause } from '../wait.js'
import type { CallOptions, ChainConnection } from './connection.js'

/** Pieces on their way at a time: fills the line, and bounds what both ends hold. */
const PIECES_IN_FLIGHT = 8
/** How often an upload begins again, and the pause before that, doubled each time. */
const ATTEMPTS = 6
const PAUSE_MS = 250
/** How often in a row the chain may put the same piece off. */
const FRUITLESS_MAX = 40

/** How one kind of evidence is handed over. */
export interface UploadCalls {
  begin(byteLength: number): Promise<{ upload: number; pieceBytes: number }>
  piece(piece: { upload: number; offset: number; bytes: Buffer }): Promise<unknown>
}

/** What is handed over: its bytes are read once for each attempt. */
export interface UploadSource {
  byteLength: number
  parts(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** The evidence of an answer. */
export interface AnswerEvidence extends UploadSource {
  /** `sliceEvidenceHash`, which the answer named. */
  hash: Uint8Array
}

/** An evidence that is in memory. */
export function evidenceOf(bytes: Uint8Array, hash: Uint8Array): AnswerEvidence {
  return { hash, byteLength: bytes.byteLength, parts: () => [bytes] }
}

/** The evidence of an answered challenge; resolves to the chain's receipt. See `ChainClient.sendEvidence`. */
export async function uploadEvidence(
  connection: ChainConnection,
  challenge: number,
  evidence: UploadSource,
  options: CallOptions = {}
): Promise<EvidenceReceipt | null> {
  let receipt: EvidenceReceipt | null = null
  const calls: UploadCalls = {
    begin: (bytes) => connection.call('beginEvidence', { challenge, bytes }, options),
    piece: async (piece) => {
      const taken = await connection.call('evidence', piece, { ...options, once: true })
      receipt ??= taken.receipt
    }
  }
  await upload(calls, evidence, waiting(connection, options))
  return receipt
}

/** An opening; resolves to the chain's receipt. See `ChainClient.sendOpening`. */
export async function uploadOpening(
  connection: ChainConnection,
  challenge: number,
  opening: UploadSource,
  options: CallOptions = {}
): Promise<EvidenceReceipt | null> {
  let receipt: EvidenceReceipt | null = null
  const calls: UploadCalls = {
    begin: (bytes) => connection.call('beginOpening', { challenge, bytes }, options),
    piece: async (piece) => {
      const taken = await connection.call('opening', piece, { ...options, once: true })
      receipt ??= taken.receipt
    }
  }
  await upload(calls, opening, waiting(connection, options))
  return receipt
}

/** The evidence of a refusal. See `ChainClient.sendRefusalEvidence`. */
export function uploadRefusalEvidence(
  connection: ChainConnection,
  draw: number,
  evidence: UploadSource,
  options: CallOptions = {}
): Promise<void> {
  const calls: UploadCalls = {
    begin: (bytes) => connection.call('beginRefusalEvidence', { draw, bytes }, options),
    piece: (piece) => connection.call('refusalEvidence', piece, { ...options, once: true })
  }
  return upload(calls, evidence, waiting(connection, options))
}

/** Waits between attempts. @throws what ends the upload */
type Wait = (ms: number) => Promise<void>

function waiting(connection: ChainConnection, { signal }: CallOptions): Wait {
  return async (ms) => {
    await joining([signal, connection.signal], (stop) => pause(connection.clock, ms, stop))
    signal?.throwIfAborted()
    connection.signal.throwIfAborted()
  }
}

async function upload(calls: UploadCalls, evidence: UploadSource, wait: Wait): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await attemptUpload(calls, evidence, wait)
      return
    } catch (error) {
      const passes = error instanceof SwarmError && PASSING.has(error.code)
      if (!passes || attempt === ATTEMPTS) throw error
    }
    await wait(PAUSE_MS * 2 ** (attempt - 1))
  }
}

/** The connection went away, and with it the upload; or the chain has no room for one now. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['RPC_CLOSED', 'CHAIN_BUSY', 'EVIDENCE_UPLOAD'])
/** The chain wants a piece later. */
const SLOWER: ReadonlySet<ErrorCode> = new Set(['RPC_RATE', 'RPC_BUSY', 'CHAIN_BUSY'])

async function attemptUpload(calls: UploadCalls, evidence: UploadSource, wait: Wait): Promise<void> {
  const { upload, pieceBytes } = await calls.begin(evidence.byteLength)
  let offset = 0
  let held: Piece[] = []
  const send = (piece: Piece): Promise<unknown> => calls.piece({ upload, ...piece })
  for await (const bytes of pieces(evidence.parts(), pieceBytes)) {
    held.push({ offset, bytes })
    offset += bytes.byteLength
    if (held.length < PIECES_IN_FLIGHT) continue
    await sendAll(held, send, wait)
    held = []
  }
  await sendAll(held, send, wait)
}

interface Piece {
  offset: number
  bytes: Buffer
}

/** Sends pieces together. The chain takes them in order: those behind one that it puts off are sent again with it. */
async function sendAll(pieces: Piece[], send: (piece: Piece) => Promise<unknown>, wait: Wait): Promise<void> {
  let fruitless = 0
  for (let rest = pieces; ;) {
    const results = await Promise.allSettled(rest.map(send))
    const failed = results.findIndex(({ status }) => status === 'rejected')
    if (failed === -1) return
    const reason = (results[failed] as PromiseRejectedResult).reason as unknown
    fruitless = failed === 0 ? fruitless + 1 : 0
    const slower = reason instanceof SwarmError && SLOWER.has(reason.code)
    if (!slower || fruitless > FRUITLESS_MAX) throw reason
    await wait(PAUSE_MS)
    rest = rest.slice(failed)
  }
}

/** Cuts any sequence of parts into pieces of exactly `bytes`, but for the last. */
async function* pieces(
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  bytes: number
): AsyncGenerator<Buffer> {
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

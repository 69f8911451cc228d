import { bytes, fixed, list, optional, struct, text, uint, type Infer, type Type } from '../codec.js'
import { DETAIL_BYTES_MAX, OPERATION_BYTES_MAX } from '../operations.js'
import { parametersType } from '../parameters.js'
import { questions, ROWS_MAX, type QuestionName } from './questions.js'
import {
  chainViewType,
  challengeViewType,
  eventType,
  evidenceReceiptType,
  evidenceViewType,
  receiptType
} from './views.js'

/** Name of the channel; its number rises with every change that an older peer would not understand. */
export const CHAIN_PROTOCOL = 'datdot/chain/4'

/** Operations that one submit may carry. */
const SUBMIT_MAX = 256
/** Entries that one answer to `events` may carry, and the bytes at which it ends early. */
const EVENTS_MAX = 1024
export const EVENTS_BYTES = 2 << 20
/** How long `events` and `wait` may be held open for something to happen. */
export const WAIT_MS_MAX = 30_000

/** The most bytes of one piece of evidence. */
export const EVIDENCE_PIECE_BYTES = 256 << 10

const empty = struct({})

/** The result of one submitted operation: a receipt, or a code and a sentence. */
const submitResultType = struct({ receipt: optional(receiptType), code: text(64), message: text(1024) })
export type SubmitMessage = Infer<typeof submitResultType>

interface Method<Q, A> {
  /** Number on the wire. Never reused. */
  readonly code: number
  readonly request: Type<Q>
  readonly response: Type<A>
}

const method = <Q, A>(code: number, request: Type<Q>, response: Type<A>): Method<Q, A> => ({
  code,
  request,
  response
})

/**
 * Every method of the protocol: the ledger's questions, and what the server has a handler of its own for. "Own" means the key with
 * which the asking connection was made.
 */
export const methods = {
  /** The chain, its parameters, and its clock now. */
  info: method(0, empty, struct({ chain: chainViewType, parameters: parametersType, clockNow: uint() })),
  /** Operations of any senders, applied in order. `again`: those applied before get the receipt they got then. */
  submit: method(
    1,
    struct({ wires: list(bytes(OPERATION_BYTES_MAX + DETAIL_BYTES_MAX), SUBMIT_MAX), again: uint(1) }),
    list(submitResultType, SUBMIT_MAX)
  ),
  /** Entries from position `from`; waits up to `waitMs` if there are none yet. */
  events: method(
    2,
    struct({ from: uint(), most: uint(EVENTS_MAX), waitMs: uint(WAIT_MS_MAX) }),
    struct({ length: uint(), events: list(eventType, EVENTS_MAX) })
  ),
  /** What the ledger alone can answer. */
  ...questions,
  /** Own challenges that are answered and wait for evidence. */
  evidenceDue: method(34, struct({ limit: uint(ROWS_MAX) }), list(challengeViewType, ROWS_MAX)),
  /** Draws that the asker refused and whose evidence the chain waits for, oldest first. */
  refusalsDue: method(37, empty, list(uint(), ROWS_MAX)),
  /** Announces the evidence of an own, answered challenge: the one that the answer named. */
  beginEvidence: method(
    48,
    struct({ challenge: uint(), bytes: uint() }),
    struct({ upload: uint(), pieceBytes: uint() })
  ),
  /** The next piece; the last one completes the upload, and is answered with the chain's receipt. */
  evidence: method(
    49,
    struct({ upload: uint(), offset: uint(), bytes: bytes(EVIDENCE_PIECE_BYTES) }),
    struct({ received: uint(), receipt: optional(evidenceReceiptType) })
  ),
  findEvidence: method(50, struct({ challenge: uint() }), optional(evidenceViewType)),
  /** Announces the evidence of an own refusal. */
  beginRefusalEvidence: method(
    51,
    struct({ draw: uint(), bytes: uint() }),
    struct({ upload: uint(), pieceBytes: uint() })
  ),
  /** The next piece; the last one completes the upload. */
  refusalEvidence: method(
    52,
    struct({ upload: uint(), offset: uint(), bytes: bytes(EVIDENCE_PIECE_BYTES) }),
    struct({ received: uint() })
  ),
  findRefusalEvidence: method(53, struct({ draw: uint() }), optional(evidenceViewType)),
  /** Announces an opening that the asker owes. */
  beginOpening: method(
    54,
    struct({ challenge: uint(), bytes: uint() }),
    struct({ upload: uint(), pieceBytes: uint() })
  ),
  /** The next piece; the last one completes the upload, and is answered with the chain's receipt. */
  opening: method(
    55,
    struct({ upload: uint(), offset: uint(), bytes: bytes(EVIDENCE_PIECE_BYTES) }),
    struct({ received: uint(), receipt: optional(evidenceReceiptType) })
  ),
  findOpening: method(56, struct({ challenge: uint() }), optional(evidenceViewType)),
  /**
   * Says which of the copies of an identity's folder speaks, by a number of its own. Other connections with the same number are closed;
   * of two numbers the later one is refused while the first is heard.
   */
  hello: method(57, struct({ instance: fixed(16) }), empty)
}

/** What is more than a question to the ledger. */
export type HandledName = Exclude<keyof typeof methods, QuestionName>
export type MethodName = keyof typeof methods
export type Request<M extends MethodName> = Infer<(typeof methods)[M]['request']>
export type Response<M extends MethodName> = Infer<(typeof methods)[M]['response']>

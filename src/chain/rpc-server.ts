import Protomux from 'protomux'
import type { Answers } from './evidence/answers.js'
import { decode, encode, type Type } from '../protocol/codec.js'
import type { Clock } from '../clock.js'
import type { Sender } from './evidence/inbox.js'
import type { EvidenceKeeper } from './evidence/store.js'
import type { EventFeed } from './feed.js'
import { SwarmError } from '../errors.js'
import type { LedgerApi, SubmitResult } from '../ledger/types.js'
import type { Refusals } from './evidence/refusals.js'
import type { Submissions } from './submissions.js'
import {
  EVIDENCE_PIECE_BYTES,
  CHAIN_PROTOCOL,
  EVENTS_BYTES,
  methods,
  type HandledName,
  type Request,
  type Response,
  type SubmitMessage
} from '../protocol/rpc/messages.js'
import {
  questions,
  ROWS_MAX,
  type Form,
  type Question,
  type QuestionName
} from '../protocol/rpc/questions.js'
import type { PeerStream } from '../swarm/peer-stream.js'
import { ServerChannel, type Handler, type Quotas } from '../swarm/rpc-channel.js'

/** Connections that may use the protocol at a time. */
const CONNECTIONS_MAX = 4096

export interface ChainRpcPorts {
  ledger: LedgerApi
  submissions: Submissions
  feed: EventFeed
  answers: Answers
  refusals: Refusals
  evidence: Pick<EvidenceKeeper, 'find'>
  /** Chain time now, in ms. */
  time: () => number
  /** For the rate of requests. */
  clock: Pick<Clock, 'now'>
  quotas?: Partial<Quotas> | undefined
}

/** Who asks. */
interface Asker extends Sender {
  key: Buffer
}

/** What is more than a question to the ledger. */
type Answerers = {
  [M in HandledName]: (request: Request<M>, asker: Asker) => Response<M> | Promise<Response<M>>
}

/** Answers the protocol on every connection that opens it. */
export class ChainRpcServer {
  readonly #ports: ChainRpcPorts
  readonly #answerers: Answerers
  readonly #channels = new Set<ServerChannel>()
  #closed = false

  constructor(ports: ChainRpcPorts) {
    this.#ports = ports
    this.#answerers = answerersOf(ports)
  }

  /** Offers the protocol on a connection, whose remote key the encrypted handshake has proven. */
  accept(connection: PeerStream): void {
    const mux = Protomux.from(connection)
    const open = (): void => {
      if (this.#closed || this.#channels.size >= CONNECTIONS_MAX) return
      const { quotas, clock, answers, refusals } = this.#ports
      const channel = new ServerChannel(mux, CHAIN_PROTOCOL, {
        handlers: this.#handlers(connection),
        clock,
        ...(quotas ? { quotas } : {}),
        onclose: () => {
          this.#channels.delete(channel)
          answers.forget(connection)
          refusals.forget(connection)
        }
      })
      this.#channels.add(channel)
    }
    mux.pair({ protocol: CHAIN_PROTOCOL }, open)
  }

  /** Channels that are open. */
  get connections(): number {
    return this.#channels.size
  }

  close(): void {
    this.#closed = true
    for (const channel of this.#channels) channel.close()
  }

  #handlers(connection: PeerStream): Map<number, Handler> {
    const { ledger } = this.#ports
    const key = connection.remotePublicKey
    const handlers = new Map<number, Handler>()
    const serve = <Q, A>(
      { code, request, response }: { code: number; request: Type<Q>; response: Type<A> },
      answer: (asked: Q, signal: AbortSignal) => A | Promise<A>
    ): void => {
      handlers.set(code, async (body, signal) => encode(response, await answer(parse(request, body), signal)))
    }
    for (const name of Object.keys(questions) as QuestionName[]) {
      const question = questions[name] as Question<unknown[], unknown, Form>
      const ask = ledger[name].bind(ledger) as (...args: unknown[]) => Promise<unknown>
      serve(question, (args) => ask(...(question.form === 'own' ? [key] : []), ...args))
    }
    for (const name of Object.keys(this.#answerers) as HandledName[]) {
      const answer = this.#answerers[name] as (request: unknown, asker: Asker) => unknown
      serve(
        methods[name] as { code: number; request: Type<unknown>; response: Type<unknown> },
        (asked, signal) => answer(asked, { key, connection, signal })
      )
    }
    return handlers
  }
}

function answerersOf(ports: ChainRpcPorts): Answerers {
  const { ledger, submissions, feed, answers, refusals, evidence, time } = ports
  return {
    info: async () => {
      const [chain, parameters] = await Promise.all([ledger.chain(), ledger.parameters()])
      return { chain, parameters, clockNow: time() }
    },
    submit: async ({ wires, again }) => (await submissions.add(wires, again === 1)).map(submitMessage),
    events: async ({ from, most, waitMs }, { signal }) => {
      await feed.wait(from, waitMs, signal)
      return { length: feed.length, events: await feed.read(from, most, EVENTS_BYTES) }
    },
    evidenceDue: ({ limit }, { key }) => answers.due(key, limit),
    beginEvidence: async (announced, asker) => ({
      upload: await answers.begin(asker, announced),
      pieceBytes: EVIDENCE_PIECE_BYTES
    }),
    evidence: async ({ upload, offset, bytes }, { connection }) => ({
      received: await answers.piece(connection, upload, offset, bytes)
    }),
    findEvidence: ({ challenge }) => evidence.find({ kind: 'answer', id: challenge }) ?? null,
    refusalsDue: (_, { key }) => refusals.due(key, ROWS_MAX),
    beginRefusalEvidence: async (announced, asker) => ({
      upload: await refusals.begin(asker, announced),
      pieceBytes: EVIDENCE_PIECE_BYTES
    }),
    refusalEvidence: async ({ upload, offset, bytes }, { connection }) => ({
      received: await refusals.piece(connection, upload, offset, bytes)
    }),
    findRefusalEvidence: ({ draw }) => evidence.find({ kind: 'refusal', id: draw }) ?? null
  }
}

function submitMessage(result: SubmitResult): SubmitMessage {
  if (result.ok) return { receipt: result.receipt, code: '', message: '' }
  const { code, message } = result.error
  return { receipt: null, code: code.slice(0, 64), message: message.slice(0, 256) }
}

function parse<T>(type: Type<T>, body: Uint8Array): T {
  try {
    return decode(type, body)
  } catch (error) {
    throw new SwarmError(
      'RPC_MALFORMED',
      `This request is not one of the protocol: ${(error as Error).message}`
    )
  }
}

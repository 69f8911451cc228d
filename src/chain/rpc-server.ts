import Protomux from 'protomux'
import type { Answers } from './evidence/answers.js'
import { decode, encode, type Type } from '../protocol/codec.js'
import type { Clock } from '../clock.js'
import type { Sender } from './evidence/inbox.js'
import type { EvidenceKeeper } from './evidence/store.js'
import type { EventFeed } from './feed.js'
import { SwarmError } from '../errors.js'
import type { LedgerApi, SubmitResult } from '../ledger/types.js'
import type { Openings } from './evidence/openings.js'
import type { Refusals } from './evidence/refusals.js'
import type { Submissions } from './submissions.js'
import {
  EVIDENCE_PIECE_BYTES,
  CHAIN_PROTOCOL,
  EVENTS_BYTES,
  methods,
  type HandledName,
  type MethodName,
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
import {
  defaultQuotas,
  ServerChannel,
  SharedMemory,
  type Handler,
  type Quotas
} from '../swarm/rpc-channel.js'
import type { Place } from './admission/fair-queue.js'
import { Instances } from './admission/instances.js'
import { STRANGER_QUOTAS } from './admission/limits.js'
import { Turns } from './admission/turns.js'
import { toHex } from '../bytes.js'

/** Connections that may use the protocol at a time. */
const CONNECTIONS_MAX = 4096

/** Memory for what is asked and what is not taken off the wire, of all connections; of strangers' together less. */
const MEMORY_BYTES = 256 << 20
const STRANGERS_BYTES = 64 << 20

/** As how many requests one of a method counts: those that read many rows. */
const COSTS: Partial<Record<MethodName, number>> = {
  summary: 20,
  roles: 20,
  hypercores: 20,
  assignments: 5,
  challenges: 5,
  asks: 5,
  checks: 5,
  evidenceDue: 5
}
const costs = new Map(Object.entries(COSTS).map(([name, cost]) => [methods[name as MethodName].code, cost]))

export interface ChainRpcPorts {
  ledger: LedgerApi
  submissions: Submissions
  feed: EventFeed
  answers: Answers
  openings: Openings
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
  place: Place
  /** Looks again whether it has an account. */
  recognise: () => Promise<void>
  /** Has this connection speak for its key. */
  claim: (instance: Uint8Array) => void
}

/** What is more than a question to the ledger. */
type Answerers = {
  [M in HandledName]: (request: Request<M>, asker: Asker) => Response<M> | Promise<Response<M>>
}

/** Answers the protocol on every connection that opens it. */
export class ChainRpcServer {
  readonly #ports: ChainRpcPorts
  readonly #answerers: Answerers
  readonly #channels = new Map<ServerChannel, Place>()
  readonly #turns: Turns
  readonly #instances: Instances
  readonly #memory = { member: new SharedMemory(MEMORY_BYTES), stranger: new SharedMemory(STRANGERS_BYTES) }
  #closed = false

  constructor(ports: ChainRpcPorts) {
    this.#ports = ports
    this.#turns = new Turns(ports.clock)
    this.#instances = new Instances(ports.clock)
    this.#answerers = answerersOf(ports)
  }

  /** Offers the protocol on a connection, whose remote key the encrypted handshake has proven. */
  accept(connection: PeerStream): void {
    const mux = Protomux.from(connection)
    const open = (): void => {
      if (this.#closed || this.#channels.size >= CONNECTIONS_MAX) return
      const { quotas, clock, answers, openings, refusals } = this.#ports
      const place: Place = { key: toHex(connection.remotePublicKey), standing: 'stranger' }
      const recognise = (): Promise<void> => this.#recognise(connection.remotePublicKey, place, channel)
      const claim = (instance: Uint8Array): void => this.#instances.claim(place.key, instance, channel)
      const channel: ServerChannel = new ServerChannel(mux, CHAIN_PROTOCOL, {
        handlers: this.#handlers({ connection, place, recognise, claim }),
        clock,
        quotas: { ...STRANGER_QUOTAS, ...quotas },
        costs,
        memory: this.#memory.stranger,
        onclose: () => {
          this.#channels.delete(channel)
          this.#instances.forget(place.key, channel)
          answers.forget(connection)
          openings.forget(connection)
          refusals.forget(connection)
        }
      })
      this.#channels.set(channel, place)
      // A ledger that is closing answers nobody.
      recognise().catch(() => {})
    }
    mux.pair({ protocol: CHAIN_PROTOCOL }, open)
  }

  /** Whether a key that is connected has an account. */
  knows(key: Uint8Array): boolean {
    const hex = toHex(key)
    for (const place of this.#channels.values()) if (place.key === hex) return place.standing === 'member'
    return false
  }

  /** Channels that are open. */
  get connections(): number {
    return this.#channels.size
  }

  close(): void {
    this.#closed = true
    for (const channel of [...this.#channels.keys()]) channel.close()
  }

  /** Gives a connection what members get, once its key has an account. */
  async #recognise(key: Buffer, place: Place, channel: ServerChannel): Promise<void> {
    if (place.standing === 'member' || !(await this.#ports.ledger.hasAccount(key))) return
    place.standing = 'member'
    channel.allow({ ...defaultQuotas, ...this.#ports.quotas }, this.#memory.member)
  }

  #handlers(
    who: Pick<Asker, 'place' | 'recognise' | 'claim'> & { connection: PeerStream }
  ): Map<number, Handler> {
    const { ledger } = this.#ports
    const { place } = who
    const key = who.connection.remotePublicKey
    const handlers = new Map<number, Handler>()
    const serve = <Q, A>(
      { code, request, response }: { code: number; request: Type<Q>; response: Type<A> },
      answer: (asked: Q, signal: AbortSignal) => A | Promise<A>
    ): void => {
      const begin = async (body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> => {
        signal.throwIfAborted()
        return encode(response, await answer(parse(request, body), signal))
      }
      handlers.set(code, (body, signal) => this.#turns.run(place, () => begin(body, signal)))
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
        (asked, signal) => answer(asked, { ...who, key, signal })
      )
    }
    return handlers
  }
}

function answerersOf(ports: ChainRpcPorts): Answerers {
  const { ledger, submissions, feed, answers, openings, refusals, evidence, time } = ports
  return {
    info: async () => {
      const [chain, parameters] = await Promise.all([ledger.chain(), ledger.parameters()])
      return { chain, parameters, clockNow: time() }
    },
    submit: async ({ wires, again }, { place, recognise }) => {
      const arrived = time()
      await recognise()
      return (await submissions.add(wires, { again: again === 1, place, arrived })).map(submitMessage)
    },
    events: async ({ from, most, waitMs }, { signal }) => {
      await feed.wait(from, waitMs, signal)
      return { length: feed.length, events: await feed.read(from, most, EVENTS_BYTES) }
    },
    evidenceDue: ({ limit }, { key }) => answers.due(key, limit),
    beginEvidence: async (announced, asker) => ({
      upload: await answers.begin(asker, announced),
      pieceBytes: EVIDENCE_PIECE_BYTES
    }),
    evidence: ({ upload, offset, bytes }, { connection }) => answers.piece(connection, upload, offset, bytes),
    beginOpening: async (announced, asker) => ({
      upload: await openings.begin(asker, announced),
      pieceBytes: EVIDENCE_PIECE_BYTES
    }),
    opening: ({ upload, offset, bytes }, { connection }) => openings.piece(connection, upload, offset, bytes),
    findOpening: ({ challenge }) => evidence.find({ kind: 'opening', id: challenge }) ?? null,
    findEvidence: ({ challenge }) => evidence.find({ kind: 'answer', id: challenge }) ?? null,
    refusalsDue: (_, { key }) => refusals.due(key, ROWS_MAX),
    beginRefusalEvidence: async (announced, asker) => ({
      upload: await refusals.begin(asker, announced),
      pieceBytes: EVIDENCE_PIECE_BYTES
    }),
    refusalEvidence: async ({ upload, offset, bytes }, { connection }) => ({
      received: await refusals.piece(connection, upload, offset, bytes)
    }),
    findRefusalEvidence: ({ draw }) => evidence.find({ kind: 'refusal', id: draw }) ?? null,
    hello: ({ instance }, { claim }) => {
      claim(instance)
      return {}
    }
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

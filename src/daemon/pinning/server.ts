import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import * as idEncoding from 'hypercore-id-encoding'
import { parseKey } from '../../drive/key.js'
import { DatdotError, InputError, type ErrorCode } from '../../errors.js'
import { catalogue } from '../../errors/catalogue.js'
import { Resource } from '../../lifecycle.js'
import type { Logger } from '../../log.js'
import type { ApiKey } from '../../roles/sponsor/api-keys.js'
import type { Pin, PinFilter, PinStatus, WantedPin } from '../../roles/sponsor/pins.js'
import type { Sponsor } from '../../roles/sponsor/sponsor.js'
import { listenAt } from '../listening.js'
import type { Address } from '../setting.js'
import * as shapes from './shapes.js'

/** Far more than the largest pin that the shapes let through. */
const BODY_BYTES_MAX = 64 << 10
/** Requests of one address, whatever key it has: so that nobody tries keys for long. */
const REQUESTS = { max: 600, timeWindow: 10_000, cache: 10_000 }
const CONNECTIONS_MAX = 1_000
const REQUEST_MS = 30_000

const STATUS: Partial<Record<ErrorCode, number>> = {
  API_ARGUMENT: 400,
  API_KEY_UNKNOWN: 401,
  API_UNKNOWN: 404,
  PIN_QUOTA: 409,
  PIN_BODY_LARGE: 413,
  API_TOO_MANY: 429,
  API_NOT_READY: 503
}

export interface PinningOptions {
  address: Address
  sponsor: Sponsor
  log: Logger
}

/**
 * The pinning API over HTTP: `/pins` in the vocabulary of the IPFS pinning service, `/openapi.json` that describes it, made of the shapes that check what
 * comes, and `/live`. Nothing of it depends on where a request comes from, only on its API key.
 */
export class PinningServer extends Resource {
  readonly #options: PinningOptions
  #url = ''

  constructor(options: PinningOptions) {
    super()
    this.#options = options
  }

  /** Begins to listen. @throws InputError HTTP_FAILED */
  protected async start(): Promise<void> {
    const server = fastify({
      logger: false,
      forceCloseConnections: true,
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_MS,
      ajv: { customOptions: { coerceTypes: 'array', removeAdditional: true } }
    })
    this.own('server', server)
    server.server.maxConnections = CONNECTIONS_MAX
    await this.#answer(server)
    this.#url = await listenAt(server, this.#options.address)
  }

  /** What clients are given as the service's address. */
  get url(): string {
    return this.#url
  }

  async #answer(server: FastifyInstance): Promise<void> {
    const { sponsor, log } = this.#options
    const { pins } = sponsor
    server.setErrorHandler((error, _request, reply) => failed(error as Failure, reply, log))
    server.setNotFoundHandler(() => {
      throw unknown('there is no such address; /openapi.json has all')
    })
    await server.register(rateLimit, {
      ...REQUESTS,
      errorResponseBuilder: () => new InputError('API_TOO_MANY', 'this address asks too often')
    })
    await server.register(swagger, {
      openapi: {
        info: {
          title: 'datdot pinning',
          description: 'Has hypercores and drives kept. A cid is the key of one, in z-base-32 or hex.',
          version: '1'
        },
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
        security: [{ key: [] }]
      }
    })
    server.get('/live', { schema: { hide: true } }, () => 'live\n')
    server.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
      reply.type('application/json; charset=utf-8').send(JSON.stringify(server.swagger()))
    )

    const answers = (code: number, schema: unknown) => ({
      [code]: schema,
      '4xx': shapes.failureShape.schema,
      '5xx': shapes.failureShape.schema
    })
    const params = shapes.idShape.schema
    const one = shapes.pinStatusShape.schema
    // Before a body is read: who has no key has this node read nothing.
    const keys = new WeakMap<FastifyRequest, ApiKey>()
    const onRequest = (
      request: FastifyRequest,
      _reply: FastifyReply,
      done: (error?: Error) => void
    ): void => {
      try {
        const [, given = ''] = /^Bearer (\S{1,256})$/i.exec(request.headers.authorization ?? '') ?? []
        keys.set(request, sponsor.keys.enter(given))
        done()
      } catch (error) {
        done(error as Error)
      }
    }
    const keyOf = (request: FastifyRequest): ApiKey => keys.get(request)!

    server.get(
      '/pins',
      {
        onRequest,
        schema: {
          summary: 'Pins, the newest first; those that are pinned if no status is named',
          querystring: shapes.listShape.schema,
          response: answers(200, shapes.pinResultsShape.schema)
        }
      },
      (request) => {
        const { count, rows } = pins.list(keyOf(request), filterOf(request.query as shapes.ListQuery))
        return { count, results: rows.map(answerOf) }
      }
    )
    server.post(
      '/pins',
      {
        onRequest,
        schema: {
          summary: 'Adds a pin; one of what is pinned already is that one, and nothing is paid again',
          body: shapes.pinShape.schema,
          response: answers(202, one)
        }
      },
      (request, reply) => {
        const pin = pins.add(keyOf(request), wantedOf(request.body as shapes.PinBody))
        sponsor.wake()
        return reply.code(202).send(answerOf(pin))
      }
    )
    server.get(
      '/pins/:requestid',
      { onRequest, schema: { summary: 'A pin', params, response: answers(200, one) } },
      (request) => {
        const pin = pins.get(keyOf(request), requestIdOf(request))
        if (!pin) throw unknown('there is no such pin')
        return answerOf(pin)
      }
    )
    server.post(
      '/pins/:requestid',
      {
        onRequest,
        schema: {
          summary: 'Puts another pin in the place of one; of the same hypercore it is paid for already',
          params,
          body: shapes.pinShape.schema,
          response: answers(202, one)
        }
      },
      (request, reply) => {
        const wanted = wantedOf(request.body as shapes.PinBody)
        const pin = pins.replace(keyOf(request), requestIdOf(request), wanted)
        if (!pin) throw unknown('there is no such pin')
        sponsor.wake()
        return reply.code(202).send(answerOf(pin))
      }
    )
    server.delete(
      '/pins/:requestid',
      {
        onRequest,
        schema: {
          summary: 'Removes a pin; what was paid for it stays with the hypercore',
          params,
          response: answers(202, { type: 'null', description: 'It is gone' })
        }
      },
      (request, reply) => {
        if (!pins.remove(keyOf(request), requestIdOf(request))) throw unknown('there is no such pin')
        return reply.code(202).send()
      }
    )
  }
}

type Failure = Error & { validation?: unknown; statusCode?: number }

function requestIdOf(request: FastifyRequest): string {
  return (request.params as { requestid: string }).requestid
}

function unknown(message: string): InputError {
  return new InputError('API_UNKNOWN', message)
}

function argumentOf(message: string): InputError {
  return new InputError('API_ARGUMENT', message)
}

function hypercoreOf(text: string): Buffer {
  const named = parseKey(text)
  if (!named) throw argumentOf(`${JSON.stringify(text)} is no key of a hypercore`)
  return named.key
}

function wantedOf({ cid, name, meta, origins }: shapes.PinBody): WantedPin {
  return {
    cid: hypercoreOf(cid),
    name: name ?? null,
    meta: meta ?? {},
    origins: (origins ?? []).map(hypercoreOf)
  }
}

function filterOf({ cid, name, match, status, before, after, limit, meta }: shapes.ListQuery): PinFilter {
  return {
    limit: limit ?? shapes.PINS_ROWS,
    ...(cid !== undefined && { cids: cid.split(',').map(hypercoreOf) }),
    ...(name !== undefined && { name: { text: name, match: match ?? 'exact' } }),
    statuses: (status ?? 'pinned').split(',') as PinStatus[],
    ...(before !== undefined && { before: momentOf(before) }),
    ...(after !== undefined && { after: momentOf(after) }),
    ...(meta !== undefined && { meta: metaOf(meta) })
  }
}

function momentOf(text: string): number {
  const at = Date.parse(text)
  if (Number.isSafeInteger(at)) return at
  throw argumentOf(`${JSON.stringify(text)} is no time`)
}

const META_MAX = 16

function metaOf(text: string): Record<string, string> {
  const wrong = argumentOf(`meta takes a JSON object of up to ${META_MAX} texts`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong
  const entries = Object.entries(value)
  if (entries.length > META_MAX || entries.some(([, one]) => typeof one !== 'string')) throw wrong
  return Object.fromEntries(entries)
}

function answerOf(pin: Pin): shapes.PinAnswer {
  const { id, status, created, cid, name, origins, meta, details, code, whole, wanted, cost } = pin
  return {
    requestid: id,
    status,
    created: new Date(created).toISOString(),
    pin: {
      cid: idEncoding.encode(cid),
      ...(name !== null && { name }),
      origins: origins.map((key) => idEncoding.encode(key)),
      meta
    } as shapes.PinAnswer['pin'],
    // Whoever serves a hypercore is found under its topic.
    delegates: [],
    info: {
      ...(details !== null && { status_details: details.slice(0, 1_024) }),
      ...(code !== null && { status_code: code }),
      copies_whole: whole,
      copies_wanted: wanted,
      cost: cost.toString()
    } as shapes.PinAnswer['info']
  }
}

/** Answers with a code of the catalogue; what is nobody's business is told to the log alone. */
function failed(error: Failure, reply: FastifyReply, log: Logger): FastifyReply {
  const { code, message } = known(error)
  if (code === 'API_FAILED') log('sponsor.answer-failed', { error })
  if (code === 'API_KEY_UNKNOWN') void reply.header('www-authenticate', 'Bearer')
  const details = `${message.slice(0, 1_000)}. ${catalogue[code].remedy}`
  return reply
    .code(STATUS[code] ?? 500)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ error: { reason: code, details } }))
}

function known(error: Failure): DatdotError {
  if (error instanceof DatdotError && STATUS[error.code] !== undefined) return error
  if (error instanceof DatdotError && error.code === 'CLOSED') {
    return new DatdotError('API_NOT_READY', 'this program is closing')
  }
  if (error.statusCode === 413) {
    return new InputError('PIN_BODY_LARGE', `a pin has at most ${BODY_BYTES_MAX} bytes`)
  }
  if (error.validation || (error.statusCode !== undefined && error.statusCode < 500)) {
    return argumentOf(error.message.slice(0, 512))
  }
  return new DatdotError('API_FAILED', 'the answer could not be made; the log of this program says why')
}

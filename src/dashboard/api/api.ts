import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { DatdotError, InputError } from '../../errors.js'
import type { Dashboard } from '../dashboard.js'
import { ApiAnswers } from './answers.js'
import { answerError } from './failures.js'
import { foreign, secure } from './guard.js'
import type { ApiOptions } from './options.js'
import { KeptAnswers } from './kept-answers.js'
import { routes } from './routes.js'
import { fields, whole } from './shape.js'
import { errorShape } from './shapes.js'
import { Streams } from './stream.js'

/** Requests of one address in a window, unless told otherwise. */
export const REQUESTS = { max: 600, windowMs: 10_000 }
/** Addresses that are counted at a time. */
const COUNTED_MAX = 10_000

/**
 * The JSON API, read-only, below `/api/v1`: what src/dashboard/api/routes.ts lists, `/openapi.json` that describes it, `/stream`, and the
 * evidence of a challenge as bytes.
 */
export async function api(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const { names = [], requests = REQUESTS } = options
  const kept = new KeptAnswers()
  const streams = new Streams()
  const opened = (): Dashboard => {
    const dashboard = options.dashboard()
    if (!dashboard) throw new DatdotError('API_NOT_READY', 'the ledger is not open yet')
    return dashboard
  }

  app.addHook('onRequest', (request, reply, done) => {
    secure(reply)
    done(foreign(request, names) ?? undefined)
  })
  app.setErrorHandler((error, _request, reply) => answerError(error as Error, reply, options))
  app.setNotFoundHandler(() => {
    throw new InputError('API_UNKNOWN', 'there is no such address; /api/v1/openapi.json has all')
  })
  await app.register(rateLimit, {
    max: requests.max,
    timeWindow: requests.windowMs,
    cache: COUNTED_MAX,
    errorResponseBuilder: () => new InputError('API_TOO_MANY', 'this address asks too often')
  })
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'datdot',
        description: 'What a pinning network for hypercores holds, and how well. Read-only.',
        version: '1'
      }
    }
  })

  const failures = { '4xx': errorShape.schema, '5xx': errorShape.schema }
  for (const { path, says, params, query, answers, answer } of routes) {
    app.get(
      path,
      {
        schema: {
          summary: says,
          ...(params && { params: params.schema }),
          ...(query && { querystring: query.schema }),
          response: { 200: { description: says, ...answers.schema }, ...failures }
        }
      },
      async (request, reply) => {
        const dashboard = opened()
        const { next } = dashboard.history.progress
        const asked = { params: request.params, query: request.query }
        const { body, etag } = await kept.get(next, request.url, async () => {
          const value = await answer(new ApiAnswers(dashboard), asked)
          const text = reply.code(200).serialize(value) as string
          return { body: text, etag: etagOf(text) }
        })
        void reply.headers({ etag, 'cache-control': 'no-cache' })
        if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
        return reply.code(200).type('application/json; charset=utf-8').send(body)
      }
    )
  }

  app.get(
    '/challenges/:id/evidence',
    {
      schema: {
        summary: 'The public evidence of a challenge, as its pinner handed it over',
        params: fields({ id: whole() }).schema,
        produces: ['application/octet-stream']
      }
    },
    (request, reply) => {
      const { id } = request.params as { id: number }
      const evidence = new ApiAnswers(opened()).evidence(id)
      return reply
        .headers({
          'cache-control': 'no-store',
          'content-disposition': `attachment; filename="${id}.evidence"`
        })
        .type('application/octet-stream')
        .send(Readable.from(evidence))
    }
  )
  app.get('/stream', { schema: { hide: true } }, async (request, reply) => {
    await streams.serve(opened(), request, reply)
  })
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger()))
  )
}

function etagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
}

function matches(asked: string | undefined, etag: string): boolean {
  return asked !== undefined && asked.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}

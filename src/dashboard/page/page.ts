import type { FastifyInstance } from 'fastify'
import { DatdotError, InputError } from '../../errors.js'
import { ApiAnswers } from '../api/answers.js'
import type { ApiOptions } from '../api/options.js'
import { answerError } from '../api/failures.js'
import { foreign, secure } from '../api/guard.js'
import { badge } from './badge.js'
import { pageFiles } from './files.js'

/** The page, from memory, and badges, which pages elsewhere may show. */
export function servePage(app: FastifyInstance, options: ApiOptions, done: () => void): void {
  const { names = [] } = options
  app.setErrorHandler((error, _request, reply) => answerError(error as Error, reply, options))
  for (const [path, file] of pageFiles()) {
    app.get(path, (request, reply) => {
      secure(reply)
      const refused = foreign(request, names)
      // A link from elsewhere may lead here; only the answers of the API are nobody else's business.
      if (refused && path !== '/') throw refused
      const lasts = file.lasting ? 'public, max-age=31536000, immutable' : 'no-cache'
      void reply.headers({ etag: file.etag, 'cache-control': lasts, vary: 'accept-encoding' })
      if (request.headers['if-none-match'] === file.etag) return reply.code(304).send()
      const packed = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
      if (packed) void reply.header('content-encoding', 'gzip')
      return reply.type(file.type).send(packed ? file.packed : file.plain)
    })
  }
  app.get('/favicon.ico', (_request, reply) => reply.code(204).send())
  app.get('/badge/:name', async (request, reply) => {
    secure(reply, true)
    const match = /^([A-Za-z0-9]{1,128})\.svg$/.exec((request.params as { name: string }).name)
    if (!match) throw new InputError('API_UNKNOWN', 'a badge is /badge/KEY.svg')
    const dashboard = options.dashboard()
    if (!dashboard) throw new DatdotError('API_NOT_READY', 'the ledger is not open yet')
    const { healthy, wanted, provenAt } = await new ApiAnswers(dashboard).hypercore(match[1]!)
    const { at } = await dashboard.source.chain()
    return reply
      .headers({ 'cache-control': 'public, max-age=60' })
      .type('image/svg+xml; charset=utf-8')
      .send(badge({ healthy, wanted, agoMs: provenAt === null ? null : Math.max(0, at - provenAt) }))
  })
  done()
}

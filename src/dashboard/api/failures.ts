import type { FastifyReply } from 'fastify'
import { DatdotError, InputError, type ErrorCode } from '../../errors.js'
import { catalogue } from '../../errors/catalogue.js'
import type { ApiOptions } from './options.js'

const STATUS: Partial<Record<ErrorCode, number>> = {
  API_ARGUMENT: 400,
  API_FOREIGN: 403,
  API_UNKNOWN: 404,
  API_TOO_MANY: 429,
  API_NOT_READY: 503
}

/** Answers with a code of the catalogue, whatever went wrong; what is nobody's business is told to the log alone. */
export function answerError(
  error: Error & { validation?: unknown; statusCode?: number },
  reply: FastifyReply,
  { dashboard }: Pick<ApiOptions, 'dashboard'>
): FastifyReply {
  const { code, message } = known(error)
  if (code === 'API_FAILED') dashboard()?.log('dashboard.answer-failed', { error })
  const remedy = catalogue[code].remedy
  return reply
    .code(STATUS[code] ?? 500)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ code, message, remedy }))
}

function known(error: Error & { validation?: unknown; statusCode?: number }): DatdotError {
  if (error instanceof DatdotError && STATUS[error.code] !== undefined) return error
  if (error instanceof DatdotError && error.code === 'CLOSED') {
    return new DatdotError('API_NOT_READY', 'this program is closing')
  }
  if (error.validation || error.statusCode === 400) {
    return new InputError('API_ARGUMENT', error.message.slice(0, 512))
  }
  return new DatdotError('API_FAILED', 'the answer could not be made; the log of this program says why')
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import { DatdotError, InputError } from '../../errors.js'
import type { Dashboard } from '../dashboard.js'
import { eventsAfter, lastEvent } from '../history/lists.js'
import { eventAnswer } from './answers.js'
import { secure } from './guard.js'
import { joining } from '../../wait.js'

/** Streams that are open at a time, and of one address. */
const STREAMS_MAX = 256
const STREAMS_OF_ONE = 32
/** Events of one message, and how long a stream may be silent. */
const EVENTS_AT_ONCE = 100
const SILENT_MS = 15_000
/** How long a client may leave what was sent untaken. */
const STUCK_MS = 60_000
/** At most so many messages a second: a page asks again after each. */
const APART_MS = 250

/**
 * Server-sent events: `grown` when the history has read more of the log, with what people are told of it (rows of `/events`).
 * A client that comes back says by `last-event-id` which event it had last; one that is slow misses messages, not events.
 */
export class Streams {
  readonly #open = new Map<string, number>()
  #count = 0

  /** @throws InputError API_TOO_MANY */
  async serve(dashboard: Dashboard, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { ip } = request
    const own = this.#open.get(ip) ?? 0
    if (this.#count >= STREAMS_MAX || own >= STREAMS_OF_ONE) {
      throw new InputError('API_TOO_MANY', 'no more streams; close one')
    }
    if (dashboard.over.aborted) throw new DatdotError('API_NOT_READY', 'this program is closing')
    this.#count++
    this.#open.set(ip, own + 1)
    try {
      const gone = new AbortController()
      reply.raw.on('close', () => gone.abort())
      await joining([gone.signal, dashboard.over], (signal) => this.#write(dashboard, request, reply, signal))
    } finally {
      this.#count--
      const left = this.#open.get(ip)! - 1
      if (left > 0) this.#open.set(ip, left)
      else this.#open.delete(ip)
    }
  }

  async #write(
    dashboard: Dashboard,
    request: FastifyRequest,
    reply: FastifyReply,
    signal: AbortSignal
  ): Promise<void> {
    const { raw } = reply
    secure(reply)
    reply.hijack()
    const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' }
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...headers })
    const { clock } = dashboard
    const { file } = dashboard.history
    let taken = clock.now()
    let told = seen(request) ?? lastEvent(file)
    let known = -1
    raw.write('retry: 2000\n\n')
    while (!signal.aborted) {
      const { next, at } = dashboard.history.progress
      const waits = raw.writableLength > 0
      if (next > known && !waits) {
        const events = eventsAfter(file, told, EVENTS_AT_ONCE).map(eventAnswer)
        told = events.at(-1)?.id ?? told
        known = next
        raw.write(`event: grown\nid: ${told}\ndata: ${JSON.stringify({ next, at, events })}\n\n`)
        await dashboard.rest(APART_MS, signal)
      } else if (
        !(await dashboard.grown(waits ? APART_MS : SILENT_MS, signal)) &&
        !waits &&
        !signal.aborted
      ) {
        raw.write(': still here\n\n')
      }
      // Who takes nothing for long is let go.
      if (!waits) taken = clock.now()
      else if (clock.now() - taken > STUCK_MS) break
    }
    raw.end()
  }
}

function seen(request: FastifyRequest): number | null {
  const said = request.headers['last-event-id']
  return typeof said === 'string' && /^\d{1,15}$/.test(said) ? Number(said) : null
}

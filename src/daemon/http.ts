import { fastify } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import type { Logger, LogValue } from '../log.js'
import type { Address } from './setting.js'

/**
 * What a program shows of itself over HTTP: `/live` answers as long as its event loop turns, `/ready` with 200 once it does all that
 * it is for and with 503 before, `/metrics` in Prometheus's text format. It shows no keys and takes no orders.
 */
export class HttpServer extends Resource {
  readonly #address: Address
  readonly #registry = new Registry()
  readonly #events: Counter<'role' | 'event'>
  readonly #gauge: Gauge
  #ready = false

  constructor(address: Address) {
    super()
    this.#address = address
    collectDefaultMetrics({ register: this.#registry })
    const registers = [this.#registry]
    this.#events = new Counter({
      name: 'datdot_events_total',
      help: 'Lines of the logs, by role and event',
      labelNames: ['role', 'event'] as const,
      registers
    })
    this.#gauge = new Gauge({ name: 'datdot_ready', help: '1 once all roles work', registers })
    this.#gauge.set(0)
  }

  /** Begins to listen. @throws InputError HTTP_FAILED */
  protected async start(): Promise<void> {
    const { host, port } = this.#address
    const server = fastify({ logger: false, forceCloseConnections: true })
    this.own('server', server)
    server.get('/live', () => 'live\n')
    server.get('/ready', (_request, reply) =>
      reply.code(this.#ready ? 200 : 503).send(this.#ready ? 'ready\n' : 'not yet\n')
    )
    server.get('/metrics', async (_request, reply) =>
      reply.type(this.#registry.contentType).send(await this.#registry.metrics())
    )
    await server.listen({ host, port }).catch((error: Error) => {
      throw new InputError(
        'HTTP_FAILED',
        `nothing can listen at ${host}:${port}: ${error.message}; choose another --http`,
        {
          cause: error
        }
      )
    })
  }

  /** To be told once the program does all that it is for. */
  begun(): void {
    this.#ready = true
    this.#gauge.set(1)
  }

  /** A role's log, whose lines are counted as well. */
  counted(name: string, log: Logger): Logger {
    const wrap = (inner: Logger): Logger => {
      const outer = (event: string, facts?: Record<string, LogValue>): void => {
        this.#events.inc({ role: name, event })
        inner(event, facts)
      }
      outer.with = (facts: Record<string, LogValue>): Logger => wrap(inner.with(facts))
      return outer
    }
    return wrap(log)
  }
}

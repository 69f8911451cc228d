import { fastify } from 'fastify'
import type Corestore from 'corestore'
import HypercoreStats from 'hypercore-stats'
import type Hyperswarm from 'hyperswarm'
import HyperswarmStats from 'hyperswarm-stats'
import { collectDefaultMetrics, Counter, Gauge, Registry, type GaugeConfiguration } from 'prom-client'
import { api, REQUESTS } from '../dashboard/api/api.js'
import { servePage } from '../dashboard/page/page.js'
import type { Dashboard } from '../dashboard/dashboard.js'
import { Resource } from '../lifecycle.js'
import { throughLog, type Logger } from '../log.js'
import { listenAt } from './listening.js'
import { RoleMetrics } from './role-metrics.js'
import type { Address } from './setting.js'

export interface HttpOptions {
  /** Names that it goes by, beside localhost and addresses. */
  names?: readonly string[]
  /** Requests to the API that one address may make in a window. */
  requests?: { max: number; windowMs: number }
}

/**
 * What a program shows over HTTP: `/live` answers as long as its event loop turns, `/ready` with 200 once it does all that
 * it is for and with 503 before, `/metrics` in Prometheus's text format; below `/api/v1` the dashboard's API, once there is a
 * dashboard to show. It takes no orders.
 */
export class HttpServer extends Resource {
  readonly #address: Address
  readonly #options: HttpOptions
  readonly #registry = new Registry()
  readonly #events: Counter<'role' | 'event'>
  readonly #gauge: Gauge
  /** How the roles of this program stand. */
  readonly roles: RoleMetrics
  #ready = false
  #dashboard: Dashboard | null = null
  #origin = ''
  #observed: { name: string; gauges: string[] } | undefined
  readonly #troubles = new Map<string, () => string | null>()

  /** @param address with port 0 for any that is free */
  constructor(address: Address, options: HttpOptions = {}) {
    super()
    this.#address = address
    this.#options = options
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
    const troubles = this.#troubles
    new Gauge({
      name: 'datdot_degraded',
      help: '1 while a role goes on without doing all of its work, since its disk fails',
      labelNames: ['role'] as const,
      registers,
      collect() {
        for (const [role, trouble] of troubles) this.set({ role }, trouble() === null ? 0 : 1)
      }
    })
    this.roles = new RoleMetrics(this.#registry)
  }

  /** Begins to listen. @throws InputError HTTP_FAILED */
  protected async start(): Promise<void> {
    const server = fastify({ logger: false, forceCloseConnections: true })
    this.own('server', server)
    const { names = [], requests = REQUESTS } = this.#options
    const shown = { dashboard: () => this.#dashboard, names, requests }
    await server.register(api, { prefix: '/api/v1', ...shown })
    await server.register(servePage, shown)
    server.get('/live', () => 'live\n')
    server.get('/ready', (_request, reply) => {
      const [degraded] = this.degraded
      if (!this.#ready) return reply.code(503).send('not yet\n')
      return degraded ? reply.code(503).send(`degraded: ${degraded}\n`) : reply.send('ready\n')
    })
    server.get('/metrics', async (_request, reply) =>
      reply.type(this.#registry.contentType).send(await this.#registry.metrics())
    )
    this.#origin = await listenAt(server, this.#address)
  }

  /** Where a browser finds it. */
  get url(): string {
    return `${this.#origin}/`
  }

  /** Has a dashboard answer from now on; it must be closed after this is. */
  show(dashboard: Dashboard | null): void {
    this.#dashboard = dashboard
  }

  /** To be told once the program does all that it is for. */
  begun(): void {
    this.#ready = true
    this.#gauge.set(1)
  }

  /** Shows whether a part of this program has trouble, and which. */
  watch(name: string, trouble: () => string | null): void {
    this.#troubles.set(name, trouble)
  }

  /** What has trouble, and which. */
  get degraded(): string[] {
    return [...this.#troubles].flatMap(([name, trouble]) => {
      const why = trouble()
      return why === null ? [] : [`${name}: ${why}`]
    })
  }

  /**
   * Shows the connections, the DHT node and the hypercores of a pinner as well. The gauges of the packages that count them have no
   * labels: of several pinners in one process it is the first, and what that one opened last.
   */
  observe(name: string, { swarm, store }: { swarm: Hyperswarm; store: Corestore }): void {
    if (this.#observed && this.#observed.name !== name) return
    for (const gauge of this.#observed?.gauges ?? []) this.#registry.removeSingleMetric(gauge)
    const registers = [this.#registry]
    const gauges: string[] = []
    this.#observed = { name, gauges }
    class OwnGauge extends Gauge {
      constructor(options: GaugeConfiguration<string>) {
        super({ ...options, registers })
        gauges.push(options.name)
      }
    }
    new HyperswarmStats(swarm).registerPrometheusMetrics({ Gauge: OwnGauge })
    HypercoreStats.fromCorestore(store).registerPrometheusMetrics({ Gauge: OwnGauge })
  }

  /** A role's log, whose lines are counted as well. */
  counted(name: string, log: Logger): Logger {
    return throughLog(log, (event, facts, write) => {
      this.#events.inc({ role: name, event })
      this.roles.count(name, event, facts)
      write(event, facts)
    })
  }
}

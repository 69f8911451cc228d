import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { clientSource } from '../dashboard/client-source.js'
import { Dashboard } from '../dashboard/dashboard.js'
import { Resource } from '../lifecycle.js'
import { FileLog, type Logger } from '../log.js'
import { RoleFolder } from '../roles/data-folder.js'
import type { Shortage } from '../roles/member.js'
import type { RoleChange } from '../roles/participant.js'
import { participantOf, type Participant } from '../roles/participants.js'
import type { Network } from '../swarm/dht.js'
import { Alerts } from './alerts.js'
import type { HttpServer } from './http.js'
import { atLevel, type LogLevel } from './log-level.js'
import { RoleWatch } from './role-watch.js'
import { pause } from '../wait.js'
import type { NodeRole } from './settings.js'

/** What the page of a node remembers of its chain: follows from the log, and may be deleted. */
const DASHBOARD = 'dashboard.db'
/** Pause before a chain that did not answer is asked again for what the page shows. */
const AGAIN_MS = 3_000

/** One role of a node. */
export interface RoleSettings extends RoleChange {
  role: NodeRole
  /** Name of it and of its folder. */
  name: string
  /** Of a pinner: bytes of its disk that it leaves to others; not looked at without it. */
  reserveBytes?: number | undefined
  /** Of a pinner: how often all that is held is read and checked; never without it. */
  scrubEveryMs?: number | undefined
  memoryBytes: number
  port: number | undefined
}

export interface NodeProgramOptions {
  /** The folder of the operator, with one folder for each role. */
  dir: string
  network: Network
  chainKey: Buffer
  roles: readonly RoleSettings[]
  clock: Clock
  randomBytes: (length: number) => Buffer
  /** Tries to get what a role lacks to register. */
  fund: (shortage: Shortage) => Promise<bigint>
  /** Hears what a role logs, beside its file. */
  hear: (name: string, log: Logger) => Logger
  /** Worker threads of each role (default 2). */
  threads?: number
  /** Shows this program over HTTP. */
  http?: HttpServer | undefined
  /** Least level of what is written into the logs. Default: all. */
  logLevel?: LogLevel | undefined
  /** Looks after the roles, and sends what their operator must know to a webhook, if there is one; they are not watched without it. */
  watch?: { webhook: string | undefined } | undefined
}

/** A role that is open. */
export interface OpenRole extends RoleSettings {
  participant: Participant
  /** Its folder. */
  dir: string
  log: Logger
}

/** Several roles of one operator in one process, each with a folder and a log of its own. */
export class NodeProgram extends Resource {
  readonly roles: OpenRole[] = []
  readonly #options: NodeProgramOptions

  constructor(options: NodeProgramOptions) {
    super()
    this.#options = options
  }

  /** Opens all folders. @throws as `RoleFolder` does for one that is in use or will not do */
  protected async start(): Promise<void> {
    const { dir, clock, randomBytes, chainKey, fund, hear, threads = 2 } = this.#options
    const { http, logLevel = 'debug', watch } = this.#options
    if (http) await this.acquire('HTTP', http)
    const alerts = await this.acquire('alerts', new Alerts({ clock, webhook: watch?.webhook }))
    const watching = new RoleWatch({
      roles: this.roles,
      alerts,
      clock,
      show: ({ name }, standing) => http?.roles.show(name, standing, alerts)
    })
    for (const settings of this.#options.roles) {
      const { role, name, reserveBytes, scrubEveryMs, memoryBytes, port } = settings
      const { registration, choice, connections } = settings
      const { path, instance } = await this.acquire(
        `folder of ${name}`,
        new RoleFolder({ path: join(dir, name), role, clock, randomBytes })
      )
      const file = await this.acquire(`log of ${name}`, new FileLog(join(path, 'log.ndjson'), clock))
      const log = watching.hearing(name, hear(name, atLevel(file.log.with({ role: name }), logLevel)))
      const participant = participantOf(role, {
        dir: path,
        instance,
        network: { ...this.#options.network, port },
        chainKey,
        clock,
        randomBytes,
        log,
        registration,
        choice,
        connections,
        reserveBytes,
        scrubEveryMs,
        memoryBytes,
        fund,
        threads,
        observe: (observed) => http?.observe(name, observed)
      })
      this.roles.push({ ...settings, log, dir: path, participant: await this.acquire(name, participant) })
      http?.watch(name, () => participant.trouble)
    }
    // Closed before the roles whose chain it asks.
    if (watch) await this.acquire('watch', watching)
  }

  /** Has all roles begin; resolves when all are registered. */
  async join(): Promise<void> {
    await Promise.all(this.roles.map(({ participant }) => participant.join()))
    const { http } = this.#options
    if (http) void this.#show(http)
  }

  /** Shows the chain as these roles see it, from when it first answers; nothing of theirs waits for that. */
  async #show(http: HttpServer): Promise<void> {
    const { dir, clock } = this.#options
    const { participant, log } = this.roles[0]!
    const source = clientSource(() => participant.chain)
    while (!this.signal.aborted) {
      const dashboard = new Dashboard({ source, path: join(dir, DASHBOARD), clock, log })
      try {
        http.show(await this.acquire('dashboard', dashboard))
        this.owe('showing', () => http.show(null))
        return
      } catch (error) {
        if (this.signal.aborted) return
        log('dashboard.failed', { error: error as Error })
        await this.release(dashboard)
        await pause(clock, AGAIN_MS, this.signal)
      }
    }
  }

  /**
   * Takes over what may change while roles run: their capacity and a higher deposit, what pinners take, and how many connections. Returns the names of those of which something else
   * has changed, which takes a restart.
   */
  change(wanted: readonly RoleSettings[]): string[] {
    const others = wanted.filter(({ name }) => !this.roles.some((open) => open.name === name))
    const restart = others.map(({ name }) => name)
    for (const open of this.roles) {
      const next = wanted.find(({ name }) => name === open.name)
      const isSame =
        next?.role === open.role &&
        next.memoryBytes === open.memoryBytes &&
        next.port === open.port &&
        next.reserveBytes === open.reserveBytes &&
        next.scrubEveryMs === open.scrubEveryMs
      if (!isSame) restart.push(open.name)
      if (next?.role !== open.role) continue
      const { registration, choice, connections } = next
      Object.assign(open, { registration, choice, connections })
      open.participant.change({ registration, choice, connections })
    }
    return restart
  }
}

import { join } from 'node:path'
import type { Clock } from '../clock.js'
import { Resource } from '../lifecycle.js'
import { FileLog, type Logger } from '../log.js'
import { RoleFolder } from '../roles/data-folder.js'
import type { Registration, Shortage } from '../roles/member.js'
import { participantOf, type Participant } from '../roles/participants.js'
import type { Network } from '../swarm/dht.js'
import type { HttpServer } from './http.js'
import type { NodeRole } from './settings.js'

/** One role of a node. */
export interface RoleSettings {
  role: NodeRole
  /** Name of it and of its folder. */
  name: string
  registration: Registration
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
}

/** A role that is open. */
export interface OpenRole extends RoleSettings {
  participant: Participant
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
    const { http } = this.#options
    if (http) await this.acquire('HTTP', http)
    for (const settings of this.#options.roles) {
      const { role, name, registration, memoryBytes, port } = settings
      const { path, instance } = await this.acquire(
        `folder of ${name}`,
        new RoleFolder({ path: join(dir, name), role, clock, randomBytes })
      )
      const file = await this.acquire(`log of ${name}`, new FileLog(join(path, 'log.ndjson'), clock))
      const log = hear(name, file.log.with({ role: name }))
      const participant = participantOf(role, {
        dir: path,
        instance,
        network: { ...this.#options.network, port },
        chainKey,
        clock,
        randomBytes,
        log,
        registration,
        memoryBytes,
        fund,
        threads,
        observe: (observed) => http?.observe(observed)
      })
      this.roles.push({ ...settings, log, participant: await this.acquire(name, participant) })
    }
  }

  /** Has all roles begin; resolves when all are registered. */
  async join(): Promise<void> {
    await Promise.all(this.roles.map(({ participant }) => participant.join()))
  }
}

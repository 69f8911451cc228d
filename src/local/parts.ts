import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Child } from '../child.js'
import type { Clock } from '../clock.js'
import type { ChainProgramOptions } from '../daemon/chain-program.js'
import type { NodeProgramOptions, RoleSettings } from '../daemon/node-program.js'
import { Resource } from '../lifecycle.js'

const MAIN = fileURLToPath(new URL('./part-main.js', import.meta.url))
/** Longest that a part may take to begin, on a machine that has much else to do. */
const START_MS = 120_000
/** Threads of the roles take what cores there are beyond. */
const ROLE_PROCESSES_MAX = 4
/** So many roles work at a time, each with as many threads as then use all cores: every thread loads what it runs first. */
const ROLES_AT_A_TIME = 4

/** What a process of its own is told to run. */
export interface ChainPart {
  kind: 'chain'
  options: Omit<ChainProgramOptions, 'clock' | 'randomBytes' | 'hear' | 'http'>
}

export interface RolesPart {
  kind: 'roles'
  options: Omit<NodeProgramOptions, 'clock' | 'randomBytes' | 'hear' | 'http' | 'fund'>
}

export type Part = ChainPart | RolesPart

/**
 * The processes of a local network: one for the chain, and as few for the roles as use all cores. They are started with this, so
 * that they have loaded what they need when they are told what to do.
 */
export class Parts extends Resource {
  readonly #clock: Clock
  readonly #roles: Child[] = []
  #chain!: Child
  #fail!: (error: unknown) => void

  /** Rejects when one of them ends before its time. */
  readonly failed: Promise<never>

  constructor(clock: Clock) {
    super(30_000)
    this.#clock = clock
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject))
    this.failed.catch(() => {})
  }

  protected async start(): Promise<void> {
    const processes = Math.max(1, Math.min(ROLE_PROCESSES_MAX, availableParallelism() - 1))
    for (let left = processes; left > 0; left--) this.#roles.push(await this.#open('process of the roles'))
    this.#chain = await this.#open('chain')
    // All at once; the chain first, and its time with it: who has gone is not challenged.
    this.owe('farewell', () =>
      [this.#chain, ...this.#roles].forEach((child) => child.send({ order: 'close' }))
    )
  }

  async #open(name: string): Promise<Child> {
    const child = await this.acquire(
      name,
      new Child({ main: MAIN, name, code: 'PART_ENDED', clock: this.#clock })
    )
    child.failed.catch((error: unknown) => !this.signal.aborted && this.#fail(error))
    return child
  }

  /** Starts the chain; resolves when it runs. */
  async startChain(options: ChainPart['options']): Promise<void> {
    this.#chain.send({ part: { kind: 'chain', options } satisfies Part })
    await this.#chain.heard('started', START_MS)
  }

  /** Opens the roles, in turn in one process after the other; they begin as soon as there is a chain. */
  async openRoles({ roles, ...options }: RolesPart['options']): Promise<void> {
    const threads = Math.ceil(availableParallelism() / ROLES_AT_A_TIME)
    const shares = this.#roles.map((): RoleSettings[] => [])
    for (const [at, role] of roles.entries()) shares[at % shares.length]!.push(role)
    for (const [at, child] of this.#roles.entries()) {
      const own = { ...options, roles: shares[at]!, threads }
      child.send({ part: { kind: 'roles', options: own } satisfies Part })
    }
    await Promise.all(this.#roles.map((child) => child.heard('opened', START_MS)))
  }

  /** Resolves when all roles are registered. */
  async rolesBegun(): Promise<void> {
    await Promise.all(this.#roles.map((child) => child.heard('started', START_MS)))
  }
}

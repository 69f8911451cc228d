import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import Corestore from 'corestore'
import { decode, isValid } from 'hypercore-id-encoding'
import type Hypercore from 'hypercore'
import Hyperswarm from 'hyperswarm'
import type { EvidenceAuditOptions } from '../audit/report.js'
import { followLog } from '../client/published-log.js'
import { chainCoreKey } from '../client/chain-cores.js'
import type { Clock } from '../clock.js'
import { InputError } from '../errors.js'
import { Resource } from '../lifecycle.js'
import { TemporaryFolder } from '../temporary-folder.js'
import { createDht, networkAt } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'
import { settled } from '../wait.js'
import { bootstrapOption } from './command.js'

type Evidence = Awaited<ReturnType<EvidenceAuditOptions['open']>>

export interface LogSourceOptions {
  /** The folder that relative paths start from. */
  cwd: string
  bootstrap: string | undefined
  /** For an entry, or a block of evidence, to arrive. */
  timeoutMs: number
  clock: Clock
}

/** Where a log is read from: a ledger's file, or the hypercore that a chain publishes. */
export type LogSource = LedgerFile | PublishedLog

/**
 * Finds what a user names: a `ledger.db`, a folder that holds one (such as `up`'s data folder), or a chain's key. It is
 * not open yet.
 *
 * @throws InputError `LEDGER_NOT_FOUND`, `OPTION_VALUE`
 */
export async function findLog(target: string, options: LogSourceOptions): Promise<LogSource> {
  const path = resolve(options.cwd, target)
  for (const candidate of [path, join(path, 'ledger.db'), join(path, 'chain', 'ledger.db')]) {
    const found = await stat(candidate).catch(() => null)
    if (found?.isFile()) return new LedgerFile(candidate)
  }
  if (!isValid(target)) {
    throw new InputError(
      'LEDGER_NOT_FOUND',
      `${JSON.stringify(target)} is neither a ledger, nor a folder with one, nor the key of a chain`
    )
  }
  return new PublishedLog(decode(target), options)
}

/** A ledger's file, and the evidence beside it. */
class LedgerFile extends Resource {
  readonly kind = 'file'
  readonly path: string

  constructor(path: string) {
    super()
    this.path = path
  }

  /** Whoever reads the file opens it. */
  protected start(): Promise<void> {
    return Promise.resolve()
  }

  /** The evidence core; null if there is none. Closed with this. */
  async evidence(chainKey: Buffer): Promise<Evidence> {
    const folder = join(dirname(this.path), 'cores')
    if (!(await stat(join(folder, 'CORESTORE')).catch(() => null))) return null
    // Only read: a chain that runs holds the folder, and what is read is one snapshot of it.
    const store = this.own('cores', new Corestore(folder, { readOnly: true }))
    await store.ready()
    const core = store.get({ key: chainCoreKey(chainKey, 'evidence'), writable: false })
    await core.ready()
    return { core, timeoutMs: 0, discard: false }
  }
}

/** What a chain publishes, downloaded into a folder that goes with it. */
class PublishedLog extends Resource {
  readonly kind = 'chain'
  readonly chainKey: Buffer
  readonly #options: LogSourceOptions
  #store!: Corestore
  #swarm!: Hyperswarm
  #log!: Hypercore

  constructor(chainKey: Buffer, options: LogSourceOptions) {
    super()
    this.chainKey = chainKey
    this.#options = options
  }

  protected async start(): Promise<void> {
    const { bootstrap: nodes } = this.#options
    const bootstrap = nodes === undefined ? [] : bootstrapOption(nodes)
    const { path } = await this.acquire('folder', new TemporaryFolder('datdot-audit-'))
    const store = this.own('cores', new Corestore(path))
    this.#store = store
    await store.ready()
    this.#swarm = new Hyperswarm({ dht: createDht(networkAt(bootstrap)) })
    this.owe('swarm', () => leave(this.#swarm))
    this.#swarm.on('connection', (connection) => {
      connection.on('error', () => {})
      store.replicate(connection)
    })
    this.#log = await this.#find('log')
  }

  /** All entries that the chain has published so far. */
  entries(signal: AbortSignal): AsyncGenerator<Buffer> {
    return followLog(this.#log, { timeoutMs: this.#options.timeoutMs, signal })
  }

  /** The evidence core; null if nobody offers one in time. Closed with this. */
  async evidence(): Promise<Evidence> {
    const { clock, timeoutMs } = this.#options
    const core = await this.#find('evidence')
    await settled(core.update({ wait: true }), { clock, ms: timeoutMs, signal: this.signal })
    return core.length > 0 ? { core, timeoutMs, discard: true } : null
  }

  /** Opens one of the chain's hypercores and looks for it in the swarm. */
  async #find(name: 'log' | 'evidence'): Promise<Hypercore> {
    const core = this.#store.get({ key: chainCoreKey(this.chainKey, name) })
    await core.ready()
    const found = core.findingPeers()
    this.#swarm.join(core.discoveryKey, { client: true, server: false })
    this.#swarm.flush().then(found, found)
    return core
  }
}

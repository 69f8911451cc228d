import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { dirname, join, resolve } from 'node:path'
import Corestore from 'corestore'
import { decode, isValid } from 'hypercore-id-encoding'
import Hyperswarm from 'hyperswarm'
import type { EvidenceAuditOptions } from '../audit/report.js'
import { followLog } from '../client/published-log.js'
import { chainCoreKey } from '../client/chain-cores.js'
import { InputError } from '../errors.js'
import { createDht, isLoopback } from '../swarm/dht.js'
import { closeAll, leave } from '../swarm/leave.js'
import { bootstrapOption } from './command.js'

/** Opens the evidence core beside a log; `close` of the source closes it. */
export type OpenEvidence = EvidenceAuditOptions['open']

/** Where a log is read from: a ledger's file, or the hypercore that a chain publishes. */
export type LogSource =
  | { kind: 'file'; path: string; evidence: OpenEvidence; close: () => Promise<void> }
  | {
      kind: 'chain'
      chainKey: Buffer
      /** All entries that the chain has published so far. */
      entries: (signal: AbortSignal) => AsyncGenerator<Buffer>
      evidence: OpenEvidence
      close: () => Promise<void>
    }

/**
 * Opens what a user names: a `ledger.db`, a folder that holds one (such as `up`'s data folder), or a chain's key.
 *
 * @throws InputError `LEDGER_NOT_FOUND`, `OPTION_VALUE`
 */
export async function openLog(
  target: string,
  options: { cwd: string; bootstrap: string | undefined; timeoutMs: number }
): Promise<LogSource> {
  const path = resolve(options.cwd, target)
  for (const candidate of [path, join(path, 'ledger.db'), join(path, 'chain', 'ledger.db')]) {
    const found = await stat(candidate).catch(() => null)
    if (found?.isFile()) return openFile(candidate)
  }
  if (!isValid(target)) {
    throw new InputError(
      'LEDGER_NOT_FOUND',
      `${JSON.stringify(target)} is neither a ledger, nor a folder with one, nor the key of a chain`
    )
  }
  return openRemote(decode(target), options)
}

function openFile(path: string): LogSource {
  const folder = join(dirname(path), 'cores')
  let store: Corestore | undefined
  const evidence: OpenEvidence = async (chainKey) => {
    if (!(await stat(join(folder, 'CORESTORE')).catch(() => null))) return null
    // Only read: a chain that runs holds the folder, and what is read is one snapshot of it.
    store = new Corestore(folder, { readOnly: true })
    await store.ready()
    const core = store.get({ key: chainCoreKey(chainKey, 'evidence'), writable: false })
    await core.ready()
    return { core, timeoutMs: 0, discard: false }
  }
  return { kind: 'file', path, evidence, close: async () => store?.close() }
}

async function openRemote(
  chainKey: Buffer,
  options: { bootstrap: string | undefined; timeoutMs: number }
): Promise<LogSource> {
  const bootstrap = options.bootstrap === undefined ? undefined : bootstrapOption(options.bootstrap)
  const folder = await mkdtemp(join(tmpdir(), 'datdot-audit-'))
  const store = new Corestore(folder)
  const dht = bootstrap && createDht({ bootstrap, host: isLoopback(bootstrap) ? '127.0.0.1' : undefined })
  const swarm = new Hyperswarm(dht ? { dht } : {})
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  const close = (): Promise<void> =>
    closeAll([() => leave(swarm), () => store.close(), () => rm(folder, { recursive: true, force: true })])
  try {
    const core = store.get({ key: chainCoreKey(chainKey, 'log') })
    await core.ready()
    const done = core.findingPeers()
    swarm.join(core.discoveryKey, { client: true, server: false })
    swarm.flush().then(done, done)
    const { timeoutMs } = options
    const evidence: OpenEvidence = async () => {
      const kept = store.get({ key: chainCoreKey(chainKey, 'evidence') })
      await kept.ready()
      const found = kept.findingPeers()
      swarm.join(kept.discoveryKey, { client: true, server: false })
      swarm.flush().then(found, found)
      await Promise.race([
        kept.update({ wait: true }).catch(() => false),
        pause(timeoutMs, false, { ref: false })
      ])
      return kept.length > 0 ? { core: kept, timeoutMs, discard: true } : null
    }
    return {
      kind: 'chain',
      chainKey,
      entries: (signal) => followLog(core, { timeoutMs, signal }),
      evidence,
      close
    }
  } catch (error) {
    // Why it could not be opened says more than what then failed to close.
    await close().catch(() => {})
    throw error
  }
}

/**
 * Follows a chain's log over the DHT with a stock hypercore client, and audits it: every signature, posting, draw and
 * challenge is worked out again from the entries.
 *
 *   node examples/follow-and-audit.js CHAIN-KEY HOST:PORT    a chain that runs; HOST:PORT is a node of its DHT
 *   node examples/follow-and-audit.js                        a network is run first, some 15 seconds, and its log served
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import Corestore from 'corestore'
import { auditLog } from 'datdot/audit'
import { PrivateDht, chainCoreKey, createDht, followLog } from 'datdot/client'
import { decodeEntry, decodeOperation } from 'datdot/protocol'
import HypercoreId from 'hypercore-id-encoding'
import Hyperswarm from 'hyperswarm'

const folder = await mkdtemp(join(tmpdir(), 'datdot-example-'))
const [key, address] = process.argv.slice(2)
const { chainKey, network, close } = key && address ? given(key, address) : await servedHere()

const store = new Corestore(join(folder, 'follower'))
const log = store.get({ key: chainCoreKey(chainKey, 'log') })
await log.ready()
const swarm = replicate(store, network)
const found = log.findingPeers()
swarm.join(log.discoveryKey, { client: true, server: false })
void swarm.flush().then(found, found)

/** @type {Map<string, number>} */
const seen = new Map()

/** The entries as they come, counted by kind on the way to the audit. */
async function* entries() {
  for await (const bytes of followLog(log, { timeoutMs: 30_000 })) {
    const { kind } = decodeOperation(decodeEntry(bytes).operation, true)
    seen.set(kind, (seen.get(kind) ?? 0) + 1)
    yield bytes
  }
}

const report = await auditLog(entries(), { chainKey })
for (const [kind, count] of seen) console.log(`${kind.padEnd(14)} ${count}`)
console.log(
  `${report.entries} entries, ${report.draws} draws made again, ${report.settled} challenges settled as the rules have it`
)
console.log(report.failure ? `does not hold: ${report.failure.reason}` : 'all of it holds')
if (!report.ok) process.exitCode = 1

await swarm.destroy()
await store.close()
await close()
await rm(folder, { recursive: true, force: true })

/**
 * @param {Corestore} cores
 * @param {import('datdot/client').Network} network
 */
function replicate(cores, network) {
  const swarm = new Hyperswarm({ dht: createDht(network) })
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    cores.replicate(connection)
  })
  return swarm
}

/**
 * @param {string} key
 * @param {string} address
 */
function given(key, address) {
  const [host = '127.0.0.1', port] = address.split(':')
  const bootstrap = [{ host, port: Number(port) }]
  const network = host === '127.0.0.1' ? { bootstrap, host } : { bootstrap }
  return { chainKey: HypercoreId.decode(key), network, close: async () => {} }
}

/**
 * Runs a whole network for one small file to its end, then serves the log that its chain has published: anybody who has
 * it can.
 */
async function servedHere() {
  const input = join(folder, 'hello.txt')
  await writeFile(input, 'hello')
  const main = join(
    dirname(createRequire(import.meta.url).resolve('datdot/package.json')),
    'dist/src/cli/main.js'
  )
  const data = join(folder, 'network')
  const { stdout } = await promisify(execFile)(process.execPath, [
    main,
    'up',
    '--once',
    '--json',
    '--data',
    data,
    input
  ])
  const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
  const chainKey = HypercoreId.decode(result.chainKey)

  const dht = new PrivateDht()
  await dht.ready()
  const { network } = dht
  const store = new Corestore(join(data, 'chain', 'cores'))
  const log = store.get({ key: chainCoreKey(chainKey, 'log'), writable: false })
  await log.ready()
  const swarm = replicate(store, network)
  await swarm.join(log.discoveryKey, { client: false, server: true }).flushed()
  return {
    chainKey,
    network,
    close: async () => {
      await swarm.destroy()
      await store.close()
      await dht.close()
    }
  }
}

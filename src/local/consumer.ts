/**
 * A stock reader in a process of its own: it knows a key and a DHT, and uses hyperdrive, corestore and hyperswarm
 * as they come. Nothing of datdot is imported here, on purpose: this is what the rest of the world runs.
 *
 *   node consumer.js --key KEY --bootstrap HOST:PORT[,HOST:PORT] --out DIR [--core] [--idle-ms N]
 *
 * Prints one JSON object a line: `{"bytes":n}` while it loads, then `{"done":{…}}` or `{"error":"…"}`.
 */
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import type Hypercore from 'hypercore'

/** What the consumer found; the last line that it prints carries it as `done`. */
export interface ConsumerResult {
  /** Regular files written below `DIR/files`; for a bare hypercore, one. */
  files: number
  bytes: number
  links: { name: string; target: string }[]
  /** From joining the swarm until the last block was on disk. */
  downloadMs: number
}

const PROGRESS_EVERY_MS = 250

async function main(): Promise<ConsumerResult> {
  const { values } = parseArgs({
    options: {
      key: { type: 'string' },
      bootstrap: { type: 'string' },
      out: { type: 'string' },
      core: { type: 'boolean', default: false },
      'idle-ms': { type: 'string', default: '60000' }
    }
  })
  if (!values.key || !values.bootstrap || !values.out)
    throw new Error('--key, --bootstrap and --out are needed')
  const key = Buffer.from(values.key, 'hex')
  const bootstrap = values.bootstrap.split(',').flatMap((address) => {
    const colon = address.lastIndexOf(':')
    return address === '' ? [] : [{ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }]
  })
  const own = bootstrap.every(({ host }) => host === '127.0.0.1') ? { host: '127.0.0.1' } : {}
  // Without nodes it is the public DHT.
  const dht = new HyperDHT(bootstrap.length === 0 ? {} : { bootstrap, ...own })
  const swarm = new Hyperswarm({ dht })
  const store = new Corestore(join(values.out, 'store'))
  swarm.on('connection', (connection) => {
    connection.on('error', () => {})
    store.replicate(connection)
  })
  const watch = watchIdle(Number(values['idle-ms']))
  try {
    const load = values.core ? loadCore : loadDrive
    return await Promise.race([
      load(store, swarm, key, join(values.out, 'files'), watch.progress),
      watch.idle
    ])
  } finally {
    watch.stop()
    await swarm.destroy()
    await store.close()
  }
}

async function loadDrive(
  store: Corestore,
  swarm: Hyperswarm,
  key: Buffer,
  out: string,
  progress: (bytes: number) => void
): Promise<ConsumerResult> {
  const startedAt = performance.now()
  const drive = new Hyperdrive(store, key)
  await find(swarm, drive.core, progress)
  const blobs = await drive.getBlobs()
  if (blobs) onDownload(blobs.core, progress)
  await drive.download('/').done()
  const downloadMs = performance.now() - startedAt

  const result: ConsumerResult = { files: 0, bytes: 0, links: [], downloadMs }
  await mkdir(out, { recursive: true })
  for await (const entry of drive.list('/')) {
    const { executable, linkname } = entry.value
    if (linkname !== null) {
      result.links.push({ name: entry.key, target: linkname })
      continue
    }
    // Names are hostile: a drive may hold '/../x', and must not write outside the folder.
    if (entry.key.split('/').some((part) => part === '..' || part.includes('\0'))) {
      throw new Error(`the drive has the unsafe name ${JSON.stringify(entry.key)}`)
    }
    const path = join(out, entry.key)
    await mkdir(dirname(path), { recursive: true })
    await pipeline(
      drive.createReadStream(entry),
      createWriteStream(path, { mode: executable ? 0o755 : 0o644 })
    )
    result.files++
    result.bytes += entry.value.blob?.byteLength ?? 0
    progress(0)
  }
  return result
}

/** A bare hypercore as one file: every block behind its length (u32, little-endian). */
async function loadCore(
  store: Corestore,
  swarm: Hyperswarm,
  key: Buffer,
  out: string,
  progress: (bytes: number) => void
): Promise<ConsumerResult> {
  const startedAt = performance.now()
  const core = store.get({ key })
  await find(swarm, core, progress)
  await core.download({ start: 0, end: core.length }).done()
  const downloadMs = performance.now() - startedAt

  await mkdir(out, { recursive: true })
  const file = createWriteStream(join(out, 'blocks'))
  const length = Buffer.alloc(4)
  for (let index = 0; index < core.length; index++) {
    const block = await core.get(index)
    if (block === null) throw new Error(`block ${index} is missing`)
    length.writeUInt32LE(block.length)
    file.write(Buffer.from(length))
    if (!file.write(block)) await once(file, 'drain')
    progress(0)
  }
  file.end()
  await once(file, 'close')
  return { files: 1, bytes: core.byteLength, links: [], downloadMs }
}

/** Looks for peers of a hypercore, and learns its length from them. */
async function find(swarm: Hyperswarm, core: Hypercore, progress: (bytes: number) => void): Promise<void> {
  await core.ready()
  onDownload(core, progress)
  const found = core.findingPeers()
  swarm.join(core.discoveryKey, { client: true, server: false })
  swarm.flush().then(found, found)
  await core.update({ wait: true })
}

function onDownload(core: Hypercore, progress: (bytes: number) => void): void {
  core.on('download', (_index: number, bytes: number) => progress(bytes))
}

/** Reports progress lines, and rejects `idle` when nothing has moved for `idleMs`. */
function watchIdle(idleMs: number): {
  progress: (bytes: number) => void
  idle: Promise<never>
  stop: () => void
} {
  let bytes = 0
  let reported = -1
  let movedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  const idle = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      if (bytes !== reported) print({ bytes: (reported = bytes) })
      if (performance.now() - movedAt > idleMs) {
        reject(
          new Error(`nothing arrived for ${idleMs} ms (${bytes} bytes so far); is anybody serving this key?`)
        )
      }
    }, PROGRESS_EVERY_MS)
  })
  return {
    idle,
    progress: (more) => {
      bytes += more
      movedAt = performance.now()
    },
    stop: () => clearInterval(timer)
  }
}

function print(line: object): void {
  process.stdout.write(JSON.stringify(line) + '\n')
}

main().then(
  (done) => print({ done }),
  (error: unknown) => {
    print({ error: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  }
)

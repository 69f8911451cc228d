import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Network } from '../../src/swarm/dht.js'
import { MAIN, runProgram } from '../cli/program.js'
import { closeAfter, type Closing } from '../helpers/close-after.js'
import { temporaryFolder } from '../helpers/folder.js'
import { freePort } from '../helpers/free-port.js'
import { privateDht } from '../helpers/network.js'

/** A program under load: what is known of it from outside. */
export interface Watched {
  name: string
  child: ChildProcess
  folder: string
  metricsUrl: string
}

export interface SoakNetwork {
  network: Network
  bootstrap: string
  root: string
  chainKey: string
  /** Of the chain's operator, whose wallet pays for all. */
  config: string
  chain: Watched
  nodes: Watched[]
}

const ROLES = 'pinner,signer,verifier'
const NODES = 3
const STARTED_MS = 60_000

/** A chain and nodes of all roles, as an operator starts them, on a private DHT. */
export async function startNetwork(room: Closing): Promise<SoakNetwork> {
  const network = await privateDht(room)
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
  const root = temporaryFolder(room)
  const operator = join(root, 'operator')
  const made = await command(room, ['init', 'chain', operator, '--fast', '--bootstrap', bootstrap])
  const { chain: chainKey, file: config } = made as { chain: string; file: string }
  const chain = await start(room, 'chain', operator, ['chain', '--config', config])
  const nodes: Watched[] = []
  for (let i = 1; i <= NODES; i++) {
    const folder = join(root, `node-${i}`)
    const args = ['init', 'node', folder, '--chain', chainKey, '--roles', ROLES, '--bootstrap', bootstrap]
    const { file } = await command(room, args)
    nodes.push(await start(room, `node-${i}`, folder, ['node', '--config', file!]))
  }
  return { network, bootstrap, root, chainKey, config, chain, nodes }
}

/** Runs a command that must succeed; returns the last object that it printed. */
export async function command(room: Closing, args: string[]): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await runProgram(room, [...args, '--json'])
  if (code !== 0) throw new Error(`datdot ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, string>
}

/** Publishes a file of random bytes; resolves with the drive's key and the bytes once every copy is whole. */
export async function published(
  room: Closing,
  { root, config }: SoakNetwork,
  bytes: number,
  codec: string
): Promise<{ key: string; plain: Buffer }> {
  const folder = join(root, `published-${codec}`)
  const plain = randomBytes(bytes)
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), plain)
  const { key } = await command(room, ['publish', folder, '--codec', codec, '--config', config])
  return { key: key!, plain }
}

/** Ends a program as an operator would. @returns its exit code */
export async function stop({ child }: Watched): Promise<number | null> {
  if (child.exitCode === null) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return child.exitCode
}

/** Starts a program that says what it does in a file, since nobody reads its output for hours. */
async function start(room: Closing, name: string, folder: string, args: string[]): Promise<Watched> {
  const port = await freePort()
  const output = join(folder, 'output.ndjson')
  const file = openSync(output, 'a')
  const child = spawn(process.execPath, [MAIN, ...args, '--http', `127.0.0.1:${port}`, '--json'], {
    stdio: ['ignore', file, file]
  })
  closeSync(file)
  closeAfter(room, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  for (const until = performance.now() + STARTED_MS; ;) {
    const ready = await fetch(`${url}/ready`).catch(() => null)
    if (ready?.ok) return { name, child, folder, metricsUrl: `${url}/metrics` }
    if (child.exitCode !== null || performance.now() > until) {
      throw new Error(`${name} did not start: ${readFileSync(output, 'utf8').slice(-2_000)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

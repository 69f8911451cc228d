import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DatdotError } from '../errors.js'
import type { ConsumerResult } from './consumer.js'
import type { Network } from '../swarm/dht.js'

export interface ConsumeOptions {
  network: Network
  key: Buffer
  /** Whether the key is a bare hypercore's. */
  core: boolean
  /** Folder for the consumer's store and files. */
  out: string
  /** Given up when nothing has arrived for so long. */
  idleMs?: number
  signal: AbortSignal
  onBytes?: (bytes: number) => void
}

/**
 * Runs the stock consumer in a process of its own until it has everything.
 *
 * @throws DatdotError CONSUMER_FAILED with what the consumer said; the signal's reason
 */
export async function consume(options: ConsumeOptions): Promise<ConsumerResult> {
  const { network, key, core, out, idleMs = 60_000, signal, onBytes } = options
  signal.throwIfAborted()
  const script = fileURLToPath(new URL('./consumer.js', import.meta.url))
  const bootstrap = network.bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
  const args = [
    '--key',
    key.toString('hex'),
    '--bootstrap',
    bootstrap,
    '--out',
    out,
    '--idle-ms',
    String(idleMs)
  ]
  const child = spawn(process.execPath, [script, ...args, ...(core ? ['--core'] : [])], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const kill = (): void => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  let done: ConsumerResult | undefined
  let said = ''
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-4096)))
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      said = error.message
      resolve()
    })
    child.once('close', () => resolve())
  })
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line) as { bytes?: number; done?: ConsumerResult; error?: string }
      if (message.bytes !== undefined) onBytes?.(message.bytes)
      if (message.done) done = message.done
      if (message.error !== undefined) said = message.error
    }
    await exited
  } finally {
    signal.removeEventListener('abort', kill)
    if (child.exitCode === null) kill()
  }
  signal.throwIfAborted()
  if (!done)
    throw new DatdotError('CONSUMER_FAILED', `the consumer failed: ${said.trim() || 'it was killed'}`)
  return done
}

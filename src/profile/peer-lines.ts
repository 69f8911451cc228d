import type HyperDHT from 'hyperdht'
import { hash } from '../crypto/hash.js'
import { keyPairFromSeed, type KeyPair } from '../crypto/keys.js'
import type { EndName } from './port.js'

/** What is asked of the machine that listens. */
export type PeerAsks =
  | { ask: 'start'; id: number; end: EndName; options: Record<string, unknown> }
  | { ask: 'order'; id: number; name: string }
  | { ask: 'close'; id: number }

/** What it tells: what its ends say, each by the number that it was started with. */
export interface PeerTells {
  id: number
  event: string
  value: unknown
}

/** Longest message: the use of an end, with a sample for every fifth of a second of the longest measurement. */
const LINE_BYTES_MAX = 4 << 20

/** The two identities that a one-time code stands for: who has it can be the one client, and knows who listens. */
export function keysOf(code: Uint8Array): { listener: KeyPair; client: KeyPair } {
  return {
    listener: keyPairFromSeed(hash('datdot/profile/listener', code)),
    client: keyPairFromSeed(hash('datdot/profile/client', code))
  }
}

export function writeLine(connection: HyperDHT.Connection, message: PeerAsks | PeerTells): void {
  if (!connection.destroyed) connection.write(Buffer.from(`${JSON.stringify(message)}\n`))
}

/** Calls `take` with each message; what is no message, or longer than any, ends the connection. */
export function readLines<T>(connection: HyperDHT.Connection, take: (message: T) => void): void {
  let text = ''
  connection.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8')
    const lines = text.split('\n')
    text = lines.pop()!
    try {
      if (text.length > LINE_BYTES_MAX) throw new Error('a message that is too long')
      for (const line of lines) {
        const message = JSON.parse(line) as unknown
        if (typeof message !== 'object' || message === null) throw new Error('no message')
        take(message as T)
      }
    } catch (error) {
      connection.destroy(error as Error)
    }
  })
}

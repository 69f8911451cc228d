import Protomux from 'protomux'
import type HyperDHT from 'hyperdht'

/** Bytes as they are, in both directions. */
const raw = {
  preencode: (state: { end: number }, bytes: Uint8Array) => void (state.end += bytes.byteLength),
  encode: (state: { start: number; buffer: Uint8Array | null }, bytes: Uint8Array) => {
    state.buffer!.set(bytes, state.start)
    state.start += bytes.byteLength
  },
  decode: (state: { start: number; end: number; buffer: Uint8Array | null }) => {
    const bytes = Buffer.from(state.buffer!.subarray(state.start, state.end))
    state.start = state.end
    return bytes
  }
}

/** A channel of a peer that sends what it likes: requests, answers and cancellations are messages 0, 1 and 2. */
export interface HostileChannel {
  send(message: number, bytes: Uint8Array): void
  opened(): Promise<boolean>
}

/** Opens a channel of a protocol, and tells what comes on it. */
export function hostileChannel(
  connection: HyperDHT.Connection,
  protocol: string,
  onmessage: (message: number, bytes: Buffer) => void = () => {}
): HostileChannel {
  const channel = Protomux.from(connection).createChannel({ protocol })!
  const messages = [0, 1, 2].map((number) =>
    channel.addMessage({
      encoding: raw,
      onmessage: (bytes: Uint8Array) => onmessage(number, Buffer.from(bytes))
    })
  )
  channel.open()
  return {
    send: (message, bytes) => void messages[message]!.send(bytes),
    opened: () => channel.fullyOpened()
  }
}

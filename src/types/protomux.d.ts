/** The part of protomux 3 that datdot calls; it ships no types of its own. */
declare module 'protomux' {
  import type { Encoder } from 'compact-encoding'

  namespace Protomux {
    interface Message<T> {
      /** False when the stream wants the sender to wait for `drain`. */
      send(message: T): boolean
    }
    interface MessageOptions<T> {
      encoding?: Encoder<T>
      /** A throw in here destroys the whole stream, replication included. */
      onmessage?: (message: T, channel: Channel) => void | Promise<void>
    }
    interface Channel {
      readonly opened: boolean
      readonly closed: boolean
      readonly drained: boolean
      userData: unknown
      addMessage<T>(options: MessageOptions<T>): Message<T>
      open(handshake?: unknown): void
      close(): void
      cork(): void
      uncork(): void
      fullyOpened(): Promise<boolean>
    }
    interface ChannelOptions {
      protocol: string
      id?: Buffer | null
      unique?: boolean
      handshake?: Encoder<unknown> | null
      onopen?: (handshake: unknown, channel: Channel) => void | Promise<void>
      onclose?: (isRemote: boolean, channel: Channel) => void | Promise<void>
      ondestroy?: (channel: Channel) => void
      ondrain?: (channel: Channel) => void
    }
  }

  class Protomux {
    static from(stream: object): Protomux
    static isProtomux(value: unknown): boolean
    readonly stream: object
    createChannel(options: Protomux.ChannelOptions): Protomux.Channel | null
    pair(
      options: { protocol: string; id?: Buffer | null },
      notify: (id: Buffer | null) => void | Promise<void>
    ): void
    unpair(options: { protocol: string; id?: Buffer | null }): void
    opened(options: { protocol: string; id?: Buffer | null }): boolean
    cork(): void
    uncork(): void
    destroy(error?: Error): void
  }
  export default Protomux
}

/**
 * An encrypted stream between two peers, as far as protocols over it need to know it: what hyperdht opens, or a pair of
 * @hyperswarm/secret-stream over any other pipe. Protomux.from takes it.
 */
export interface PeerStream {
  /** The other end's key, proven by the handshake. */
  readonly remotePublicKey: Buffer
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'close', listener: () => void): unknown
  destroy(error?: Error): unknown
}

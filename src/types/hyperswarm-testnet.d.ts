/** The part of @hyperswarm/testnet 3 that datdot calls; it ships no types of its own. */
declare module '@hyperswarm/testnet' {
  import type HyperDHT from 'hyperdht'

  interface Testnet {
    readonly bootstrap: HyperDHT.Address[]
    destroy(): Promise<void>
  }
  /** A private DHT of `size` nodes on 127.0.0.1. */
  export default function createTestnet(size?: number, options?: { host?: string }): Promise<Testnet>
}

import { blake3 } from '../../src/crypto/hash.js'
import { keyPairFromSeed, type KeyPair } from '../../src/crypto/keys.js'
import type { GenesisOptions } from '../../src/ledger/types.js'
import { parameters } from '../../src/protocol/parameters.js'
import { OnionBeacon } from '../../src/ledger/rules/beacon.js'

/** What killed.ts and its child agree on; small, so that the child starts fast. */
export function identity(name: string): KeyPair {
  return keyPairFromSeed(blake3(Buffer.from(`test ${name}`)))
}

export function killBeacon(): OnionBeacon {
  return new OnionBeacon(blake3(Buffer.from('onion')), 4_096)
}

export function killGenesis(): GenesisOptions {
  const beacon = killBeacon()
  return {
    name: 'kill',
    parameters: parameters({ tickMs: 100, epochMs: 1_000 }),
    beacon: { commitment: beacon.commitment(), length: beacon.length },
    allocations: [{ key: identity('sender').publicKey, amount: 1_000_000_000n }]
  }
}

import { blake3 } from '../../src/crypto/hash.js'
import { keyPairFromSeed, type KeyPair } from '../../src/crypto/keys.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { accountKinds } from '../../src/ledger/state.js'
import { parameters } from '../../src/protocol/parameters.js'
import { OnionBeacon } from '../../src/ledger/rules/beacon.js'
import { BUCKETS } from '../../src/ledger/rules/schedule.js'

/** Where the clocks of benchmarks begin. */
export const GENESIS_AT = 1_700_000_000_000

/** Clock that only the benchmark moves. */
export interface Clock {
  at: number
}

export const CHAIN = identity('chain')
const BEACON = new OnionBeacon(blake3(Buffer.from('bench')), 65_536)
export const EPOCH_MS = 3_600_000
export const TICK_MS = 10_000

export function identity(name: string): KeyPair {
  return keyPairFromSeed(blake3(Buffer.from(`bench ${name}`)))
}

export function pinnerOf(index: number): KeyPair {
  return identity(`pinner ${index}`)
}

export function openLedger(path: string, clock: Clock): Ledger {
  return Ledger.open({
    path,
    keyPair: CHAIN,
    beacon: BEACON,
    clock: { wall: () => clock.at, now: () => performance.now() },
    time: () => clock.at - GENESIS_AT,
    genesis: {
      name: 'bench',
      parameters: parameters({
        epochMs: EPOCH_MS,
        tickMs: TICK_MS,
        evidenceWindowMs: 1_000,
        // What is measured is the chain, not how fast pinners answer it.
        openMax: 1_000
      }),
      beacon: { commitment: BEACON.commitment(), length: BEACON.length },
      allocations: [{ key: identity('sender').publicKey, amount: 1n << 60n }]
    }
  })
}

/**
 * A ledger with `copies` active copies of 1 GiB, `perCore` of each hypercore, on `pinners` pinners, challenged every `every` epochs and read by
 * `verifiers` verifiers. Its rows are written directly: what is measured is what happens to a copy, not how it came about.
 */
export function seedLedger(
  path: string,
  clock: Clock,
  of: { copies: number; perCore: number; pinners: number; verifiers: number; every: number }
): Ledger {
  const ledger = openLedger(path, clock)
  const { db } = ledger.state
  db.transaction(() => {
    const account = (kind: number, key: Buffer, balance: bigint) =>
      Number(
        db.get('INSERT INTO accounts (kind, key, balance) VALUES (?, ?, ?) RETURNING id', kind, key, balance)!
          .id
      )
    const register = (role: number, key: Buffer): number => {
      const wallet = account(accountKinds.wallet, key, 0n)
      const deposit = account(accountKinds.deposit, Buffer.concat([Buffer.of(role), key]), 0n)
      const row = db.get(
        `INSERT INTO roles (wallet, role, state, capacity, account, round, aged, alpha, beta, alpha2, beta2, quality, weight, drift_clock)
         VALUES (?, ?, 0, ?, ?, 0, 1, 50000000, 1000000, 50000000, 1000000, 1024, 1000, 86400000) RETURNING id`,
        wallet,
        role,
        2 ** 50,
        deposit
      )
      return Number(row!.id)
    }
    const roles = Array.from({ length: of.pinners }, (_, n) => register(1, pinnerOf(n).publicKey))
    for (let n = 0; n < of.verifiers; n++) register(2, blake3(Buffer.from(`verifier ${n}`)))
    let core = 0
    for (let n = 0; n < of.copies; n++) {
      if (n % of.perCore === 0) {
        const key = blake3(Buffer.from(`core ${n}`))
        const balance = account(accountKinds.hypercore, key, 1n << 40n)
        const row = db.get(
          `INSERT INTO hypercores (key, account, state, fork, length, byte_length, tree_hash, codec, every, steps, copies, target_ppm, max_bytes, topic)
           VALUES (?, ?, 0, 0, 16384, 1073741824, ?, 0, ?, 8, 3, 0, 1073741824, ?) RETURNING id`,
          key,
          balance,
          key,
          of.every,
          key
        )
        core = Number(row!.id)
      }
      const bucket = n % BUCKETS
      db.run(
        `INSERT INTO copies (id, hypercore, state, pinner, length, bytes, segments, every, bucket)
         VALUES (?, ?, 1, ?, 16384, 1075000000, 1, ?, ?)`,
        n,
        core,
        roles[(n * 7) % of.pinners]!,
        of.every,
        bucket
      )
      db.run('INSERT INTO slot_places (every, place, copy) VALUES (?, ?, ?)', of.every, n, n)
      if (n < BUCKETS) {
        db.run('INSERT INTO buckets (every, bucket) VALUES (?, ?)', of.every, bucket)
      }
    }
    db.run(
      'INSERT INTO slots (every, copies, waiting, slot, round, quota, lot) VALUES (?, ?, ?, 0, 0, 0, 0)',
      of.every,
      of.copies,
      of.copies
    )
  })
  db.raw.pragma('wal_checkpoint(TRUNCATE)')
  return ledger
}

/** Begins the next epoch: all copies of the slot before are due. */
export function nextEpoch(ledger: Ledger, clock: Clock): void {
  clock.at += EPOCH_MS
  ledger.tick(1)
}

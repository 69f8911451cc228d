/**
 * Child process of virtual-days.ts: lives through some hours of a network on a virtual clock in the folder that its first
 * argument names, with the ledger `here` or `elsewhere` as the second says, for as many hours as the third. Writes the log to
 * `log` there, and on standard output what came of it. A process of its own, since the test runner's hooks make each promise
 * cost several times as much.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { using } from '../../src/lifecycle.js'
import { makeOriginal, type TestOriginal } from './pinner.js'
import { HOUR_MS, MINUTE_MS, VirtualNetwork } from './virtual-network.js'
import { pinning, signing, verifying, type HandedOver } from './virtual-roles.js'

const SIGNERS = ['signer-1', 'signer-2']
const PINNERS = ['pinner-1', 'pinner-2', 'pinner-3']
const VERIFIERS = ['verifier-1', 'verifier-2', 'verifier-3']

const NAMES = ['supporter', ...SIGNERS, ...PINNERS, ...VERIFIERS]

/** All take part, and a hypercore is sponsored; a pinner that holds a copy is away from one hour to another. */
async function begin(network: VirtualNetwork, original: TestOriginal, away: [number, number]): Promise<void> {
  const handed: HandedOver = new Map()
  let absent: string | null = null
  const isAway = async (name: string, holds: () => Promise<boolean>): Promise<boolean> => {
    const hour = network.clock.now() / HOUR_MS
    if (hour <= away[0] || hour >= away[1]) return false
    if (absent === null && (await holds())) absent ??= name
    return name === absent
  }
  for (const name of [...SIGNERS, ...PINNERS, ...VERIFIERS]) {
    const party = network.join(name)
    const role = name.split('-')[0] as 'signer' | 'pinner' | 'verifier'
    await party.chain.register(role, role === 'verifier' ? 0 : 1 << 30, 50_000_000n)
    if (role === 'signer') signing(party, original, handed)
    else if (role === 'verifier') verifying(party)
    else pinning(party, handed, (holds) => isAway(name, holds))
  }
  const plan = {
    copies: 2,
    targetPpm: 0,
    codec: 'wrap' as const,
    every: 1,
    steps: 8,
    maxBytes: 1 << 30,
    topic: Buffer.alloc(32, 9),
    refreshAfterMs: 0
  }
  const { key, original: claim } = original
  await network.join('supporter').chain.sponsor({ key, original: claim, plan, donation: 500_000_000n })
}

/** Two copies on three pinners; one is away for some hours, and all connections break once: each in the midst of the time. */
async function live(folder: string, ledger: string, hours: number): Promise<void> {
  const blocks = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100 + 997 * (i % 7), i + 1))
  const original = await makeOriginal(join(folder, 'original'), blocks, Buffer.alloc(32, 7))
  const network = new VirtualNetwork(folder, NAMES, ledger === 'elsewhere')
  await using(network, async () => {
    const { clock, ledger } = network
    const away = Math.floor(hours * 0.375)
    await clock.during(begin(network, original, [away, away + 2]), HOUR_MS)
    const cut = Math.floor(hours * 0.6)
    await clock.advance(cut * HOUR_MS + MINUTE_MS / 2)
    network.cut()
    await clock.advance((hours - cut) * HOUR_MS)
    const entries: Uint8Array[] = []
    for (let from = 0; from < (await ledger.length()); from = entries.length) {
      entries.push(...(await ledger.entries(from, 1_000)))
    }
    writeFileSync(join(folder, 'log'), Buffer.concat(entries))
    writeFileSync(join(folder, 'lines'), network.lines.join(''))
    const { storage, retrieval, sum } = await ledger.summary()
    const { epoch } = await ledger.chain()
    const state = (await ledger.stateHash()).toString('hex')
    const sums = { storage, retrieval, sum: String(sum) }
    process.stdout.write(JSON.stringify({ epoch, entries: entries.length, state, ...sums }))
  })
}

await live(process.argv[2]!, process.argv[3]!, Number(process.argv[4]))

import { toHex } from '../../src/bytes.js'
import { auditLog } from '../../src/audit/replay.js'
import { using } from '../../src/lifecycle.js'
import { Facts, type Conduct } from './facts.js'
import { keyPairOf } from './party.js'
import { Broken, DAY_MS, Simulation, type SimulationOptions } from './simulation.js'

/** How one member came out of it. Amounts in grains. */
export interface Fate {
  name: string
  /** Public key in hex. */
  key: string
  hostile: boolean
  /** What it was paid, whatever for. */
  income: bigint
  /** What of its deposits was burned or taken. */
  burned: bigint
  conduct: Conduct
}

/** What a run says; the same for the same seed, scenario and days. */
export interface Outcome {
  scenario: string
  seed: number
  days: number
  /** Over every byte of the log, in order. */
  logHash: string
  stateHash: string
  entries: number
  epoch: number
  storage: Record<string, number>
  retrieval: Record<string, number>
  minted: bigint
  burned: bigint
  fates: Fate[]
  facts: Facts
  /** Share of the wanted copies that there were, over all epochs. */
  kept: number
}

/** Lives through `days` of a scenario and holds the log against itself at the end. @throws Broken */
export async function run(options: SimulationOptions & { days: number }): Promise<Outcome> {
  const { seed, scenario, days } = options
  const simulation = new Simulation(options)
  return using(simulation, async () => {
    const facts = new Facts(simulation.cast.counted)
    simulation.heard.push((effects, ledger) => facts.hear(effects, ledger))
    await simulation.live(days * DAY_MS)
    const { chain } = simulation
    const { ledger } = chain
    const stateHash = ledger.stateHash()
    const report = await auditLog(chain.entries)
    if (report.failure || !report.stateHash?.equals(stateHash)) {
      const why = report.failure ? `entry ${report.failure.seq}: ${report.failure.code}` : 'another state'
      throw new Broken([`a replay of the log leads to the same state (${why})`], simulation)
    }
    const { storage, retrieval, minted, burned } = ledger.summary()
    const fates = simulation.cast.members.map(({ name, hostile = false, grains = 1_000_000_000n }): Fate => {
      const { publicKey } = keyPairOf(seed, name)
      const account = ledger.account(publicKey)
      const conduct = facts.of(toHex(publicKey))
      const deposit = account.roles.reduce((sum, role) => sum + role.deposit, 0n)
      const put = [...conduct.deposited.values()].reduce((sum, amount) => sum + amount, 0n)
      return {
        name,
        key: toHex(publicKey),
        hostile,
        income: account.balance + put - grains,
        burned: put - deposit,
        conduct
      }
    })
    return {
      ...{ scenario: scenario.name, seed, days, logHash: chain.logHash.toString('hex') },
      ...{ stateHash: stateHash.toString('hex'), entries: chain.entries.length },
      ...{ epoch: ledger.chain().epoch, storage, retrieval, minted, burned, fates, facts },
      kept: facts.wanted === 0 ? 1 : facts.active / facts.wanted
    }
  })
}

import type { Fate, Outcome } from './run.js'
import type { Limit, Scenario } from './scenario.js'
import { run } from './run.js'

/** One strategy over some seeds, beside the same days and seeds without it. */
export interface Row {
  scenario: Scenario
  seeds: number
  days: number
  /** Paid for what was not done, in all runs, in grains. */
  unearned: bigint
  /** Pay that the attackers missed, and what was burned of their deposits. */
  lost: bigint
  /** Burned of honest members' deposits, beyond what it is without the attack. */
  harm: bigint
  /** Copies that honest pinners lost, beyond what it is without the attack. */
  copies: number
  /** Share of the wanted copies that there were, with and without the attack. */
  kept: number
  keptWithout: number
  /** Challenges after which copies of the attackers were found not to be there, in the mean, and of how many that is known. */
  found: number | null
  foundOf: number
  /** Draws that went otherwise than without the attack, where it should not matter. */
  otherDraws: number
}

/** Runs without attackers, by what they have in common. */
export type Controls = Map<string, Promise<Outcome>>

function control(scenario: Scenario, seed: number, days: number, controls: Controls): Promise<Outcome> {
  const name = `${scenario.without ?? scenario.name} ${seed} ${days}`
  let outcome = controls.get(name)
  if (!outcome) controls.set(name, (outcome = run({ seed, scenario, days, hostile: false })))
  return outcome
}

/** An attack over some seeds, beside the same days without it. */
export async function rowOf(
  scenario: Scenario,
  seeds: readonly number[],
  { days = scenario.days, controls = new Map() as Controls } = {}
): Promise<Row> {
  const row: Row = {
    ...{ scenario, seeds: seeds.length, days, unearned: 0n, lost: 0n, harm: 0n, copies: 0 },
    ...{ kept: 0, keptWithout: 0, found: null, foundOf: 0, otherDraws: 0 }
  }
  let challenges = 0
  for (const seed of seeds) {
    const attack = await run({ seed, scenario, days })
    const without = await control(scenario, seed, days, controls)
    const hostile = attack.fates.filter((fate) => fate.hostile)
    row.unearned += scenario.unearned?.(attack, hostile) ?? 0n
    row.lost += sumOf(hostile, ({ burned, conduct }) => burned + conduct.missed)
    row.harm += harmIn(attack) - harmIn(without)
    row.copies += lossesIn(attack) - lossesIn(without)
    row.kept += attack.kept / seeds.length
    row.keptWithout += without.kept / seeds.length
    if (scenario.sameDraws) row.otherDraws += differences(attack.facts.draws, without.facts.draws)
    for (const { conduct } of hostile) {
      for (const first of conduct.firstFailures.values()) {
        if (!first.found) continue
        challenges += first.challenges
        row.foundOf++
      }
    }
  }
  row.found = row.foundOf === 0 ? null : challenges / row.foundOf
  return row
}

/** What of a row is more than its scenario allows. */
export function excessOf({ scenario: { limit }, ...row }: Row): string[] {
  const runs = BigInt(row.seeds)
  const gain = (row.unearned - row.lost) / runs
  const said: Record<keyof Limit | 'draws', boolean> = {
    draws: row.otherDraws === 0,
    gain: gain <= limit.gain,
    harm: row.harm / runs <= limit.harm,
    copies: row.copies / row.seeds <= limit.copies,
    kept: row.keptWithout - row.kept <= limit.kept
  }
  return Object.entries(said)
    .filter(([, holds]) => !holds)
    .map(([name]) => name)
}

const datdot = (grains: bigint): string => (Number(grains) / 1e6).toFixed(3)

const COLUMNS = [
  'strategy',
  'what it does',
  'days',
  'paid for nothing',
  'its pay and deposits lost',
  'honest deposits burned',
  'honest copies lost',
  'wanted copies there (without it)',
  'found after challenges (by the formula)',
  'what is missing today'
]

/** The head of the table. */
export function headOf(): string {
  return `| ${COLUMNS.join(' | ')} |\n|${' --- |'.repeat(COLUMNS.length)}`
}

/** The table of docs/security.md, as Markdown. */
export function tableOf(rows: readonly Row[]): string {
  return [headOf(), ...rows.map(lineOf)].join('\n') + '\n'
}

function lineOf(row: Row): string {
  const { scenario, seeds, unearned, lost, harm, copies, kept, keptWithout, found } = row
  const runs = BigInt(seeds)
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const formula = scenario.found === undefined ? '' : ` (${(1 / scenario.found).toFixed(1)})`
  const cells = [
    scenario.name,
    scenario.does,
    String(row.days),
    datdot(unearned / runs),
    datdot(lost / runs),
    datdot(harm / runs),
    (copies / seeds).toFixed(1),
    `${percent(kept)} (${percent(keptWithout)})`,
    found === null ? '' : `${found.toFixed(1)}${formula}`,
    scenario.missing ?? ''
  ]
  return `| ${cells.join(' | ')} |`
}

function differences(some: readonly string[], others: readonly string[]): number {
  return Math.abs(some.length - others.length) + some.filter((one, i) => one !== others[i]).length
}

function harmIn({ fates }: Outcome): bigint {
  return sumOf(
    fates.filter(({ hostile }) => !hostile),
    ({ burned }) => burned
  )
}

function lossesIn({ fates }: Outcome): number {
  return fates.filter(({ hostile }) => !hostile).reduce((sum, { conduct }) => sum + conduct.lost, 0)
}

function sumOf(fates: readonly Fate[], of: (fate: Fate) => bigint): bigint {
  return fates.reduce((sum, fate) => sum + of(fate), 0n)
}

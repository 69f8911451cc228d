import * as idEncoding from 'hypercore-id-encoding'
import type { SaidProblem } from '../daemon/problems.js'
import { throughLog, type Logger, type LogValue } from '../log.js'
import { amountText } from './amounts.js'
import type { CommandIo } from './command.js'
import { printable } from './printable.js'

type Facts = Record<string, LogValue>
/** What a command tells may have lists in it. */
export type ToldFacts = Record<string, LogValue | readonly SaidProblem[]>

/** What a running program says: a sentence for people, or one JSON object a line. */
export interface Teller {
  (event: string, facts: ToldFacts, text: string): void
}

export function tellerOf(io: CommandIo, json: boolean): Teller {
  return (event, facts, text) => {
    const lines = json ? [JSON.stringify({ event, ...plain(facts) })] : text.split('\n').map(printable)
    for (const line of lines) if (line !== '') io.stdout.write(line + '\n')
  }
}

/** A log whose notable lines are told as well, by the name of the role that wrote them. */
export function toldLog(tell: Teller, name: string, log: Logger): Logger {
  return throughLog(log, (event, facts, write) => {
    write(event, facts)
    const sentence = sentences[event]?.(facts)
    if (sentence !== undefined) tell(event, { role: name, ...facts }, `${name}: ${sentence}`)
  })
}

export const writtenKey = (key: LogValue): string =>
  key instanceof Uint8Array ? idEncoding.encode(Buffer.from(key)) : String(key)

/** What of a role's log is said on the terminal. */
const sentences: Record<string, (facts: Facts) => string | undefined> = {
  'role.registered': () => 'registered and working',
  'role.waiting': ({ key, missing }) =>
    `waits for ${amountText(missing as bigint)} datdots; send them to ${writtenKey(key)}`,
  'role.payout-other': ({ payout }) =>
    `pays out to ${writtenKey(payout)}, which alone may change that: datdot payout`,
  'role.no-chain': ({ key }) => `the chain ${writtenKey(key)} does not answer; trying again`,
  'role.elsewhere': () =>
    'another copy of this folder works under its key; stop one of them. This one goes on when the other is gone',
  'sponsor.paid': ({ id, key, amount }) =>
    `pin ${String(id)} of ${writtenKey(key)} is paid for: ${amountText(amount as bigint)} datdots`,
  'sponsor.pin-failed': ({ id, code, error }) =>
    `pin ${String(id)} failed: ${(error as Error).message} [${String(code)}]`,
  'sponsor.purse-short': ({ key }) => `pins wait for tokens; send them to ${writtenKey(key)}`,
  'sponsor.waits': ({ error }) => `waits: ${(error as Error).message}`,
  'role.failed': ({ job, error }) => `${String(job)} failed: ${(error as Error).message}`,
  'pinner.capacity-cut': ({ wanted, capacityBytes, reserveBytes }) =>
    `offers ${String(capacityBytes)} bytes, not the ${String(wanted)} of its settings: its disk has no more beside a reserve of ${String(reserveBytes)}`,
  'pinner.serving': ({ hypercores }) => `serves ${String(hypercores)} hypercores`,
  'pinner.receiving': ({ draw }) => `takes the segment of draw ${String(draw)}`,
  'pinner.accepted': ({ key, start, end }) =>
    `holds chunks ${String(start)} to ${String(end)} of ${writtenKey(key)}`,
  'pinner.objects': ({ draw }) => `says that nothing came of draw ${String(draw)}`,
  'pinner.scrubbed': ({ chunks, lost, unproven }) =>
    `read all of its ${String(chunks)} chunks: ${String(lost)} are lost, ${String(unproven)} cannot be proven`,
  'pinner.declined': ({ key }) => `was asked to keep ${writtenKey(key)}, and declined`,
  'pinner.settled': ({ challenge, copy, outcome }) =>
    outcome === 'success'
      ? undefined
      : `challenge ${String(challenge)} of copy ${String(copy)} ended as ${String(outcome)}`,
  'pinner.paid': ({ passed, paid, minutes }) =>
    `passed ${String(passed)} challenges in ${String(minutes)} minutes, paid ${amountText(paid as bigint)} datdots`,
  'pinner.copy-lost': ({ key, burned }) =>
    `its copy of ${writtenKey(key)} is lost: ${amountText(burned as bigint)} datdots are burned`,
  'pinner.back': () => 'was away; is asked now for what it missed meanwhile',
  'pinner.copy-missing': ({ key, taken }) =>
    `its copy of ${writtenKey(key)} was missed for so long that another is made, for ${amountText(taken as bigint)} datdots of its lock; it owes a longer walk`,
  'pinner.copy-regained': ({ key }) => `its copy of ${writtenKey(key)} counts again`,
  'role.penalised': ({ burned }) => `lost ${amountText(burned as bigint)} datdots of its deposit`,
  'alert.raised': ({ alert, why }) => `ALERT ${String(alert)}: ${String(why)}`,
  'alert.cleared': ({ alert }) => `the alert ${String(alert)} is over`,
  'alert.unsent': ({ error }) => `an alert could not be sent: ${(error as Error).message}`,
  'pinner.forgot': ({ key }) => `has let go of hypercore ${writtenKey(key)}`,
  'pinner.block-lost': ({ key, index, reason }) =>
    `lost block ${String(index)} of ${writtenKey(key)}: ${String(reason)}`,
  'pinner.read-failed': ({ key, error }) => `cannot read ${writtenKey(key)}: ${(error as Error).message}`,
  'pinner.walk-failed': ({ challenge, error }) =>
    `cannot answer challenge ${String(challenge)}: ${(error as Error).message}`,
  'pinner.factor-found': ({ key }) =>
    `found a factor of a key that seals ${writtenKey(key)}, and convicts its signer`,
  'pinner.bounty-claimed': () =>
    'has shown the factor: the bounty is paid in some rounds unless somebody knew it before',
  'pinner.claim-failed': ({ error }) => `cannot claim a bounty: ${(error as Error).message}`,
  'pinner.growth-waits': ({ key, code }) =>
    `${writtenKey(key)} has grown, and the chain takes that not yet [${String(code)}]`,
  'pinner.intake-paused': ({ key }) =>
    `was asked to keep ${writtenKey(key)}, and declined: its disk takes no more writes`,
  'pinner.unserved': ({ key }) => `finds nobody who serves ${writtenKey(key)}, and says so`,
  'signer.holes': ({ key, blocks }) =>
    `${String(blocks)} blocks of ${writtenKey(key)} are served by nobody: encodes all others`,
  'signer.sending': ({ draw }) => `encodes what draw ${String(draw)} asks for`,
  'signer.delivered': ({ draw }) => `delivered what draw ${String(draw)} asked for`,
  'signer.out-of-time': ({ draw }) => `has no more time for draw ${String(draw)}, and says so`,
  'signer.refused': ({ draw, error }) => `refused draw ${String(draw)}: ${(error as Error).message}`,
  'faucet.granted': ({ key, amount }) => `gave ${amountText(amount as bigint)} datdots to ${writtenKey(key)}`
}

/** Facts as JSON has them: keys in z-base-32, amounts as decimal strings of grains. */
function plain(facts: ToldFacts): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      typeof value === 'bigint'
        ? value.toString()
        : value instanceof Uint8Array
          ? writtenKey(value)
          : value instanceof Error
            ? value.message
            : value
    ])
  )
}

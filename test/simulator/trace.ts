import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toHex } from '../../src/bytes.js'
import { DatdotError } from '../../src/errors.js'
import type { KeyPair } from '../../src/crypto/keys.js'
import { Ledger } from '../../src/ledger/ledger.js'
import type { ArrivalTimes, GenesisOptions, LedgerOptions } from '../../src/ledger/types.js'
import { anchorAt } from '../../src/protocol/anchor.js'
import { decodeOperation, signOperation, type Statement } from '../../src/protocol/operations.js'
import type { Step } from './steps.js'

/** What a ledger was made from, and who can sign on it. */
export interface Origin {
  keyPair: KeyPair
  beacon: NonNullable<LedgerOptions['beacon']>
  genesis: GenesisOptions
  /** By public key in hex. */
  signers: ReadonlyMap<string, KeyPair>
  /** When the genesis was made. */
  at: number
}

/** One operation, or one thing that the chain did by itself. */
export type Action =
  | {
      call: 'submit'
      at: number
      when: ArrivalTimes
      sender: Uint8Array
      statement: Statement
      detail: Uint8Array | null
    }
  | Exclude<Step, { call: 'submit' }>

/** The actions of steps, operations one by one. */
export function actionsOf(steps: readonly Step[]): Action[] {
  return steps.flatMap((step): Action[] => {
    if (step.call !== 'submit') return [step]
    const actions: Action[] = []
    const [wires, , { now, arrived } = {}] = step.args
    for (const [place, wire] of wires.entries()) {
      try {
        const { sender, detail, ...statement } = decodeOperation(wire)
        const { kind, body } = statement
        const said = { kind, body } as Statement
        const when = {
          ...(now === undefined ? {} : { now }),
          ...(arrived ? { arrived: [arrived[place]!] } : {})
        }
        actions.push({ call: 'submit', at: step.at, when, sender, statement: said, detail })
      } catch (error) {
        // What is no operation changes nothing.
        if (!(error instanceof DatdotError)) throw error
      }
    }
    return actions
  })
}

/** Does actions on a ledger of their own, signed anew where others are missing before them; returns what is broken, and after how many. */
export function replay(
  origin: Origin,
  actions: readonly Action[],
  brokenIn: (ledger: Ledger) => string[]
): { broken: string[]; after: number } | null {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-trace-'))
  let at = origin.at
  const clock = { wall: () => at, now: () => at }
  const ledger = Ledger.open({ path: join(folder, 'ledger.db'), ...origin, clock, durable: false })
  try {
    for (const [index, action] of actions.entries()) {
      at = action.at
      perform(ledger, action, origin.signers)
      const broken = brokenIn(ledger)
      if (broken.length > 0) return { broken, after: index + 1 }
    }
    return null
  } finally {
    ledger.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function perform(ledger: Ledger, action: Action, signers: Origin['signers']): void {
  if (action.call === 'submit') {
    const keyPair = signers.get(toHex(action.sender))
    if (!keyPair) return
    const { nonce } = ledger.account(action.sender)
    const { chainId } = ledger
    const anchor = anchorAt(ledger.chain())
    const { statement, detail, when } = action
    const from = { chainId, keyPair, nonce, anchor, ...(detail ? { detail } : {}) }
    ledger.submit([signOperation(statement, from)], undefined, when)
    return
  }
  try {
    const { call, args } = action
    ;(ledger[call] as (...args: unknown[]) => unknown)(...(args as unknown[]))
  } catch (error) {
    // Refused, since what it is about is missing.
    if (!(error instanceof DatdotError)) throw error
  }
}

/** The fewest actions found that break the same: prefixes first, then parts left out, the largest first. */
export function shrink(
  origin: Origin,
  actions: readonly Action[],
  brokenIn: (ledger: Ledger) => string[]
): Action[] {
  const first = replay(origin, actions, brokenIn)
  if (!first) return [...actions]
  let shortest = actions.slice(0, first.after)
  for (let size = shortest.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < shortest.length;) {
      const fewer = [...shortest.slice(0, from), ...shortest.slice(from + size)]
      const found = replay(origin, fewer, brokenIn)
      if (found?.broken.some((name) => first.broken.includes(name))) shortest = fewer.slice(0, found.after)
      else from += size
    }
  }
  return shortest
}

/** An action in a line. */
export function told(action: Action, names: ReadonlyMap<string, string>): string {
  const when = new Date(action.at).toISOString()
  if (action.call !== 'submit') return `${when} the chain: ${action.call} ${plain(action.args)}`
  const { sender, statement } = action
  return `${when} ${names.get(toHex(sender)) ?? toHex(sender)}: ${statement.kind} ${plain(statement.body)}`
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return String(part)
    if (part instanceof Uint8Array) return toHex(part).slice(0, 16)
    const { type, data } = (part ?? {}) as { type?: string; data?: number[] }
    return type === 'Buffer' && data ? toHex(Uint8Array.from(data)).slice(0, 16) : part
  })
}

import type { ChainClient } from '../../client/client.js'
import { equal } from '../../bytes.js'
import { ChainError, DatdotError } from '../../errors.js'
import type { Original } from '../../protocol/original.js'
import type { Plan, Statement } from '../../protocol/operations.js'
import { checkFunds, costOf } from '../fee.js'
import type { Payment, Pins } from './pins.js'

/**
 * Makes each payment once, whatever happens in its midst. The nonce that it is signed with is on the disk before it is sent, and as long as the
 * chain has taken nothing with that nonce it is signed with no other; what was taken the log says.
 */
export class PinPurse {
  readonly #chain: ChainClient
  readonly #pins: Pins

  constructor(chain: ChainClient, pins: Pins) {
    this.#chain = chain
    this.#pins = pins
  }

  /** What a payment burns at most: as if the hypercore were new to the chain. */
  async feeOf(hypercores: readonly { key: Buffer; original: Original; plan: Plan }[]): Promise<bigint> {
    const sponsored = hypercores.map((body): Statement => ({
      kind: 'sponsor',
      body: { ...body, donation: 2n ** 40n }
    }))
    return (await costOf(this.#chain, sponsored)).fee
  }

  /**
   * Donates to a hypercore, and registers it if nobody has.
   *
   * @throws ChainError if the chain refuses it, and then nothing was paid; `BALANCE_TOO_LOW`
   * @throws DatdotError PAYMENT_OPEN if it is not known whether one that was signed is taken; SwarmError likewise
   */
  async pay(payment: Payment, original: Original, plan: Plan, signal: AbortSignal): Promise<void> {
    const key = payment.hypercore
    const known = await this.#chain.hypercore(key, { signal })
    const isNew = !known || known.state === 'lapsed'
    const statement: Statement = isNew
      ? { kind: 'sponsor', body: { key, original, plan, donation: payment.amount } }
      : { kind: 'donate', body: { key, amount: payment.amount } }
    if (payment.nonce === null) await checkFunds(this.#chain, await costOf(this.#chain, [statement]))
    const since = payment.since ?? (await this.#chain.info({ signal })).chain.length
    let open = payment.nonce
    const signing = (nonce: number): void => {
      if (open !== null && open !== nonce) {
        throw new DatdotError('PAYMENT_OPEN', `a payment with nonce ${open} may have been taken`)
      }
      if (open === null) this.#pins.sign(payment, { nonce, since })
      open = nonce
    }
    try {
      await this.#chain.submit(statement, { signal, signing })
    } catch (error) {
      // It has not taken this one; one that was signed before may still come.
      if (error instanceof ChainError && payment.nonce === null) this.#pins.sign(payment, null)
      throw error
    }
    this.#pins.paid(payment)
  }

  /** Finds out what became of what was signed before: on the log it is paid, and where another operation has its nonce it may be signed anew. */
  async settle(payment: Payment, signal: AbortSignal): Promise<void> {
    const { publicKey } = this.#chain
    const { nonce } = await this.#chain.account(publicKey, { signal })
    if (payment.nonce === null || nonce <= payment.nonce) return
    const { length } = (await this.#chain.info({ signal })).chain
    for await (const { seq, operation } of this.#chain.events({ from: payment.since ?? 0, signal })) {
      if (operation.nonce === payment.nonce && equal(operation.sender, publicKey)) {
        if (isPayment(operation, payment)) this.#pins.paid(payment)
        else this.#pins.sign(payment, null)
        return
      }
      if (seq + 1 >= length) return
    }
  }
}

function isPayment(statement: Statement, { hypercore, amount }: Payment): boolean {
  if (statement.kind === 'sponsor') {
    return equal(statement.body.key, hypercore) && statement.body.donation === amount
  }
  return (
    statement.kind === 'donate' && equal(statement.body.key, hypercore) && statement.body.amount === amount
  )
}

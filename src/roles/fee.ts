import type { ChainClient } from '../client/client.js'
import { ChainError } from '../errors.js'
import { feeOf, feePayer } from '../ledger/rules/fees.js'
import type { Statement } from '../protocol/operations.js'

/** What operations cost their sender: what they move, and the fees that are burned with it. */
export interface Cost {
  /** Grains that go to others. */
  amount: bigint
  /** Grains that are burned because they are sent. */
  fee: bigint
}

/** What operations will cost the client's wallet, at most, by the chain's rules as they are now: a growth as if nothing of it were held. */
export async function costOf(chain: ChainClient, statements: readonly Statement[]): Promise<Cost> {
  const { parameters } = await chain.info()
  const sum = (each: (statement: Statement) => bigint): bigint =>
    statements.reduce((total, statement) => total + each(statement), 0n)
  const fromWallet = statements.filter(({ kind }) => feePayer(kind) !== 'bounty')
  return {
    amount: sum(amountOf),
    fee: fromWallet.reduce((total, statement) => total + feeOf(statement, parameters), 0n)
  }
}

/** What an operation moves out of its sender's wallet. */
function amountOf({ kind, body }: Statement): bigint {
  switch (kind) {
    case 'transfer':
    case 'donate':
      return body.amount
    case 'sponsor':
      return body.donation
    case 'register':
      return body.deposit
    default:
      return 0n
  }
}

/**
 * Whether the client's wallet has what operations cost, before the first of them is sent.
 *
 * @throws ChainError `BALANCE_TOO_LOW`, which names amount and fee
 */
export async function checkFunds(chain: ChainClient, { amount, fee }: Cost): Promise<void> {
  const { balance } = await chain.account(chain.publicKey)
  if (balance >= amount + fee) return
  throw new ChainError(
    'BALANCE_TOO_LOW',
    `the balance is ${balance} grains, needed are ${amount} and a fee of ${fee}`
  )
}

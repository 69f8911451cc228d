import { ChainError } from '../../errors.js'
import type { Statement } from '../../protocol/operations.js'
import { feeOf } from '../rules/fees.js'
import { BURNED, type Account, type Role, type State } from '../state.js'

/** Burns the fee of an operation that its sender pays, after it has done its work. @throws ChainError `FEE_UNPAID` */
export function payFee(state: State, sender: Account, statement: Statement): void {
  const fee = feeOf(statement, state.parameters)
  if (sender.balance < fee) throw unpaid(fee, sender.balance)
  state.move(sender, state.account(BURNED), fee)
}

/**
 * Burns the fee of an operation about a role: of the wallet, and where that has not so much, of what the role has deposited and not locked.
 *
 * @param least what stays deposited; null: what neither has is given, so that an empty wallet can leave
 * @throws ChainError `FEE_UNPAID`
 */
export function payFeeOfRole(
  state: State,
  { sender, role, least }: { sender: Account; role: Role; least: bigint | null },
  statement: Statement
): void {
  const fee = feeOf(statement, state.parameters)
  const deposit = state.account(role.account)
  const kept = least !== null && least > role.locked ? least : role.locked
  const free = deposit.balance > kept ? deposit.balance - kept : 0n
  if (least !== null && sender.balance + free < fee) throw unpaid(fee, sender.balance + free)
  const burned = state.account(BURNED)
  const ofWallet = lesser(fee, sender.balance)
  state.move(sender, burned, ofWallet)
  state.move(deposit, burned, lesser(fee - ofWallet, free))
  state.touch(role)
}

function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function unpaid(fee: bigint, has: bigint): ChainError {
  return new ChainError(
    'FEE_UNPAID',
    `the operation costs a fee of ${fee} grains, and ${has} are left for it`
  )
}

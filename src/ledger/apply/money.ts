import { ChainError } from '../../errors.js'
import type { Body } from '../../protocol/operations.js'
import { donationBurn } from '../rules/economics.js'
import { endGrace } from './grace.js'
import { hypercoreByKey, type Hypercore } from '../rows.js'
import { accountKinds, BURNED, type Account, type State } from '../state.js'
import { equal } from '../../bytes.js'

/** Moves grains from the sender's wallet to another, which it opens. A balance too low is refused by `State.move`. */
export function transfer(state: State, sender: Account, { to, amount }: Body<'transfer'>): void {
  if (amount === 0n) throw new ChainError('AMOUNT_ZERO', 'a transfer of nothing')
  if (equal(to, sender.key)) throw new ChainError('TRANSFER_TO_SELF', 'sender and receiver are the same')
  state.move(sender, state.open(accountKinds.wallet, to), amount)
}

/** Gives to a hypercore; never withdrawn. */
export function donate(state: State, sender: Account, { key, amount }: Body<'donate'>): void {
  const hypercore = hypercoreByKey(state, key)
  if (!hypercore) throw new ChainError('HYPERCORE_UNKNOWN', 'this hypercore is not registered; sponsor it')
  if (hypercore.state === 2) {
    throw new ChainError('HYPERCORE_LAPSED', 'this hypercore has lapsed; sponsor it again')
  }
  give(state, sender, hypercore, amount)
}

/** A donation: a share is burned, the rest is the hypercore's; ends its grace if the balance then pays a full round. */
export function give(state: State, sender: Account, hypercore: Hypercore, amount: bigint): void {
  if (amount === 0n) throw new ChainError('AMOUNT_ZERO', 'a donation of nothing')
  const burned = donationBurn(amount, state.parameters)
  state.move(sender, state.account(BURNED), burned)
  state.move(sender, state.account(hypercore.account), amount - burned)
  endGrace(state, hypercore)
}

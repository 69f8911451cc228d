import { equal } from '../bytes.js'
import * as idEncoding from 'hypercore-id-encoding'
import {
  feesOfJoining,
  keepInvite,
  keptInvites,
  keyPairOfInvite,
  newInvite,
  Purse
} from '../daemon/invite.js'
import { datdots, publicKey, type Setting } from '../daemon/setting.js'
import { InputError } from '../errors.js'
import { checkFunds, costOf } from '../roles/fee.js'
import { using } from '../lifecycle.js'
import { amountText } from './amounts.js'
import { EXIT_OK, type Command } from './command.js'
import { configure, networkOf, optionsHelp, world } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'

const from = {
  from: { shows: 'ROLE', purpose: 'whose account it is: a folder below DIR, such as pinner (default wallet)' }
}
const dry = { 'dry-run': { purpose: 'say what it costs, and do nothing' } }
const codes = 'Exit codes: 0 done, 1 the chain refused it or does not answer, 2 bad input.\n'

/** `datdot balance`: what an account holds. */
export const balance: Command = {
  help: `Usage: datdot balance [KEY] --config FILE, or --data DIR --chain KEY [OPTIONS]

Says what an account holds and what its roles have deposited: the wallet's, or that of KEY.

${optionsHelp(walletSettings, from)}
${codes}`,
  async run(args, io) {
    const given = await configure('balance', walletSettings, { args, io, positionals: 1, own: from })
    const { settings, json, positionals, own } = given
    const [text] = positionals
    const wanted = text === undefined ? undefined : argument('balance', publicKey, text)
    return using(new Wallet(settings, 'balance', named(own.from)), async ({ member }) => {
      const key = wanted ?? member.keyPair.publicKey
      const account = await member.chain.account(key)
      const tell = tellerOf(io, json)
      tell(
        'balance',
        { key, balance: account.balance },
        `${idEncoding.encode(key)}  ${amountText(account.balance)} datdots`
      )
      for (const { role, state, deposit, locked, payout } of account.roles) {
        const to = equal(payout, key) ? '' : `, pays out to ${idEncoding.encode(Buffer.from(payout))}`
        const text = `  ${role} (${state}): ${amountText(deposit)} deposited, ${amountText(locked)} of it locked${to}`
        tell('role', { role, state, deposit, locked, payout }, text)
      }
      return EXIT_OK
    })
  }
}

/** `datdot transfer`: tokens from one account to another. */
export const transferCommand: Command = {
  help: `Usage: datdot transfer KEY AMOUNT --config FILE, or --data DIR --chain KEY [OPTIONS]

Moves AMOUNT datdots from the wallet to the account of KEY. Says first what is burned for it.

${optionsHelp(walletSettings, { ...from, ...dry })}
${codes}`,
  async run(args, io) {
    const given = await configure('transfer', walletSettings, {
      args,
      io,
      positionals: 2,
      own: { ...from, ...dry }
    })
    const { settings, json, positionals, own } = given
    const to = argument('transfer', publicKey, positionals[0])
    const amount = argument('transfer', datdots, positionals[1])
    return using(new Wallet(settings, 'transfer', named(own.from)), async ({ member }) => {
      const cost = await costOf(member.chain, [{ kind: 'transfer', body: { to, amount } }])
      const { fee } = cost
      const tell = tellerOf(io, json)
      tell('price', { amount, fee }, `a fee of ${amountText(fee)} datdots is burned for it`)
      await checkFunds(member.chain, cost)
      if (own['dry-run'] === true) return EXIT_OK
      const { seq } = await member.chain.transfer(to, amount)
      const text = `moved ${amountText(amount)} datdots to ${idEncoding.encode(to)}`
      tell('transferred', { to, amount, fee, seq }, text)
      return EXIT_OK
    })
  }
}

/** `datdot invite`: what a newcomer starts from. */
export const invite: Command = {
  help: `Usage: datdot invite AMOUNT --config FILE, or --data DIR --chain KEY [OPTIONS]
       datdot invite --take-back --config FILE

Prints a code that holds AMOUNT datdots of the wallet. Who starts a role with --invite CODE has them for its deposits; give a code to
nobody else. The code holds some more for the fees of joining. With --take-back all that codes given out from here still hold comes back
to the wallet, less a fee for each.

${optionsHelp(walletSettings, { 'take-back': { purpose: 'move what no one has used back to the wallet' }, ...dry })}
${codes}`,
  async run(args, io) {
    const own = { 'take-back': { purpose: '' }, ...dry }
    const given = await configure('invite', walletSettings, { args, io, positionals: 1, own })
    const { settings, json, positionals } = given
    const tell = tellerOf(io, json)
    const back = given.own['take-back'] === true
    const amount = back ? 0n : argument('invite', datdots, positionals[0])
    return using(new Wallet(settings, 'invite'), async ({ member, dir }) => {
      const { chainKey } = member.chain
      const purse = { network: networkOf(settings), chainKey, ...world }
      if (!back) {
        const { code, keyPair } = newInvite(world.randomBytes)
        const joining = await feesOfJoining(member.chain, amount)
        const body = { to: keyPair.publicKey, amount: amount + joining }
        const cost = await costOf(member.chain, [{ kind: 'transfer', body }])
        const { fee } = cost
        if (given.own['dry-run'] === true) {
          const text = `${amountText(joining)} datdots more for the fees of joining, and a fee of ${amountText(fee)} datdots is burned`
          tell('price', { amount, joining, fee }, text)
          await checkFunds(member.chain, cost)
          return EXIT_OK
        }
        await checkFunds(member.chain, cost)
        // Kept before it is paid: a crash loses no tokens.
        await keepInvite(dir, code)
        await member.chain.transfer(body.to, body.amount)
        tell('invited', { code, amount, joining, fee }, code)
        return EXIT_OK
      }
      let taken = 0n
      for (const code of await keptInvites(dir)) {
        const options = { ...purse, keyPair: keyPairOfInvite(code) }
        taken += await using(new Purse(options), (one) => one.pay(member.keyPair.publicKey))
      }
      tell('taken-back', { amount: taken }, `took back ${amountText(taken)} datdots`)
      return EXIT_OK
    })
  }
}

/** One argument of a command. @throws InputError OPTION_VALUE, OPTION_MISSING */
export function argument<T>(command: string, setting: Setting<T>, text: string | undefined): T {
  if (text === undefined) {
    throw new InputError('OPTION_MISSING', `${command} needs ${setting.takes}; see datdot ${command} --help`)
  }
  const value = setting.parse(text)
  if (value !== undefined) return value
  throw new InputError('OPTION_VALUE', `${command} takes ${setting.takes}, not ${JSON.stringify(text)}`)
}

function named(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

import * as idEncoding from 'hypercore-id-encoding'
import { publicKey, word } from '../daemon/setting.js'
import { nodeRoles } from '../daemon/settings.js'
import { InputError } from '../errors.js'
import { using } from '../lifecycle.js'
import type { Statement } from '../protocol/operations.js'
import { checkFunds, costOf } from '../roles/fee.js'
import { amountText } from './amounts.js'
import { EXIT_OK, optionOf, type Command } from './command.js'
import { configure, givenText, optionsHelp } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'
import { argument } from './tokens.js'

const own = {
  to: { shows: 'KEY', purpose: 'the account that the role pays out to from now on' },
  role: { shows: nodeRoles.join('|'), purpose: 'which of its roles, with --to' },
  'replace-by': {
    shows: 'KEY',
    purpose: 'the key under which the whole identity goes on; it has no account yet'
  },
  'dry-run': { purpose: 'say what it costs, and do nothing' }
}

/** `datdot payout`: what the account that a role pays out to may do with it. */
export const payoutCommand: Command = {
  help: `Usage: datdot payout KEY --role ROLE --to KEY --config FILE, or --data DIR --chain KEY [OPTIONS]
       datdot payout KEY --replace-by KEY --config FILE

KEY is the identity of roles that pay out to this wallet (their setting payout). Only this wallet changes that, and gives an identity whose
key is lost or stolen another one: its deposits, copies and reputations go on under that, and the old key is worth nothing.

${optionsHelp(walletSettings, own)}
Exit codes: 0 done, 1 the chain refused it or does not answer, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('payout', walletSettings, { args, io, positionals: 1, own })
    const key = argument('payout', publicKey, given.positionals[0])
    const text = (name: keyof typeof own): string | undefined => givenText(given, name)
    const to = optionOf('to', publicKey, text('to'))
    const by = optionOf('replace-by', publicKey, text('replace-by'))
    const role = optionOf('role', word(nodeRoles), text('role'))
    if ((to === undefined) === (by === undefined) || (to === undefined) !== (role === undefined)) {
      throw new InputError(
        'OPTION_MISSING',
        'payout needs either --role with --to, or --replace-by; see datdot payout --help'
      )
    }
    const statement: Statement = by
      ? { kind: 'replaceKey', body: { key, by } }
      : { kind: 'setPayout', body: { key, role: role!, payout: to! } }
    const tell = tellerOf(io, given.json)
    return using(new Wallet(given.settings, 'payout'), async ({ member: { chain } }) => {
      const cost = await costOf(chain, [statement])
      const { fee } = cost
      tell('price', { fee }, `a fee of ${amountText(fee)} datdots is burned for it`)
      await checkFunds(chain, cost)
      if (given.own['dry-run'] === true) return EXIT_OK
      await chain.submit(statement, { signal: io.signal })
      const name = idEncoding.encode(key)
      if (by) tell('replaced', { key, by }, `${name} goes on as ${idEncoding.encode(by)}`)
      else
        tell(
          'payout',
          { key, role: role!, to: to! },
          `the ${role} ${name} pays out to ${idEncoding.encode(to!)}`
        )
      return EXIT_OK
    })
  }
}

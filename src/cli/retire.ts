import { nodeRoles } from '../daemon/settings.js'
import { word } from '../daemon/setting.js'
import { using } from '../lifecycle.js'
import { amountText } from './amounts.js'
import { EXIT_OK, type Command } from './command.js'
import { configure, givenText, optionsHelp } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'
import { argument } from './tokens.js'

const own = { name: { shows: 'NAME', purpose: "of the role's folder, where it is not that of the role" } }

/** `datdot retire`: a role takes nothing new, and leaves when others have what it holds. */
export const retireCommand: Command = {
  help: `Usage: datdot retire pinner|signer|verifier --config FILE, or --data DIR --chain KEY [OPTIONS]

Has the chain draw the role no more. Keep it running: a pinner goes on answering for its copies, which are encoded anew elsewhere one
after the other, and the deposit is free when the last is gone and the evidence window is over. This cannot be taken back.

${optionsHelp(walletSettings, own)}
Exit codes: 0 done, 1 the chain refused it or does not answer, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('retire', walletSettings, { args, io, positionals: 1, own })
    const role = argument('retire', word(nodeRoles), given.positionals[0])
    const folder = givenText(given, 'name') ?? role
    const tell = tellerOf(io, given.json)
    return using(new Wallet(given.settings, 'retire', folder), async ({ member: { chain, keyPair } }) => {
      await chain.retire(role)
      const { roles } = await chain.account(keyPair.publicKey)
      const view = roles.find((one) => one.role === role)!
      const { state, usedBytes, deposit, locked } = view
      const text = `the ${role} is ${state}: ${usedBytes} bytes are still its own, ${amountText(locked)} of ${amountText(deposit)} datdots are locked`
      tell('retired', { role, state, usedBytes, deposit, locked }, text)
      return EXIT_OK
    })
  }
}

import * as idEncoding from 'hypercore-id-encoding'
import { codecNames } from '../chunk/header.js'
import { SponsorProgram } from '../daemon/pinning/program.js'
import { wholeNumber, word } from '../daemon/setting.js'
import type { SettingName } from '../daemon/settings.js'
import { DEFAULT_CODEC } from '../local/economy.js'
import { optionOf, type Command } from './command.js'
import { configure, givenText, networkOf, optionsHelp, world } from './configured.js'
import { runUntilStopped } from './running.js'
import { tellerOf, toldLog } from './telling.js'

const names: SettingName[] = ['data', 'chain', 'bootstrap', 'host', 'firewalled', 'http', 'log-level']
const own = {
  copies: { shows: 'N', purpose: 'encoded copies of what nobody else has registered (default 2)' },
  codec: { shows: codecNames.join('|'), purpose: `how they are encoded (default ${DEFAULT_CODEC})` }
}

/** `datdot sponsor`: hypercores kept for apps. */
export const sponsorCommand: Command = {
  help: `Usage: datdot sponsor --http HOST:PORT --config FILE, or --http HOST:PORT --data DIR --chain KEY [OPTIONS]

Has hypercores and drives kept for apps that ask over HTTP, until Ctrl-C: the pinning API of docs/pinning-api.md. Pays from a purse of its own, to
which its operator sends tokens; datdot api-key makes the keys that apps need, and says how much each may.

${optionsHelp(names, own)}
Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 it failed, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('sponsor', names, { args, io, own })
    const { settings, json } = given
    const tell = tellerOf(io, json)
    const program = new SponsorProgram({
      dir: settings.path('data', 'sponsor'),
      network: networkOf(settings),
      chainKey: settings.need('chain', 'sponsor'),
      address: settings.need('http', 'sponsor'),
      copies: optionOf('copies', wholeNumber(1, 100), givenText(given, 'copies')) ?? 2,
      codec: optionOf('codec', word(codecNames), givenText(given, 'codec')) ?? DEFAULT_CODEC,
      ...world,
      hear: (log) => toldLog(tell, 'sponsor', log),
      logLevel: settings.get('log-level') ?? 'info'
    })
    const code = await runUntilStopped(program, io, () => {
      const key = idEncoding.encode(program.publicKey)
      const { url } = program
      tell('started', { key, url }, `pays from ${key}\n${url} takes pins\nrunning; Ctrl-C stops it`)
      return Promise.resolve()
    })
    tell('closed', {}, '')
    return code
  }
}

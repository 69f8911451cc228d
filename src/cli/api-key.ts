import { join } from 'node:path'
import { anyText, datdots, wholeNumber } from '../daemon/setting.js'
import type { SettingName } from '../daemon/settings.js'
import { InputError } from '../errors.js'
import { DATDOT } from '../protocol/parameters.js'
import { ApiKeys, type ApiKey } from '../roles/sponsor/api-keys.js'
import { SPONSOR_FILE, openSponsorDatabase } from '../roles/sponsor/database.js'
import { amountText } from './amounts.js'
import { EXIT_OK, optionOf, type Command } from './command.js'
import { configure, givenText, optionsHelp, world } from './configured.js'
import { tellerOf } from './telling.js'
import { argument } from './tokens.js'

const names: SettingName[] = ['data']
const own = {
  tokens: { shows: 'N', purpose: 'datdots that all pins of the key may cost, fees included (default 1000)' },
  'per-pin': { shows: 'N', purpose: 'datdots that one pin costs, fees included (default 10)' },
  pins: { shows: 'N', purpose: 'pins that it may have at a time (default 100)' },
  requests: { shows: 'N', purpose: 'requests in a minute (default 120)' }
}
const PINS_MAX = 1_000_000
const REQUESTS_MAX = 60_000

/** `datdot api-key`: who may have things kept at a sponsor's expense. */
export const apiKeyCommand: Command = {
  help: `Usage: datdot api-key create NAME --config FILE, or --data DIR [OPTIONS]
       datdot api-key list --config FILE, or --data DIR
       datdot api-key revoke ID --config FILE, or --data DIR

Makes keys for apps that ask the datdot sponsor of the same folder, which may run meanwhile. A key is printed once, and only what it is recognised by is
kept. One that is revoked opens nothing from then on; what it had pinned stays pinned.

${optionsHelp(names, own)}
Exit codes: 0 done, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('api-key', names, { args, io, positionals: 2, own })
    const { settings, json, positionals } = given
    const [what, name] = positionals
    const tell = tellerOf(io, json)
    const text = (option: keyof typeof own): string | undefined => givenText(given, option)
    const quota = {
      tokens: optionOf('tokens', datdots, text('tokens')) ?? 1_000n * DATDOT,
      perPin: optionOf('per-pin', datdots, text('per-pin')) ?? 10n * DATDOT,
      pins: optionOf('pins', wholeNumber(1, PINS_MAX), text('pins')) ?? 100,
      requests: optionOf('requests', wholeNumber(1, REQUESTS_MAX), text('requests')) ?? 120
    }
    if (what !== 'create' && what !== 'list' && what !== 'revoke') {
      const why = what === undefined ? 'needs' : `takes`
      throw new InputError(
        what === undefined ? 'OPTION_MISSING' : 'OPTION_VALUE',
        `api-key ${why} create, list or revoke; see datdot api-key --help`
      )
    }
    const about = what === 'list' ? '' : argument('api-key', anyText('NAME or ID'), name)
    if (about.length > 64) throw new InputError('OPTION_VALUE', 'api-key takes a name of up to 64 letters')
    const db = await openSponsorDatabase(join(settings.path('data', 'api-key'), SPONSOR_FILE))
    try {
      const keys = new ApiKeys(db, world.clock)
      if (what === 'create') {
        const { id, key } = keys.create(about, quota, world.randomBytes)
        tell(
          'created',
          { id, key, name: about, ...quota },
          `${key}\nkeep it: it is not shown again; its id is ${id}`
        )
      } else if (what === 'revoke') {
        keys.revoke(about)
        tell('revoked', { id: about }, `${about} opens nothing any more`)
      } else keys.list().forEach((key) => tell('key', factsOf(key), rowOf(key)))
    } finally {
      db.close()
    }
    return EXIT_OK
  }
}

function factsOf({ label, ...rest }: ApiKey): Record<string, string | number | bigint | null> {
  return { name: label, ...rest }
}

function rowOf({ id, label, revoked, spent, tokens, live, pins, requests }: ApiKey): string {
  const state = revoked === null ? '' : ', revoked'
  return `${id}  ${label}: ${amountText(spent)} of ${amountText(tokens)} datdots, ${live} of ${pins} pins, ${requests} requests a minute${state}`
}

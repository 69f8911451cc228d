import * as idEncoding from 'hypercore-id-encoding'
import { join, resolve } from 'node:path'
import { CHAIN_FILE, GENESIS_FILE, initChain, initNode, NODE_FILE, type Keys } from '../daemon/init.js'
import { nodeRoles } from '../daemon/settings.js'
import { InputError } from '../errors.js'
import { fastParameters } from '../local/economy.js'
import { defaultParameters } from '../protocol/parameters.js'
import { EXIT_OK, type Command } from './command.js'
import { configure, givenText, world } from './configured.js'
import { tellerOf } from './telling.js'

const own = {
  name: { shows: 'NAME', purpose: 'of the new chain' },
  fast: { purpose: 'rules for trying it out: an epoch takes three seconds' }
}

/** `datdot init`: files and identities to begin with. */
export const init: Command = {
  help: `Usage: datdot init chain DIR [--name NAME] [--fast] [--bootstrap HOST:PORT[,HOST:PORT]]
       datdot init node DIR --chain KEY [--roles pinner,signer,verifier] [--bootstrap HOST:PORT[,HOST:PORT]]

Writes a commented configuration and new identities, readable by their owner only; never over a file that is there.

  chain     ${CHAIN_FILE}, ${GENESIS_FILE}, and the keys of chain, wallet and faucet
  node      ${NODE_FILE}, and a key for each role and for a wallet
  --name NAME           of the new chain (default datdot)
  --fast                rules for trying it out: an epoch takes three seconds
  --chain KEY           the chain's public key
  --roles …             which roles the node has (default all three)
  --bootstrap …         nodes of a private DHT; without it the public one
  --json                print one JSON object
  --help                this text

Exit codes: 0 written, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('init', ['chain', 'roles', 'bootstrap'], { args, io, positionals: 2, own })
    const { settings, json, positionals } = given
    const [kind, folder] = positionals
    if ((kind !== 'chain' && kind !== 'node') || folder === undefined) {
      throw new InputError(
        'OPTION_MISSING',
        'init needs what it is for and a folder: init chain DIR or init node DIR'
      )
    }
    const dir = resolve(io.cwd, folder)
    const nodes = settings.get('bootstrap')
    const bootstrap = nodes?.map(({ host, port }) => `${host}:${port}`).join()
    const options = { dir, bootstrap, randomBytes: world.randomBytes }
    let keys: Keys
    if (kind === 'chain') {
      const name = givenText(given, 'name') ?? 'datdot'
      const parameters = given.own.fast === true ? fastParameters() : { ...defaultParameters }
      keys = await initChain({ ...options, name, parameters })
    } else {
      const chain = idEncoding.encode(settings.need('chain', 'init'))
      keys = await initNode({ ...options, chain, roles: settings.get('roles') ?? nodeRoles })
    }
    const file = join(dir, kind === 'chain' ? CHAIN_FILE : NODE_FILE)
    const lines = Object.entries(keys).map(([name, key]) => `${name.padEnd(9)} ${key}`)
    const text = [...lines, `Wrote ${file}. Look it over; then: datdot ${kind} --config ${file}`].join('\n')
    tellerOf(io, json)('initialised', { file, ...keys }, text)
    return EXIT_OK
  }
}

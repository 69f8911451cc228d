import { join } from 'node:path'
import * as idEncoding from 'hypercore-id-encoding'
import { ChainProgram } from '../daemon/chain-program.js'
import type { FaucetLimits } from '../daemon/faucet.js'
import { readGenesis } from '../daemon/genesis.js'
import { HttpServer } from '../daemon/http.js'
import { GENESIS_FILE } from '../daemon/init.js'
import type { SettingName, Settings } from '../daemon/settings.js'
import { DATDOT } from '../protocol/parameters.js'
import type { Command } from './command.js'
import { configure, networkOf, optionsHelp, world } from './configured.js'
import { conflict, rereading, runUntilStopped } from './running.js'
import { tellerOf, toldLog } from './telling.js'

const names: SettingName[] = ['data', 'bootstrap', 'host', 'port', 'firewalled', 'http', 'log-level']
const own = {
  genesis: { shows: 'FILE', purpose: `what a new chain starts from (default: ${GENESIS_FILE} in DIR)` }
}

/** `datdot chain`: orders and applies the operations of one network. */
export const chain: Command = {
  help: `Usage: datdot chain --config FILE, or --data DIR [OPTIONS]

Runs a chain until Ctrl-C: a new one from its genesis file, or the one that is in DIR. datdot init chain writes both files.
At SIGHUP the limits of the faucet are read again.

${optionsHelp(names, own)}
Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 it failed, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('chain', names, { args, io, own })
    const { settings, json } = given
    const dir = settings.path('data', 'chain')
    const file = given.own.genesis
    const genesis = await readGenesis(typeof file === 'string' ? join(io.cwd, file) : join(dir, GENESIS_FILE))
    const tell = tellerOf(io, json)
    const network = networkOf(settings)
    const address = settings.get('http')
    const http = address && new HttpServer(address)
    const program = new ChainProgram({
      dir,
      network,
      genesis,
      faucet: faucetOf(settings),
      ...world,
      hear: (name, log) => toldLog(tell, name, http ? http.counted(name, log) : log),
      http,
      logLevel: settings.get('log-level') ?? 'info'
    })
    const rereads = rereading(io, settings, tell, (again) =>
      program.change(faucetOf(again)) ? null : 'the faucet begins or ends'
    )
    const code = await runUntilStopped(program, io, async () => {
      rereads.begin()
      http?.begun()
      const key = idEncoding.encode(program.publicKey)
      const shown = http ? `\n${http.url} shows it` : ''
      const facts = { key, name: genesis.name, ...(http && { url: http.url }) }
      tell('started', facts, `chain ${key}${shown}\nrunning; Ctrl-C stops it`)
      return Promise.resolve()
    })
    rereads.end()
    tell('closed', {}, '')
    return code
  }
}

function faucetOf(settings: Settings): FaucetLimits | null {
  const [table] = settings.tables('faucet')
  if (!table) return null
  const grant = settings.get('grant', table) ?? 250n * DATDOT
  const daily = settings.get('daily', table) ?? 20n * grant
  if (grant > daily) {
    conflict(
      `${settings.where('grant', table)} is more than ${settings.where('daily', table)}: nobody would get anything`
    )
  }
  return { grant, daily }
}

import { mkdir } from 'node:fs/promises'
import { rsaPaths } from '../crypto/rsa.js'
import {
  finding,
  lookAtClock,
  lookAtDisk,
  lookAtFiles,
  lookAtNetwork,
  lookAtNode,
  type Finding
} from '../daemon/doctor.js'
import { SwarmError } from '../errors.js'
import { using } from '../lifecycle.js'
import { createDht } from '../swarm/dht.js'
import { leave } from '../swarm/leave.js'
import { EXIT_FAILED, EXIT_OK, type Command } from './command.js'
import { configure, networkOf, optionsHelp, world } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'

/** How long the chain may take to say its date. */
const CHAIN_MS = 15_000

/** `datdot doctor`: whether this machine is fit for a role, and what to mend. */
export const doctor: Command = {
  help: `Usage: datdot doctor --config FILE, or --data DIR [--chain KEY] [OPTIONS]

Looks at what a role needs of this machine: Node, the compiled code, space and speed of the disk that DIR is on (it writes 32 MiB and
removes them), how many files may be open, whether UDP gets through and what NAT is in the way, and with --chain whether the chain
answers and the clock is right. Says of what is poor how to mend it.

${optionsHelp(walletSettings)}
Exit codes: 0 all is good, 1 something is poor, 2 bad input.
`,
  async run(args, io) {
    const { settings, json } = await configure('doctor', walletSettings, { args, io })
    const tell = tellerOf(io, json)
    const dir = settings.path('data', 'doctor')
    const network = networkOf(settings)
    const { clock } = world
    let poor = 0
    const say = ({ name, state, found, remedy }: Finding): void => {
      if (state === 'poor') poor++
      const mend = remedy === '' ? '' : `; ${remedy}`
      tell('finding', { name, state, found, remedy }, `${name.padEnd(12)} ${state.padEnd(8)} ${found}${mend}`)
    }
    say(lookAtNode(process.version))
    const [fastest] = rsaPaths()
    const compiled = fastest !== 'bigint'
    say(finding('native code', compiled, `seals by ${fastest}`, 'install a C compiler and run npm rebuild'))
    await mkdir(dir, { recursive: true, mode: 0o700 })
    for (const one of await lookAtDisk(dir, clock)) say(one)
    say(await lookAtFiles())
    const dht = createDht(network)
    try {
      say(await lookAtNetwork(dht, clock))
    } finally {
      await leave(dht)
    }
    if (settings.get('chain')) {
      await using(new Wallet(settings, 'doctor'), async ({ member: { chain } }) => {
        try {
          const { at } = (await chain.info({ timeoutMs: CHAIN_MS, signal: io.signal })).chain
          say(finding('chain', true, 'it answers', ''))
          say(lookAtClock(at, clock))
        } catch (error) {
          if (!(error instanceof SwarmError)) throw error
          say(
            finding(
              'chain',
              false,
              `it does not answer (${error.code})`,
              'check --chain, --bootstrap and that it runs'
            )
          )
        }
      })
    }
    return poor === 0 ? EXIT_OK : EXIT_FAILED
  }
}

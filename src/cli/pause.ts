import { duration, type Setting } from '../daemon/setting.js'
import { using } from '../lifecycle.js'
import type { Parameters } from '../protocol/parameters.js'
import { EXIT_OK, type Command } from './command.js'
import { configure, givenText, optionsHelp, world } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'
import { argument } from './tokens.js'

const own = {
  in: {
    shows: 'TIME',
    purpose: 'until then it is there: the pause covers what follows; at once if not said'
  },
  name: { shows: 'NAME', purpose: "of the pinner's folder, where it is not pinner" }
}

/** How long, or that what was said before is over. */
const length: Setting<number | 'end'> = {
  shows: 'TIME',
  takes: 'a time such as 3h or 30m, or end',
  parse: (text) => (text === 'end' ? 'end' : duration.parse(text))
}

/** Rounds that an operation may take to be on the log, and not come too late for the first epoch that it may name. */
const ROUNDS_ON_THE_WAY = 2

/** The whole epochs that cover a time; of a pause that begins at once, from the first epoch on that one may begin with. */
export function pauseOf(
  { now, inMs, forMs }: { now: number; inMs: number; forMs: number },
  { epochMs, tickMs }: Pick<Parameters, 'epochMs' | 'tickMs'>
): { epoch: number; epochs: number } {
  const first = Math.ceil((now + ROUNDS_ON_THE_WAY * tickMs) / epochMs) + 1
  const wanted = Math.floor((now + inMs) / epochMs)
  if (wanted < first) return { epoch: first, epochs: Math.ceil(forMs / epochMs) }
  return { epoch: wanted, epochs: Math.ceil((now + inMs + forMs) / epochMs) - wanted }
}

/** `datdot pause`: a pinner says before that it will be away. */
export const pauseCommand: Command = {
  help: `Usage: datdot pause TIME|end --config FILE, or --data DIR --chain KEY [OPTIONS]

Announces that a pinner will be away for TIME, such as 3h, in whole epochs of the chain (hours): it is not asked for what it holds
meanwhile, and not paid; nothing else follows. It begins after a whole epoch at the soonest, which this says: let the pinner run until
then. What it is delivering it still owes. end takes back what was announced; a pause that goes on ends with the present epoch.

${optionsHelp(walletSettings, own)}
Exit codes: 0 done, 1 the chain refused it or does not answer, 2 bad input.
`,
  async run(args, io) {
    const given = await configure('pause', walletSettings, { args, io, positionals: 1, own })
    const wanted = argument('pause', length, given.positionals[0])
    const after = givenText(given, 'in')
    const inMs = after === undefined ? 0 : argument('pause', duration, after)
    const folder = givenText(given, 'name') ?? 'pinner'
    const tell = tellerOf(io, given.json)
    return using(new Wallet(given.settings, 'pause', folder), async ({ member: { chain, keyPair } }) => {
      const announced = async (): Promise<{ from: number; until: number } | null> => {
        const { roles } = await chain.account(keyPair.publicKey)
        return roles.find(({ role }) => role === 'pinner')?.pause ?? null
      }
      const { clockNow, parameters } = await chain.info()
      const { epochMs } = parameters
      if (wanted === 'end') await chain.pause(Math.floor(((await announced())?.from ?? 0) / epochMs), 0)
      else {
        const { epoch, epochs } = pauseOf({ now: clockNow, inMs, forMs: wanted }, parameters)
        await chain.pause(epoch, epochs)
      }
      const pause = await announced()
      if (!pause) {
        tell('paused', { from: null, until: null }, 'the pinner has no pause before it')
        return EXIT_OK
      }
      const now = world.clock.wall()
      const [from, until] = [pause.from, pause.until].map((time) => now + time - clockNow) as [number, number]
      const text = `the pinner is not asked from ${dateOf(from)} to ${dateOf(until)}; let it run until then, and be back after that`
      tell('paused', { from, until }, text)
      return EXIT_OK
    })
  }
}

function dateOf(ms: number): string {
  return new Date(Math.round(ms / 1_000) * 1_000).toISOString().replace('.000', '')
}

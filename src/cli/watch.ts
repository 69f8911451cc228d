import * as idEncoding from 'hypercore-id-encoding'
import { publicKey } from '../daemon/setting.js'
import { using } from '../lifecycle.js'
import type { LogValue } from '../log.js'
import type { Effect } from '../protocol/effects.js'
import { EXIT_OK, type Command } from './command.js'
import { configure, optionsHelp } from './configured.js'
import { Wallet, walletSettings } from './purse.js'
import { tellerOf } from './telling.js'
import { argument } from './tokens.js'

/** What of the log is told of a copy: facts, and a sentence. */
function told(effect: Effect): { copy: number; facts: Record<string, LogValue>; text: string } | null {
  switch (effect.kind) {
    case 'activated':
      return { copy: effect.copy, facts: {}, text: 'is whole, and challenged from now on' }
    case 'settled': {
      const { outcome, challenge } = effect
      return { copy: effect.copy, facts: { challenge, outcome }, text: `challenge ${challenge}: ${outcome}` }
    }
    case 'checked': {
      const { outcome, firstByteUs, bytesPerSecond, misses } = effect
      const measured = `first byte after ${(firstByteUs / 1000).toFixed(0)} ms, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s, ${misses} misses`
      const facts = { outcome, firstByteUs, bytesPerSecond, misses }
      return { copy: effect.copy, facts, text: `checked: ${outcome}, ${measured}` }
    }
    case 'lost':
      return { copy: effect.copy, facts: {}, text: 'is lost; another one is to be encoded' }
    case 'released':
      return { copy: effect.copy, facts: {}, text: 'is released' }
    default:
      return null
  }
}

/** `datdot watch`: what becomes of copies, as it happens. */
export const watch: Command = {
  help: `Usage: datdot watch [KEY] --config FILE, or --data DIR --chain KEY [OPTIONS]

Follows the chain's log until Ctrl-C, and says of the copies of all hypercores, or of KEY, when one is whole, challenged, measured, lost or
released.

${optionsHelp(walletSettings)}
Exit codes: 0 stopped by Ctrl-C or SIGTERM, 1 the chain does not answer, 2 bad input.
`,
  async run(args, io) {
    const { settings, json, positionals } = await configure('watch', walletSettings, {
      args,
      io,
      positionals: 1
    })
    const tell = tellerOf(io, json)
    const [text] = positionals
    const key = text === undefined ? undefined : argument('watch', publicKey, text)
    return using(new Wallet(settings, 'watch'), async ({ member: { chain } }) => {
      const { signal } = io
      const { length } = (await chain.info({ signal })).chain
      const hypercores = new Map<number, Buffer>()
      tell('watching', { from: length }, `from entry ${length} on; Ctrl-C ends it`)
      try {
        for await (const { at, effects } of chain.events({ from: length, signal })) {
          for (const effect of effects?.effects ?? []) {
            const one = told(effect)
            if (!one) continue
            const known = hypercores.get(one.copy) ?? (await chain.copy(one.copy, { signal }))?.hypercore
            if (!known) continue
            const hypercore = Buffer.from(known)
            hypercores.set(one.copy, hypercore)
            if (key && !key.equals(hypercore)) continue
            const date = new Date(at).toISOString()
            const { copy, facts } = one
            tell(
              effect.kind,
              { at, copy, hypercore, ...facts },
              `${date} copy ${copy} of ${idEncoding.encode(hypercore)} ${one.text}`
            )
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error
      }
      return EXIT_OK
    })
  }
}

import { join } from 'node:path'
import type { SettingName } from '../daemon/settings.js'
import { using } from '../lifecycle.js'
import { RoleFolder } from '../roles/data-folder.js'
import { COPIES } from '../roles/pinner/pinner.js'
import { PinnerStore } from '../storage/pinner-store.js'
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, type Command } from './command.js'
import { configure, givenText, optionsHelp, world } from './configured.js'
import { writtenKey, tellerOf } from './telling.js'

const names: SettingName[] = ['data']
const own = { name: { shows: 'NAME', purpose: "of the pinner's folder (default: pinner)" } }

/** `datdot scrub`: reads all that a stopped pinner holds. */
export const scrub: Command = {
  help: `Usage: datdot scrub --config FILE, or --data DIR [--name NAME]

Reads every chunk that the pinner of this folder holds, holds it against the root that the chain knows, and names what is damaged or gone;
that is not served any more. Refuses, and says who has the folder, while the pinner runs, which does the same every few days by itself.

${optionsHelp(names, own)}
Exit codes: 0 all is good, 1 something is lost, 2 bad input, 130 stopped by Ctrl-C.
`,
  async run(args, io) {
    const given = await configure('scrub', names, { args, io, own })
    const name = givenText(given, 'name') ?? 'pinner'
    const path = join(given.settings.path('data', 'scrub'), name)
    const tell = tellerOf(io, given.json)
    const folder = new RoleFolder({ path, role: 'scrub', ...world })
    return using(folder, () =>
      using(new PinnerStore(join(path, COPIES), { clock: world.clock }), async (store) => {
        store.events.on('lost', (key, index, reason) =>
          tell('lost', { key, index, reason }, `block ${index} of ${writtenKey(key)}: ${reason}`)
        )
        try {
          const { chunks, bytes, lost, unproven } = await store.scrub({ signal: io.signal })
          const text = `read ${chunks} chunks with ${bytes} bytes: ${lost} are lost, ${unproven} cannot be proven`
          tell('scrubbed', { chunks, bytes, lost, unproven }, text)
          return lost + unproven === 0 ? EXIT_OK : EXIT_FAILED
        } catch (error) {
          if (io.signal.aborted) return EXIT_INTERRUPTED
          throw error
        }
      })
    )
  }
}
